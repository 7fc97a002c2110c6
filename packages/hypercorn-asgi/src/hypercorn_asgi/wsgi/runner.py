"""Run a WSGI application for one request (PEP 3333, "The Server/Gateway Side").

Knows: that the result is iterated once, sent as it comes and always closed.
Must not know: event loops, messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sized
from typing import Any

from hypercorn_asgi.typing import WSGIFramework

from .response import Response

__all__ = ["run_application"]


def run_application(app: WSGIFramework, environ: dict[str, Any], response: Response) -> None:
    """Call *app*, send all of its result, and close the result whatever happens.

    Blocks until the response is complete. Raises what the application raises, and what
    sending raises (an OSError when the client has left).
    """
    try:
        _run(app, environ, response)
    except StopIteration as error:
        # Futures refuse to carry a StopIteration: whoever waits would wait for ever.
        raise RuntimeError("the WSGI application raised StopIteration") from error


def _run(app: WSGIFramework, environ: dict[str, Any], response: Response) -> None:
    result = app(environ, response.start_response)
    try:
        _send_result(result, response)
    finally:
        close = getattr(result, "close", None)
        if close is not None:
            close()


def _send_result(result: Iterable[bytes], response: Response) -> None:
    # A server "must not delay the transmission of any block", so whether a block is the last
    # is known only from Content-Length or from the length of the result.
    single = isinstance(result, Sized) and len(result) == 1
    for chunk in result:
        response.send_chunk(chunk, last=single)
        if response.complete:
            return
    response.finish()
