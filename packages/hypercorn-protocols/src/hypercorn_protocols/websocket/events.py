"""What a WebSocket hands out.

Knows: the facts that a peer's frames, or their absence, come to.
Must not know: frames, or what anybody does with a message.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MessageReceived", "WebSocketClosed", "WebSocketEvent"]


@dataclass(slots=True)
class MessageReceived:
    """A complete message (RFC 6455 section 5.6), inflated."""

    data: str | bytes
    """``str`` for a text message, ``bytes`` for a binary one."""


@dataclass(slots=True)
class WebSocketClosed:
    """The last event: no more messages come, for whatever reason.

    Messages before it may still be answered. The Close frame that is owed to the peer, if any, is
    sent by :meth:`~hypercorn_protocols.websocket.WebSocket.finish`, or by a timer before long.
    """

    code: int
    """RFC 6455 section 7.4; 1005 if the peer gave none, 1006 if it left without a word."""
    reason: str


WebSocketEvent = MessageReceived | WebSocketClosed
