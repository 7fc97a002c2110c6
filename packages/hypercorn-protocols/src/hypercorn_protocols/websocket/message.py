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

# So many pieces of a message are made one, for each is an object of its own, however small it is.
_MANY_PIECES = 256

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
        "_joined",
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
        self._joined = 0  # how many of the pieces are made of others
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
        if piece.ends and piece.fin and not self._within:
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
        if piece.compressed:
            data = self._inflate(data, ends=True)
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
        pieces = self._pieces
        pieces.append(data if self._decoder is None else _decode(self._decoder, data))
        if len(pieces) - self._joined == _MANY_PIECES:
            pieces[self._joined :] = [self._join(pieces[self._joined :])]
            self._joined += 1

    def _join(self, pieces: list[str | bytes]) -> str | bytes:
        # All of them are of one kind.
        if self._decoder is None:
            return b"".join(pieces)  # type: ignore[arg-type]
        return "".join(pieces)  # type: ignore[arg-type]

    def _finish(self) -> str | bytes:
        if self._decoder is not None:
            _decode(self._decoder, b"", ends=True)
        message = self._join(self._pieces)
        self.clear()
        return message

    def clear(self) -> None:
        """Forget the present message."""
        self._pieces = []
        self._decoder = None
        self._within = False
        self._fragments = self._joined = self._received = self._size = 0
        self.limits.plain = self._max_size


def _decode(decoder: codecs.IncrementalDecoder, data: bytes, ends: bool = False) -> str:
    try:
        text = decoder.decode(data, ends)
    except UnicodeDecodeError:
        raise _not_utf8() from None
    # Python waits for the third byte of a surrogate, though two are enough to tell.
    if b"\xed\xa0" <= decoder.getstate()[0] < b"\xee":
        raise _not_utf8()
    return text


def _too_big() -> FrameError:
    return FrameError(MESSAGE_TOO_BIG, "the message is too large")


def _not_utf8() -> FrameError:
    return FrameError(INVALID_DATA, "the text is not UTF-8")
