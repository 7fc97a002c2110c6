"""The built-in engine.

Knows: RFC 6455 section 5.2 to the letter: what a frame of a client looks like.
Must not know: what frames mean together.
"""

from __future__ import annotations

from hypercorn_protocols.websocket.decoder import FramePiece, PayloadLimits
from hypercorn_protocols.websocket.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    MAX_CONTROL_PAYLOAD,
    MESSAGE_TOO_BIG,
    OPCODES,
    PROTOCOL_ERROR,
    TEXT,
    FrameError,
)
from hypercorn_protocols.websocket.masking import apply_mask

__all__ = ["BuiltinDecoder"]

_FIN = 0x80
_RSV1 = 0x40
_OPCODE = 0x0F
_MASKED = 0x80

# Payloads of so many bytes are not copied to be unmasked: a view of them costs less.
_LARGE = 4096

# What a frame may begin with: only data may be fragmented, and compressed (RFC 7692 section 6.1:
# only the first fragment says so).
_DATA = (CONTINUATION, TEXT, BINARY)
_FIRST_BYTES = frozenset((*_DATA, *(_FIN | opcode for opcode in OPCODES)))
_ANY_FIRST_BYTES = _FIRST_BYTES | {
    _RSV1 | fin | opcode for fin in (0, _FIN) for opcode in (TEXT, BINARY)
}


class BuiltinDecoder:
    """A :class:`~hypercorn_protocols.websocket.decoder.FrameDecoder`.

    Args:
        limits: what the next frame may be.
    """

    __slots__ = ("_at", "_buffer", "_first", "_first_bytes", "_left", "_limits", "_mask")

    def __init__(self, limits: PayloadLimits) -> None:
        self._limits = limits
        self._first_bytes = _FIRST_BYTES if limits.compressed is None else _ANY_FIRST_BYTES
        self._buffer = b""
        self._at = 0  # where in the buffer the next frame, or the rest of the present one, begins
        self._left = 0  # of the present frame's payload, in bytes
        self._first = 0  # the present frame's first byte
        self._mask = b""  # for what is left of it

    def receive_data(self, data: bytes) -> None:
        """Take what has come."""
        buffer = self._buffer
        self._buffer = buffer[self._at :] + data if len(buffer) > self._at else data
        self._at = 0

    def next_piece(self) -> FramePiece | None:
        """See :class:`~hypercorn_protocols.websocket.decoder.FrameDecoder`."""
        if self._left:
            return self._next_part(begins=False)
        buffer, at = self._buffer, self._at
        available = len(buffer) - at
        if available < 2:
            if not available:
                self._buffer = b""  # while nothing comes it would be kept for nothing
                self._at = 0
            return None
        first, size = buffer[at], buffer[at + 1]
        if first not in self._first_bytes:
            raise FrameError(PROTOCOL_ERROR, "reserved bits or opcode, or half a control frame")
        if size < _MASKED:
            raise FrameError(PROTOCOL_ERROR, "a frame that is not masked")
        size -= _MASKED
        start = at + 6
        if first & CLOSE:
            if size > MAX_CONTROL_PAYLOAD:
                raise FrameError(PROTOCOL_ERROR, "a control frame that is too long")
        elif size >= 126:
            extended = 2 if size == 126 else 8
            start += extended
            if available < 2 + extended:
                return None
            size = _extended_size(buffer[at + 2 : at + 2 + extended])
        if size > self._limits.plain:
            self._check_size(first, size)
        end = start + size
        if len(buffer) >= end:
            self._at = end
            masked = buffer[start:end] if size < _LARGE else memoryview(buffer)[start:end]
            data = apply_mask(masked, buffer[start - 4 : start]) if size else b""
            opcode = first & _OPCODE
            return FramePiece(opcode, data, True, True, first >= _FIN, bool(first & _RSV1))
        if len(buffer) < start or first & CLOSE:
            return None
        self._at = start
        self._first = first
        self._left = size
        self._mask = buffer[start - 4 : start]
        return self._next_part(begins=True)

    def _check_size(self, first: int, size: int) -> None:
        limit = self._limits.compressed if first & _RSV1 else self._limits.plain
        if not first & CLOSE and limit is not None and size > limit:
            raise FrameError(MESSAGE_TOO_BIG, "the message is too large")

    def _next_part(self, begins: bool) -> FramePiece | None:
        """As much of the present frame's payload as has come."""
        at, left = self._at, self._left
        data = self._buffer[at : at + left]
        size = len(data)
        if not size and not begins:
            return None
        self._at = at + size
        self._left = left = left - size
        if size:
            mask = self._mask
            data = apply_mask(data, mask)
            turned = size % 4
            self._mask = mask[turned:] + mask[:turned]
        first = self._first
        opcode = first & _OPCODE
        return FramePiece(opcode, data, begins, not left, first >= _FIN, bool(first & _RSV1))

    def remainder(self) -> tuple[int, bytes] | None:
        """See :class:`~hypercorn_protocols.websocket.decoder.FrameDecoder`."""
        left, self._left = self._left, 0
        rest, self._buffer = self._buffer[self._at :], b""
        self._at = 0
        return left, rest


def _extended_size(field: bytes) -> int:
    size = int.from_bytes(field, "big")
    if size < 126 or (len(field) == 8 and not 65_536 <= size < 1 << 63):
        raise FrameError(PROTOCOL_ERROR, "a length that is not the shortest, or negative")
    return size
