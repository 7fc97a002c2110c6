"""HTTP without input or output: bytes and times go in, events and bytes come out.

Knows: the wire formats of HTTP and their rules.
Must not know: sockets, clocks, event loops, threads, logging, configuration or ASGI.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypercorn_protocols.connection import Headers, ServerConnection
from hypercorn_protocols.defaults import DefaultHeaders
from hypercorn_protocols.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from hypercorn_protocols.events import (
    BodyEnded,
    BodyReceived,
    Event,
    InputClosed,
    ProtocolSwitched,
    RequestReceived,
    StreamReset,
)
from hypercorn_protocols.http1 import HTTP1Connection
from hypercorn_protocols.http2 import HTTP2Connection
from hypercorn_protocols.negotiation import Negotiator
from hypercorn_protocols.progress import TransferGuard
from hypercorn_protocols.settings import (
    HTTP1EngineName,
    HTTP1Settings,
    HTTP2EngineName,
    HTTP2Settings,
)

__all__ = [
    "BodyEnded",
    "BodyReceived",
    "DefaultHeaders",
    "Event",
    "HTTP1Connection",
    "HTTP1EngineName",
    "HTTP1Settings",
    "HTTP2Connection",
    "HTTP2EngineName",
    "HTTP2Settings",
    "Headers",
    "InputClosed",
    "LocalProtocolError",
    "Negotiator",
    "ProtocolError",
    "ProtocolSwitched",
    "RemoteProtocolError",
    "RequestReceived",
    "ServerConnection",
    "StreamReset",
    "TransferGuard",
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
            return version("hypercorn-protocols")
        except PackageNotFoundError:  # run from a source tree that is not installed
            return "0"
