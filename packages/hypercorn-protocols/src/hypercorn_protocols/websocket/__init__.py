"""WebSocket on any stream of bytes: the handshake, messages, and the end.

Knows: the names that other packages use.
Must not know: anything else.
"""

from __future__ import annotations

from hypercorn_protocols.websocket.connection import WebSocket
from hypercorn_protocols.websocket.deflate import Deflate
from hypercorn_protocols.websocket.events import (
    MessageReceived,
    WebSocketClosed,
    WebSocketEvent,
)
from hypercorn_protocols.websocket.handshake import (
    Acceptance,
    Handshake,
    HandshakeError,
    is_websocket,
    read_handshake,
)
from hypercorn_protocols.websocket.memory import MessageMemory

__all__ = [
    "Acceptance",
    "Deflate",
    "Handshake",
    "HandshakeError",
    "MessageMemory",
    "MessageReceived",
    "WebSocket",
    "WebSocketClosed",
    "WebSocketEvent",
    "is_websocket",
    "read_handshake",
]
