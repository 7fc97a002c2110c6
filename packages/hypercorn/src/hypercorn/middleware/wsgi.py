"""The WSGI middleware of :mod:`hypercorn_asgi.middleware` under its name of 0.18."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from hypercorn_asgi.errors import InvalidPathError
from hypercorn_asgi.middleware.wsgi import (
    MAX_BODY_SIZE,
    AsyncioWSGIMiddleware,
    TrioWSGIMiddleware,
    _WSGIMiddleware,
)

__all__ = [
    "MAX_BODY_SIZE",
    "AsyncioWSGIMiddleware",
    "InvalidPathError",
    "TrioWSGIMiddleware",
    "WSGICallable",
    "_WSGIMiddleware",
]

WSGICallable = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
