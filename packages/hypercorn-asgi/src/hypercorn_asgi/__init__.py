"""Applications: ASGI and WSGI, from the server's point of view.

Knows: scopes, messages and their order, application wrappers and middleware.
Must not know: event loops, protocols, sockets or processes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypercorn_asgi.detection import is_asgi
from hypercorn_asgi.errors import (
    BodyTooLargeError,
    ClientDisconnected,
    InvalidPathError,
    LifespanFailureError,
    LifespanTimeoutError,
    UnexpectedMessageError,
)
from hypercorn_asgi.http import HTTPExchange, HTTPState
from hypercorn_asgi.lifespan import Lifespan, LifespanStage
from hypercorn_asgi.ports import (
    ExchangeServer,
    Observer,
    ServedResponse,
    Wakeup,
    WebSocketServer,
)
from hypercorn_asgi.scope import ScopeTemplate, lifespan_scope
from hypercorn_asgi.websocket import WebSocketExchange, WebSocketState
from hypercorn_asgi.wrappers import ASGIWrapper, WSGIWrapper, wrap_app

__all__ = [
    "ASGIWrapper",
    "BodyTooLargeError",
    "ClientDisconnected",
    "ExchangeServer",
    "HTTPExchange",
    "HTTPState",
    "InvalidPathError",
    "Lifespan",
    "LifespanFailureError",
    "LifespanStage",
    "LifespanTimeoutError",
    "Observer",
    "ScopeTemplate",
    "ServedResponse",
    "UnexpectedMessageError",
    "WSGIWrapper",
    "Wakeup",
    "WebSocketExchange",
    "WebSocketServer",
    "WebSocketState",
    "is_asgi",
    "lifespan_scope",
    "wrap_app",
]

if TYPE_CHECKING:
    __version__: str
else:

    def __getattr__(name):
        """``__version__``, looked up when somebody asks: every process would wait for it."""
        if name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("hypercorn-asgi")
        except PackageNotFoundError:  # run from a source tree that is not installed
            return "0"
