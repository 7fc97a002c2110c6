"""A transport without a socket.

Knows: asyncio's interface between transports and protocols.
Must not know: any server.
"""

from __future__ import annotations

import asyncio
from typing import Any

ADDRESSES = {"peername": ("127.0.0.1", 50_000), "sockname": ("127.0.0.1", 8000)}


class MemoryTransport(asyncio.Transport):
    """Is never full, and keeps nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.written: Any = b""
        """The last that was written; whoever drives the protocol may empty it."""
        self.protocol: asyncio.BaseProtocol | None = None
        """The one that its first has put in its place."""
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
        """Note it, and have nothing to tell it."""
        self.protocol = protocol

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
