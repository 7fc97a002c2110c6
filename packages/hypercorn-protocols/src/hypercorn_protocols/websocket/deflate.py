"""Messages compressed with DEFLATE: the extension permessage-deflate (RFC 7692).

Knows: its parameters and which of them a server agrees to, and zlib.
Must not know: frames (which of them is marked as compressed, where a message begins and ends) or
fields of HTTP.

The limit of a message holds for what comes out, and while it comes out: what is small enough to
be received may be a thousand times as large inflated.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from hypercorn_protocols.errors import RemoteProtocolError
from hypercorn_protocols.settings import WebSocketSettings
from hypercorn_protocols.websocket.extensions import Extension

__all__ = ["Deflate", "InflateError", "MessageTooLargeError", "agree"]

_NAME = "permessage-deflate"
_SERVER_RESETS = "server_no_context_takeover"
_CLIENT_RESETS = "client_no_context_takeover"
_SERVER_BITS = "server_max_window_bits"
_CLIENT_BITS = "client_max_window_bits"

# The base-2 logarithms of windows. zlib's compressor would use 9 bits if it was told to use 8.
_MAX_BITS = 15
_MIN_BITS = 9
_BITS: dict[str | None, int] = {str(bits): bits for bits in range(_MIN_BITS, _MAX_BITS + 1)}

# RFC 7692 section 7.1: which values each parameter of an offer may have, and what they mean. That
# the server should use 8 bits may be offered too, but cannot be had.
_MEANINGS: dict[str, dict[str | None, int]] = {
    _SERVER_RESETS: {None: True},
    _CLIENT_RESETS: {None: True},
    _SERVER_BITS: _BITS,
    _CLIENT_BITS: {None: _MAX_BITS, "8": 8, **_BITS},
}

# RFC 7692 section 7.2.1: what ends each message's data, and is not sent
_TAIL = b"\x00\x00\xff\xff"
# RFC 7692 section 7.2.3.6. zlib would write nothing at all if it had just been flushed.
_EMPTY_MESSAGE = b"\x00"

# How much of what is behind the end of a stream is looked at first, in bytes; and how many streams
# one message may be made of: as many as it may be made of fragments.
_FIRST_LOOK = 256
_MAX_STREAMS = 4096


class InflateError(RemoteProtocolError):
    """What the peer sent is not compressed data."""


class MessageTooLargeError(Exception):
    """What the peer sent is larger than the limit once it is inflated."""


class Deflate:
    """Compresses and inflates the messages of one WebSocket.

    It holds nothing of zlib until the first message in either direction; and between messages only
    in directions that keep their context.

    Args:
        settings: how much memory and time is spent on compressing.
        compressor_bits: the base-2 logarithm of the window that messages are sent with, 9 to 15.
        inflater_bits: the same of the window that they come with, 8 to 15.
        compressor_resets: each message is to be sent without reference to those before it.
        inflater_resets: each message comes without reference to those before it.
    """

    __slots__ = (
        "_compressor",
        "_compressor_resets",
        "_inflater",
        "_inflater_bits",
        "_inflater_resets",
        "_streams",
        "key",
        "min_size",
    )

    def __init__(
        self,
        settings: WebSocketSettings,
        *,
        compressor_bits: int = _MAX_BITS,
        inflater_bits: int = _MAX_BITS,
        compressor_resets: bool = False,
        inflater_resets: bool = False,
    ) -> None:
        self.key = (compressor_bits, settings.deflate_memory_level, settings.deflate_level)
        """What :meth:`compress_alone` depends on: with equal keys its bytes are the same."""
        self.min_size = settings.deflate_min_size
        """Messages of fewer bytes had better be sent as they are."""
        self._compressor_resets = compressor_resets
        self._inflater_resets = inflater_resets
        # Peers exist whose zlib, told to use 8 bits, uses 9 and does not say so.
        self._inflater_bits = max(inflater_bits, _MIN_BITS)
        self._compressor: zlib._Compress | None = None
        self._inflater: zlib._Decompress | None = None
        self._streams = 0  # that have ended within the present message

    def inflate(self, data: bytes, limit: int, ends: bool) -> bytes:
        """Inflate a piece of a message, as large or small as it comes.

        Args:
            data: the piece, compressed.
            limit: how many bytes the inflated piece may have, 0 or more.
            ends: this is the last piece of the message.

        Raises:
            InflateError: it is not compressed data (the peer's fault, as is the other). Neither
                error leaves anything to go on with.
            MessageTooLargeError: there is more than ``limit``, of which no more than one byte was
                inflated.
        """
        inflater = self._inflater
        if inflater is None:
            if ends and not data:  # no stream is open that would have to be flushed
                self._streams = 0
                return b""
            inflater = self._inflater = self._new_inflater()
        if ends:
            data += _TAIL
        try:
            inflated = inflater.decompress(data, limit + 1)
            if inflater.eof:
                inflated += self._go_on(inflater.unused_data, limit + 1 - len(inflated), ends)
        except zlib.error as error:
            self._inflater = None
            # What zlib says of it depends on how the data was cut.
            raise InflateError("not DEFLATE data") from error
        if len(inflated) > limit:
            self._inflater = None
            raise MessageTooLargeError(f"larger than {limit} bytes once inflated")
        if ends:
            self._streams = 0
            if self._inflater_resets:
                self._inflater = None
        return inflated

    def compress(self, data: bytes) -> bytes:
        """Compress a whole message, with reference to those before it if that was agreed to."""
        if self._compressor_resets:
            return self.compress_alone(data)
        if not data:
            return _EMPTY_MESSAGE
        compressor = self._compressor
        if compressor is None:
            compressor = self._compressor = self._new_compressor()
        return _compress(compressor, data)

    def compress_alone(self, data: bytes) -> bytes:
        """Compress a whole message without reference to those before it.

        Every peer with an equal :attr:`key` can be sent the same bytes. Whoever does that has to
        call :meth:`forget_context` on that peer's codec (this one has done so itself): what its
        compressor refers to would be further away than it knows.
        """
        self.forget_context()
        return _compress(self._new_compressor(), data) if data else _EMPTY_MESSAGE

    def forget_context(self) -> None:
        """The next message is sent without reference to those before it."""
        self._compressor = None

    def _new_compressor(self) -> zlib._Compress:
        bits, memory_level, level = self.key
        return zlib.compressobj(level, zlib.DEFLATED, -bits, memory_level)

    def _new_inflater(self) -> zlib._Decompress:
        return zlib.decompressobj(-self._inflater_bits)

    def _go_on(self, data: bytes, room: int, ends: bool) -> bytes:
        """Inflate what is behind the end of a stream (RFC 7692 section 7.2.3.4): more of them.

        Whoever ends a stream has no window left to refer to, and neither have we. A stream may be
        as short as two bytes: looking at a little of what is behind it, and then at more, keeps
        the cost in proportion to all of the data.
        """
        inflated: list[bytes] = []
        inflater: zlib._Decompress | None = None
        self._end_stream()
        at = size = 0
        # A peer that puts no empty block behind the end of its last stream leaves none open.
        end = len(data) - len(_TAIL) * ends
        while room and (at < end or (inflater is not None and at < len(data))):
            if inflater is None:
                inflater = self._inflater = self._new_inflater()
                size = _FIRST_LOOK
            look = data[at : at + size]
            inflated.append(inflater.decompress(look, room))
            room -= len(inflated[-1])
            at += len(look) - len(inflater.unused_data)
            size *= 2
            if inflater.eof:
                inflater = None
                self._end_stream()
        return b"".join(inflated)

    def _end_stream(self) -> None:
        self._inflater = None
        self._streams += 1
        if self._streams > _MAX_STREAMS:
            raise InflateError(f"a message of more than {_MAX_STREAMS} streams")


def agree(
    offers: Iterable[Extension], settings: WebSocketSettings
) -> tuple[Extension, Deflate] | None:
    """Take the first offer that can be kept (RFC 7692 section 7.1).

    Returns:
        What the client has to be told that it was agreed to, and the codec; None if there is no
        such offer.
    """
    for offer in offers:
        if offer.name == _NAME:
            parameters = _read_offer(offer)
            if parameters is not None:
                return _answer(parameters, settings)
    return None


def _read_offer(offer: Extension) -> dict[str, int] | None:
    """The meaning of each parameter; None if one is unknown, repeated, invalid or impossible."""
    parameters: dict[str, int] = {}
    for name, value in offer.parameters:
        meaning = _MEANINGS.get(name, {}).get(value)
        if meaning is None or name in parameters:
            return None
        parameters[name] = meaning
    return parameters


def _answer(offered: dict[str, int], settings: WebSocketSettings) -> tuple[Extension, Deflate]:
    resets = not settings.deflate_context_takeover
    server_resets = resets or _SERVER_RESETS in offered
    client_resets = resets or _CLIENT_RESETS in offered
    server_bits = min(settings.deflate_window_bits, offered.get(_SERVER_BITS, _MAX_BITS))
    # A client that does not offer it cannot be asked for it.
    may_ask = _CLIENT_BITS in offered
    client_bits = (
        min(settings.deflate_window_bits, offered[_CLIENT_BITS]) if may_ask else _MAX_BITS
    )
    agreed: list[tuple[str, str | None]] = []
    if server_resets:
        agreed.append((_SERVER_RESETS, None))
    if client_resets:
        agreed.append((_CLIENT_RESETS, None))
    if server_bits < _MAX_BITS or _SERVER_BITS in offered:
        agreed.append((_SERVER_BITS, str(server_bits)))
    if client_bits < _MAX_BITS:
        agreed.append((_CLIENT_BITS, str(client_bits)))
    codec = Deflate(
        settings,
        compressor_bits=server_bits,
        inflater_bits=client_bits,
        compressor_resets=server_resets,
        inflater_resets=client_resets,
    )
    return Extension(_NAME, agreed), codec


def _compress(compressor: zlib._Compress, data: bytes) -> bytes:
    first = compressor.compress(data)
    return first + compressor.flush(zlib.Z_SYNC_FLUSH)[: -len(_TAIL)]
