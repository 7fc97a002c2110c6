"""Frames as the library ``websockets`` finds them, in its layer without I/O.

Knows: how its parser is driven, and what it leaves unchecked.
Must not know: what frames mean together.
"""

from __future__ import annotations

from collections.abc import Generator

from websockets.exceptions import ProtocolError
from websockets.extensions import Extension
from websockets.frames import Frame
from websockets.streams import StreamReader

from hypercorn_protocols.websocket.decoder import FramePiece, PayloadLimits
from hypercorn_protocols.websocket.frames import (
    CLOSE,
    MAX_CONTROL_PAYLOAD,
    MESSAGE_TOO_BIG,
    PROTOCOL_ERROR,
    FrameError,
)

__all__ = ["WebsocketsDecoder"]

_RSV1 = 0x40


class WebsocketsDecoder:
    """A :class:`~hypercorn_protocols.websocket.decoder.FrameDecoder`; its frames are whole.

    Args:
        limits: what the next frame may be.
    """

    __slots__ = ("_bits", "_first", "_limits", "_parser", "_reader", "_reads")

    def __init__(self, limits: PayloadLimits) -> None:
        self._limits = limits
        self._reader = StreamReader()
        self._parser: Generator[None, None, Frame] | None = None
        self._reads = 0  # of the present frame: its head, its extended length, …
        self._first = 0  # the present frame's first byte
        self._bits = _Bits(limits.compressed is not None)

    def receive_data(self, data: bytes) -> None:
        """Take what has come."""
        self._reader.feed_data(data)

    def next_piece(self) -> FramePiece | None:
        """See :class:`~hypercorn_protocols.websocket.decoder.FrameDecoder`."""
        if self._parser is None:
            self._parser = self._parse()
        try:
            next(self._parser)
        except StopIteration as end:
            frame = end.value
        except ProtocolError as error:
            raise FrameError(PROTOCOL_ERROR, str(error)) from None
        else:
            return None
        self._parser = None
        opcode, data = int(frame.opcode), bytes(frame.data)
        return FramePiece(opcode, data, True, True, frame.fin, self._bits.compressed)

    def _parse(self) -> Generator[None, None, Frame]:
        self._reads = 0
        # Its own limit would be one for control frames as well.
        return Frame.parse(self._read, mask=True, max_size=None, extensions=[self._bits])

    def _read(self, size: int) -> Generator[None, None, bytes | bytearray]:
        """Read for the parser, and check what it does not, or not before a frame has come."""
        data = yield from self._reader.read_exact(size)
        self._reads += 1
        if self._reads == 1:
            self._first = data[0]
            self._check_length(data[1] & 0x7F)
        elif self._reads == 2 and size != 4:  # else it is the mask
            length = int.from_bytes(data, "big")
            if length < 126 or (size == 8 and not 65_536 <= length < 1 << 63):
                raise FrameError(PROTOCOL_ERROR, "a length that could be written shorter")
            self._check_length(length)
        return data

    def _check_length(self, length: int) -> None:
        if self._first & CLOSE:
            if length > MAX_CONTROL_PAYLOAD:
                raise FrameError(PROTOCOL_ERROR, "a control frame that is too long")
            return
        limits = self._limits
        limit = limits.compressed if self._first & _RSV1 else limits.plain
        # Where RSV1 must not be set the library says so, when it has the frame.
        if length > (limits.plain if limit is None else limit):
            raise FrameError(MESSAGE_TOO_BIG, "the message is too large")

    def remainder(self) -> tuple[int, bytes] | None:
        """Where frames begin is the parser's own knowledge."""
        return None


class _Bits(Extension):
    """Takes RSV1 off data frames, so that the library accepts it, and remembers it."""

    name = "bits"  # type: ignore[assignment] # a name like any other

    def __init__(self, allows_compression: bool) -> None:
        self._allows_compression = allows_compression
        self.compressed = False

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        """See RFC 7692 section 6."""
        self.compressed = frame.rsv1 and self._allows_compression and frame.opcode < CLOSE
        if self.compressed:
            frame.rsv1 = False
        return frame
