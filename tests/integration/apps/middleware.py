"""The inspecting application behind each kind of middleware, and a WSGI application."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from hypercorn.middleware import (
    AsyncioWSGIMiddleware,
    DispatcherMiddleware,
    HTTPToHTTPSRedirectMiddleware,
    ProxyFixMiddleware,
    TrioWSGIMiddleware,
)
from hypercorn.middleware.dispatcher import TrioDispatcherMiddleware
from tests.integration.apps import inspecting


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"by WSGI"]


_app: Any = inspecting.app
_MOUNTS: dict[str, Any] = {
    "/proxied": ProxyFixMiddleware(_app, mode="modern", trusted_hops=1),
    "/secure": HTTPToHTTPSRedirectMiddleware(_app, None),
}

on_asyncio = DispatcherMiddleware({**_MOUNTS, "/wsgi": AsyncioWSGIMiddleware(wsgi)})
on_trio = TrioDispatcherMiddleware({**_MOUNTS, "/wsgi": TrioWSGIMiddleware(wsgi)})
