"""What 0.18's servers and protocols passed to each other.

Knows: the names, for code that makes such objects.
Must not know: anything of this server, which uses the events of ``hypercorn_protocols``.
"""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass

__all__ = ["Closed", "Event", "RawData", "Updated"]


class Event(ABC):  # noqa: B024 (it had no methods)
    """Something between a socket and a protocol."""


@dataclass(frozen=True)
class RawData(Event):
    """Bytes from or to a socket, with the peer's address if it is a datagram."""

    data: bytes
    address: tuple[str, int] | None = None


@dataclass(frozen=True)
class Closed(Event):
    """The connection is closed."""


@dataclass(frozen=True)
class Updated(Event):
    """Whether the connection is without a request has changed."""

    idle: bool
