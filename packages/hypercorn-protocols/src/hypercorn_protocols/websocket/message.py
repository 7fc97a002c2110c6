"""Messages, put together out of frames and pieces of frames.

Knows: fragmentation (RFC 6455 section 5.4), UTF-8 (section 8.1), the order in which compression
comes in (RFC 7692 section 6), and how large a message may be.
Must not know: how frames are found, control frames, or what is done with a message.
"""

from __future__ import annotations

import codecs

from hypercorn_protocols.websocket.decoder import FramePiece, PayloadLimits
from hypercorn_protocols.websocket.deflate import Deflate, InflateError, MessageTooLargeError
from hypercorn_protocols.websocket.frames import (
    CONTINUATION,
    INVALID_DATA,
    MESSAGE_TOO_BIG,
    POLICY_VIOLATION,
    PROTOCOL_ERROR,
    TEXT,
    FrameError,
)

__all__ = ["MessageAssembler"]

_UTF8 = codecs.getincrementaldecoder("utf-8")

# A message of so many fragments has to have so many bytes in each of them, on average.
_MANY_FRAGMENTS = 4096
_FRAGMENT_SIZE = 16

# By how much compressing may make a message larger: it is never worth it.
_SLACK = 64
_SLACK_SHARE = 1000


class MessageAssembler:
    """Makes messages, one after the other.

    Text is checked piece by piece, so that what can never become UTF-8 is found at once.

    Args:
        max_size: of a message, in bytes, inflated.
        deflate: the codec; None if nothing is compressed.
    """

    __slots__ = (
        "_compressed",
        "_decoder",
        "_deflate",
        "_fragments",
        "_max_received",
        "_max_size",
        "_pieces",
        "_received",
        "_size",
        "_within",
        "limits",
    )

    def __init__(self, max_size: int, deflate: Deflate | None) -> None:
        self._max_size = max_size
        self._deflate = deflate
        self._within = False  # the first piece of a message has come, the last has not
        self._compressed = False
        self._decoder: codecs.IncrementalDecoder | None = None  # for text
        self._pieces: list[str | bytes] = []
        self._fragments = 0
        self._received = 0  # bytes of the present message, as they came
        self._size = 0  # the same, inflated
        self._max_received = max_size + max_size // _SLACK_SHARE + _SLACK
        """What a message may have as it comes if it is compressed, in bytes."""
        self.limits = PayloadLimits(max_size, None if deflate is None else self._max_received)
        """For whoever finds frames."""

    def add(self, piece: FramePiece) -> str | bytes | None:
        """Take a piece of a data frame; return the message that it completes.

        Raises FrameError."""
        if not self._within and piece.ends and piece.fin and not piece.compressed:
            return self._whole(piece)
        if piece.begins:
            self._begin_frame(piece)
        self._received += len(piece.data)
        ends = piece.ends and piece.fin
        self._add_content(self._inflate(piece.data, ends) if self._compressed else piece.data)
        if not ends:
            limit = self._max_received if self._compressed else self._max_size
            self.limits.plain = limit - self._received
            return None
        return self._finish()

    def _whole(self, piece: FramePiece) -> str | bytes:
        """A message in one piece, as most are."""
        opcode = piece.opcode
        data = piece.data
        if opcode == CONTINUATION:
            raise FrameError(PROTOCOL_ERROR, "a continuation of nothing")
        if len(data) > self._max_size:
            raise _too_big()
        if opcode != TEXT:
            return data
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise _not_utf8() from None

    def _begin_frame(self, piece: FramePiece) -> None:
        if piece.opcode == CONTINUATION:
            if not self._within:
                raise FrameError(PROTOCOL_ERROR, "a continuation of nothing")
            if piece.compressed:  # RFC 7692 section 6.1: only the first frame says so
                raise FrameError(PROTOCOL_ERROR, "RSV1 in a continuation")
            self._count_fragment()
            return
        if self._within:
            raise FrameError(PROTOCOL_ERROR, "a message within another")
        self._within = True
        self._compressed = piece.compressed
        self._decoder = _UTF8() if piece.opcode == TEXT else None

    def _count_fragment(self) -> None:
        self._fragments += 1
        if self._fragments > _MANY_FRAGMENTS and self._size < self._fragments * _FRAGMENT_SIZE:
            raise FrameError(POLICY_VIOLATION, "too many small fragments")

    def _inflate(self, data: bytes, ends: bool) -> bytes:
        assert self._deflate is not None
        try:
            return self._deflate.inflate(data, self._max_size - self._size, ends)
        except MessageTooLargeError:
            raise _too_big() from None
        except InflateError as error:
            raise FrameError(INVALID_DATA, str(error)) from None

    def _add_content(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._max_size:
            raise _too_big()
        if self._decoder is None:
            self._pieces.append(data)
            return
        try:
            self._pieces.append(self._decoder.decode(data))
        except UnicodeDecodeError:
            raise _not_utf8() from None

    def _finish(self) -> str | bytes:
        pieces, self._pieces = self._pieces, []
        decoder, self._decoder = self._decoder, None
        self._within = False
        self._fragments = self._received = self._size = 0
        self.limits.plain = self._max_size
        if decoder is None:
            return b"".join(pieces)  # type: ignore[arg-type] # all of them are of one kind
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            raise _not_utf8() from None
        return "".join(pieces)  # type: ignore[arg-type]


def _too_big() -> FrameError:
    return FrameError(MESSAGE_TOO_BIG, "the message is too large")


def _not_utf8() -> FrameError:
    return FrameError(INVALID_DATA, "the text is not UTF-8")
