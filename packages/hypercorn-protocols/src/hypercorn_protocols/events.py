"""What a connection hands out: one small class for each thing that happened.

Knows: the facts that every version of HTTP can tell of a stream.
Must not know: what anybody does with them.

Events are compared by value and are not to be changed or subclassed. ``headers`` are lists of
``(name, value)`` byte pairs with names in lower case (unless the settings ask for the sender's
spelling) and without pseudo-header fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "BodyEnded",
    "BodyReceived",
    "Event",
    "InputClosed",
    "ProtocolSwitched",
    "RequestReceived",
    "StreamReset",
]


@dataclass(slots=True)
class RequestReceived:
    """A request's header section is complete and valid (RFC 9110 section 6)."""

    stream_id: int
    method: str
    """As sent; methods are case-sensitive (RFC 9110 section 9.1)."""
    target: bytes
    """Origin-form (path and query) or ``*``; absolute-form has been resolved to it."""
    headers: list[tuple[bytes, bytes]]
    http_version: str
    """``"1.0"``, ``"1.1"``, ``"2"`` or ``"3"``."""
    end_stream: bool
    """True if there is no content: no BodyReceived or BodyEnded follows."""
    expects_continue: bool = False
    """The client waits for ``100 Continue``, which ``consumed(stream_id, 0, now)`` sends."""
    upgrade: bytes | None = None
    """The protocols that the client would switch to (HTTP/1.1 Upgrade), else None."""
    protocol: bytes | None = None
    """The protocol that an extended CONNECT asks for (RFC 8441 and RFC 9220), else None."""


@dataclass(slots=True)
class BodyReceived:
    """A piece of the request's content. Give its length back with ``consumed``."""

    stream_id: int
    data: bytes


@dataclass(slots=True)
class BodyEnded:
    """The request's content is complete."""

    stream_id: int
    trailers: list[tuple[bytes, bytes]]


@dataclass(slots=True)
class StreamReset:
    """The stream is over before its time: the peer left, or broke the rules within it.

    What is sent on it from now on is dropped.
    """

    stream_id: int
    reason: str


@dataclass(slots=True)
class InputClosed:
    """The peer will send nothing more, and has complete requests that wait for an answer.

    It has left, or only shut down its sending side (RFC 9112 section 9.6): which of the two shows
    only when it is written to. Answers may be finished.
    """


@dataclass(slots=True)
class ProtocolSwitched:
    """From here on the peer speaks another protocol: this connection has nothing more to read.

    Write what its ``data_to_send`` still holds; then the connection takes over that
    :meth:`~hypercorn_protocols.negotiation.Negotiator.switch` gives.
    """

    protocol: Literal["h2c"]
    """HTTP/2 over cleartext TCP, by the name that Upgrade has for it (RFC 7540 section 3.1)."""
    data: bytes
    """What has been read of the new protocol already."""
    request: RequestReceived | None = None
    """What asked for the switch, to be answered in the new protocol; None if nothing did."""
    settings: bytes = b""
    """The payload of the SETTINGS frame that came with the request."""


Event = RequestReceived | BodyReceived | BodyEnded | StreamReset | InputClosed | ProtocolSwitched
