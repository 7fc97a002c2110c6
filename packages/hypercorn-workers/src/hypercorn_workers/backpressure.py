"""Which applications have to wait in ``send``.

Knows: the two reasons to wait: the transport is full, and that is everybody's; or too much of one
answer waits in the protocol for the peer's window, and that is its own.
Must not know: how much is too much, or what is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

__all__ = ["Backpressure", "Sending"]

_NONE: frozenset[int] = frozenset()


class Sending(Protocol):
    """Whatever sends on a stream."""

    def congested(self, congested: bool) -> None:
        """Whether it is to wait."""


class Backpressure:
    """Tells the exchanges of one connection to wait and to go on.

    Args:
        exchanges: the connection's, by stream.
    """

    __slots__ = ("_exchanges", "held_back", "transport_is_full")

    def __init__(self, exchanges: Mapping[int, Sending]) -> None:
        self._exchanges = exchanges
        self.held_back: set[int] | frozenset[int] = _NONE
        """Streams that wait for their own windows; not to be changed."""
        self.transport_is_full = False

    def admit(self, exchange: Sending) -> None:
        """A stream has begun."""
        if self.transport_is_full:
            exchange.congested(True)

    def hold_back(self, stream_id: int) -> None:
        """Too much of a stream waits in the protocol."""
        self.held_back |= {stream_id}
        self._exchanges[stream_id].congested(True)

    def let_go_on(self, buffered: Callable[[int], int], enough: int) -> None:
        """Free the streams of which no more than ``enough`` bytes wait in the protocol."""
        gone = [stream_id for stream_id in self.held_back if buffered(stream_id) <= enough]
        self.held_back -= set(gone)
        for stream_id in gone:
            exchange = self._exchanges.get(stream_id)
            if exchange is not None and not self.transport_is_full:
                exchange.congested(False)

    def stop_all(self) -> None:
        """Everybody waits, at least for the next turn of the loop."""
        for exchange in self._exchanges.values():
            exchange.congested(True)

    def resume_all(self) -> None:
        """Nobody waits but for the transport, or for a stream of their own."""
        if not self.transport_is_full:
            for stream_id, exchange in self._exchanges.items():
                if stream_id not in self.held_back:
                    exchange.congested(False)
