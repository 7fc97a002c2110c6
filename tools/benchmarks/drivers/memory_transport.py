"""A transport without a socket, and a loop that says what a server would do with sockets.

Knows: asyncio's interfaces between loops, transports and protocols.
Must not know: any server. Whatever serves with ``loop.create_server`` can be driven.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from typing import Any

ADDRESSES = {"peername": ("127.0.0.1", 50_000), "sockname": ("127.0.0.1", 8000)}


class MemoryTransport(asyncio.Transport):
    """Is never full, and keeps nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.written: Any = b""
        """The last that was written; whoever drives the protocol may empty it."""
        self._closing = False

    def write(self, data: Any) -> None:
        """Take it."""
        self.written = data

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Tell the addresses."""
        return ADDRESSES.get(name, default)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Need none."""

    def get_write_buffer_size(self) -> int:
        """Hold nothing back."""
        return 0

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Have nothing to tell it."""

    def pause_reading(self) -> None:
        """Read nothing anyway."""

    def resume_reading(self) -> None:
        """Read nothing anyway."""

    def can_write_eof(self) -> bool:
        """Could."""
        return True

    def write_eof(self) -> None:
        """Do nothing."""

    def is_closing(self) -> bool:
        """Tell whether `close` was called."""
        return self._closing

    def close(self) -> None:
        """Note it; whoever drives the protocol tells it that the connection is lost."""
        self._closing = True

    def abort(self) -> None:
        """Close."""
        self.close()


class TellingLoop(asyncio.SelectorEventLoop):
    """An event loop that hands out how its servers make the protocol of a connection."""

    def __init__(self) -> None:
        self._clock: Callable[[], float] = time.monotonic
        super().__init__()
        self.protocol_factory: asyncio.Future[Callable[[], Any]] = self.create_future()

    def time(self) -> float:
        """Give the time by which timers go."""
        return self._clock()

    def stop_time(self) -> None:
        """Let no timer go off any more.

        Under callgrind everything is some fifty times slower, and what a server does ten times a
        second would weigh as much more. Setting timers and taking them back still counts.
        """
        self._clock = itertools.repeat(self._clock()).__next__

    async def create_server(self, protocol_factory: Any, *args: Any, **options: Any) -> Any:
        """Serve, and tell."""
        server = await super().create_server(protocol_factory, *args, **options)
        self.protocol_factory.set_result(protocol_factory)
        return server
