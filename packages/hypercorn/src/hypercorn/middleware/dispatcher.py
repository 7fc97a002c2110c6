"""The dispatcher of :mod:`hypercorn_asgi.middleware` under its name of 0.18."""

from __future__ import annotations

from hypercorn_asgi.middleware.dispatcher import (
    AsyncioDispatcherMiddleware,
    DispatcherMiddleware,
    TrioDispatcherMiddleware,
    _DispatcherMiddleware,
)

__all__ = [
    "MAX_QUEUE_SIZE",
    "AsyncioDispatcherMiddleware",
    "DispatcherMiddleware",
    "TrioDispatcherMiddleware",
    "_DispatcherMiddleware",
]

MAX_QUEUE_SIZE = 10
"""How many messages an application's lifespan queue held in 0.18."""
