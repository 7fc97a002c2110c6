"""Several applications under one, each below a path of its own.

Knows: which application a path belongs to, and how one event loop library runs their
lifespans at once.
Must not know: what a lifespan is made of; that is in ``_lifespans``.
"""

from __future__ import annotations

from hypercorn_asgi._replies import deny_websocket, send_empty_response
from hypercorn_asgi.typing import (
    ASGIFramework,
    ASGIReceiveCallable,
    ASGISendCallable,
    LifespanScope,
    Scope,
    WWWScope,
)

from ._lifespans import Lifespans

__all__ = [
    "AsyncioDispatcherMiddleware",
    "DispatcherMiddleware",
    "TrioDispatcherMiddleware",
]


class _DispatcherMiddleware:
    """Give each scope to the first of *mounts* (path → application) that its path is below.

    The application's ``root_path`` gets the mount's path appended and ``path`` stays whole,
    as ASGI has it. Mount paths are matched by whole segments: ``/api`` is not ``/apifoo``.
    What belongs to nobody is answered with 404 or, before a WebSocket handshake, refused.
    """

    def __init__(self, mounts: dict[str, ASGIFramework]) -> None:
        self.mounts = mounts

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """Serve *scope*; raises what the application raises that it is given to."""
        if scope["type"] == "lifespan":
            await self._handle_lifespan(scope, receive, send)
        else:
            await self._dispatch(scope, receive, send)

    async def _dispatch(
        self, scope: WWWScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        root = scope.get("root_path", "").rstrip("/")
        path = _path_below(root, scope["path"])
        for mount, app in self.mounts.items():
            prefix = mount.rstrip("/")
            if _is_below(prefix, path):
                scope = scope.copy()
                scope["root_path"] = root + prefix
                await app(scope, receive, send)
                return
        await _refuse(scope, send)

    async def _handle_lifespan(
        self, scope: LifespanScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        raise NotImplementedError("use AsyncioDispatcherMiddleware or TrioDispatcherMiddleware")


class AsyncioDispatcherMiddleware(_DispatcherMiddleware):
    """Applications below paths of their own, for servers on asyncio.

    *mounts* gives the application for each path; the first that a request's path is below
    gets it. Startup and shutdown are complete when they are in all of them.
    """

    async def _handle_lifespan(
        self, scope: LifespanScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        import asyncio

        lifespans = Lifespans(self.mounts, scope, asyncio.Event)
        tasks = [asyncio.ensure_future(run()) for run in lifespans.runs]
        try:
            await lifespans.conduct(receive, send)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


class TrioDispatcherMiddleware(_DispatcherMiddleware):
    """Applications below paths of their own, for servers on trio.

    *mounts* gives the application for each path; the first that a request's path is below
    gets it. Startup and shutdown are complete when they are in all of them.
    """

    async def _handle_lifespan(
        self, scope: LifespanScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        import trio

        lifespans = Lifespans(self.mounts, scope, trio.Event)
        failure: Exception | None = None
        async with trio.open_nursery() as nursery:
            for run in lifespans.runs:
                nursery.start_soon(run)
            try:
                await lifespans.conduct(receive, send)
            except Exception as error:  # raised below, so that no group is around it
                failure = error
            nursery.cancel_scope.cancel()
        if failure is not None:
            raise failure


DispatcherMiddleware = AsyncioDispatcherMiddleware


def _path_below(root: str, path: str) -> str:
    """Return *path* without *root*, which ASGI has inside it and some servers do not."""
    return path[len(root) :] if _is_below(root, path) else path


def _is_below(prefix: str, path: str) -> bool:
    return not prefix or path == prefix or path.startswith(f"{prefix}/")


async def _refuse(scope: WWWScope, send: ASGISendCallable) -> None:
    if scope["type"] == "http":
        await send_empty_response(send, 404)
    else:
        await deny_websocket(scope, send, 404)
