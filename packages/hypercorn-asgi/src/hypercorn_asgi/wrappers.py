"""Applications of either kind behind one signature, :class:`~hypercorn_asgi.typing.AppWrapper`.

Knows: which kind an application is, and how a WSGI application answers each kind of scope.
Must not know: which event loop runs; the caller hands over the ways into a thread
(:class:`~hypercorn_asgi.typing.SyncSpawn`) and out of it
(:class:`~hypercorn_asgi.typing.CallSoon`).
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any, Literal, cast

from ._replies import deny_websocket, send_empty_response
from .detection import is_asgi
from .errors import BodyTooLargeError, InvalidPathError
from .typing import (
    AppWrapper,
    ASGIFramework,
    ASGIReceiveCallable,
    ASGISendCallable,
    CallSoon,
    Framework,
    HTTPScope,
    Scope,
    SyncSpawn,
    WSGIFramework,
)
from .wsgi import Bridge, RequestBody, Response, build_environ, run_application

__all__ = [
    "ASGIWrapper",
    "CallSoon",
    "InvalidPathError",
    "SyncSpawn",
    "WSGIWrapper",
    "wrap_app",
]

_READ_BUFFER_SIZE = 8_192


def wrap_app(
    app: Framework, wsgi_max_body_size: int, mode: Literal["asgi", "wsgi"] | None
) -> AppWrapper:
    """Wrap *app* as the kind that *mode* says, or for ``None`` as what it looks like.

    *wsgi_max_body_size* is in bytes and concerns WSGI only. Raises TypeError for an *app*
    that cannot be called and ValueError for an unknown *mode*: the caller's fault.
    """
    if not callable(app):
        raise TypeError(f"an application must be callable, and {app!r} is not")
    if mode not in ("asgi", "wsgi", None):
        raise ValueError(f"mode must be 'asgi', 'wsgi' or None, not {mode!r}")
    if mode is None:
        mode = "asgi" if is_asgi(app) else "wsgi"
    if mode == "asgi":
        return ASGIWrapper(cast(ASGIFramework, app))
    return WSGIWrapper(cast(WSGIFramework, app), wsgi_max_body_size)


class ASGIWrapper:
    """An ASGI application; needs no thread."""

    def __init__(self, app: ASGIFramework) -> None:
        self.app = app

    async def __call__(
        self,
        scope: Scope,
        receive: ASGIReceiveCallable,
        send: ASGISendCallable,
        sync_spawn: SyncSpawn,
        call_soon: CallSoon,
    ) -> None:
        """Run the application for *scope*; raises what it raises."""
        await self.app(scope, receive, send)


class WSGIWrapper:
    """A WSGI application, run in a thread for each request.

    Content flows through as it is read and written; nothing is collected. *max_body_size*
    (bytes) bounds a request's content. ``multiprocess`` is what ``wsgi.multiprocess`` tells
    the application; set it to ``False`` where only one process serves.
    """

    def __init__(self, app: WSGIFramework, max_body_size: int) -> None:
        self.app = app
        self.max_body_size = max_body_size
        self.multiprocess = True

    async def __call__(
        self,
        scope: Scope,
        receive: ASGIReceiveCallable,
        send: ASGISendCallable,
        sync_spawn: SyncSpawn,
        call_soon: CallSoon,
    ) -> None:
        """Serve *scope*: requests by the application, sessions not at all, lifespans at once.

        Raises what the application raises, and ValueError for an unknown type of scope.
        """
        if scope["type"] == "http":
            await self.handle_http(scope, receive, send, sync_spawn, call_soon)
        elif scope["type"] == "websocket":
            await deny_websocket(scope, send, 404)
        elif scope["type"] == "lifespan":
            await _answer_lifespan(receive, send)
        else:
            raise ValueError(f"unknown type of scope: {scope['type']!r}")

    async def handle_http(
        self,
        scope: HTTPScope,
        receive: ASGIReceiveCallable,
        send: ASGISendCallable,
        sync_spawn: SyncSpawn,
        call_soon: CallSoon,
    ) -> None:
        """Answer one request; 413 if it has too much content, 404 outside ``root_path``.

        Raises what the application raises, also after a part of the response was sent; and
        what ``send`` raises if the client left, after the application has been told.
        """
        if _declared_length(scope["headers"]) > self.max_body_size:
            await send_empty_response(send, 413)
            return
        bridge = Bridge(receive, send, call_soon)
        body = RequestBody(bridge.receive, self.max_body_size)
        try:
            environ = build_environ(
                scope,
                io.BufferedReader(body, _READ_BUFFER_SIZE),
                multiprocess=self.multiprocess,
            )
        except InvalidPathError:
            await send_empty_response(send, 404)
            return
        try:
            answered = await sync_spawn(self._run, environ, body, bridge)
        finally:
            bridge.close()
        if not answered:
            await send_empty_response(send, 413)

    def _run(self, environ: dict[str, Any], body: RequestBody, bridge: Bridge) -> bool:
        """Run the application in its thread; false if its content ended the request."""
        response = Response(bridge.send, may_start=body.check_size)
        try:
            run_application(self.app, environ, response)
        except BodyTooLargeError:
            if response.headers_sent:
                raise
            return False
        return True


async def _answer_lifespan(receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Take part in a lifespan that means nothing to a WSGI application."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await send({"type": "lifespan.shutdown.complete"})
            return


def _declared_length(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """Return the content-length, 0 if there is none or it is no number."""
    for name, value in headers:
        if name.lower() == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _build_environ(scope: HTTPScope, body: bytes) -> dict[str, Any]:
    """Build an ``environ`` around content that has been read already (as in 0.18)."""
    return build_environ(scope, io.BytesIO(body))
