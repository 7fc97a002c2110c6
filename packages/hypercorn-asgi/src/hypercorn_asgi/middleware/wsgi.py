"""A WSGI application as an ASGI application, on asyncio or on trio.

Knows: each library's way into a thread and out of it.
Must not know: WSGI; :class:`~hypercorn_asgi.wrappers.WSGIWrapper` does.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from hypercorn_asgi.errors import InvalidPathError
from hypercorn_asgi.typing import ASGIReceiveCallable, ASGISendCallable, Scope, WSGIFramework
from hypercorn_asgi.wrappers import WSGIWrapper

__all__ = [
    "MAX_BODY_SIZE",
    "AsyncioWSGIMiddleware",
    "InvalidPathError",
    "TrioWSGIMiddleware",
]

MAX_BODY_SIZE = 65_536

T = TypeVar("T")


class _WSGIMiddleware:
    """*wsgi_app* as an ASGI application; *max_body_size* (bytes) bounds a request's content."""

    def __init__(self, wsgi_app: WSGIFramework, max_body_size: int = MAX_BODY_SIZE) -> None:
        self.wsgi_app = wsgi_app
        self.max_body_size = max_body_size
        self._wrapper = WSGIWrapper(wsgi_app, max_body_size)

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """Serve *scope*; raises what the application raises."""
        raise NotImplementedError("use AsyncioWSGIMiddleware or TrioWSGIMiddleware")


class AsyncioWSGIMiddleware(_WSGIMiddleware):
    """A WSGI application for servers on asyncio; runs in the loop's default executor.

    *max_body_size* bounds a request's content, in bytes; more is answered with 413. As many
    requests run at once as that executor has threads.
    """

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """Serve *scope*; raises what the application raises."""
        import asyncio

        loop = asyncio.get_running_loop()

        def call_soon(function: Callable[..., Coroutine[Any, Any, T]], /, *args: Any) -> T:
            return asyncio.run_coroutine_threadsafe(function(*args), loop).result()

        await self._wrapper(scope, receive, send, asyncio.to_thread, call_soon)


class TrioWSGIMiddleware(_WSGIMiddleware):
    """A WSGI application for servers on trio; runs in trio's worker threads.

    *max_body_size* bounds a request's content, in bytes; more is answered with 413. As many
    requests run at once as trio's default limiter lets threads run.
    """

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """Serve *scope*; raises what the application raises."""
        import trio

        await self._wrapper(scope, receive, send, trio.to_thread.run_sync, trio.from_thread.run)
