"""permessage-deflate as a client does it (RFC 7692), by zlib alone.

Knows: how a message is compressed without a memory of those before it, and inflated again.
Must not know: what was agreed on.
"""

from __future__ import annotations

import zlib

from tests.websocket_peer import Frame

_TAIL = b"\0\0\xff\xff"


def deflated(content: bytes, level: int = 9) -> bytes:
    """Compress one message (section 7.2.1)."""
    compressor = zlib.compressobj(level, zlib.DEFLATED, -15)
    data = compressor.compress(content) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return data.removesuffix(_TAIL)


class Inflater:
    """Inflates the messages of one WebSocket, each of which may refer to those before it."""

    def __init__(self) -> None:
        self._decompressor = zlib.decompressobj(-15)

    def content(self, frame: Frame) -> bytes:
        """The content of the next message, in one frame (section 7.2.2)."""
        assert frame.fin
        if not frame.compressed:
            return frame.payload
        return self._decompressor.decompress(frame.payload + _TAIL)
