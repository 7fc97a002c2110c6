"""PEP 3333 on top of ASGI messages: what happens inside a WSGI application's thread.

The request goes one way through these rooms, and everything in them is blocking code::

    environ    scope → the environ dictionary
    body       receive() → wsgi.input, read as the application asks for it
    runner     calls the application, iterates over its result, closes it
    response   start_response(), write() and chunks → send()
    files      wsgi.file_wrapper
    bridge     the only way from the thread to the event loop and back

Must not know: event loops and threads; :class:`~hypercorn_asgi.typing.CallSoon` stands for
both.
"""

from __future__ import annotations

from .body import RequestBody
from .bridge import Bridge
from .environ import build_environ
from .files import FileWrapper
from .response import Response
from .runner import run_application

__all__ = [
    "Bridge",
    "FileWrapper",
    "RequestBody",
    "Response",
    "build_environ",
    "run_application",
]
