"""The reference engine: python-hyper's hpack.

Knows: hpack's interface, and what has to be kept away from it.
Must not know: how a field or a table is encoded.

hpack is given one representation at a time. Given a whole block, it copies the rest of the block
for each literal, and takes any number of table size updates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hpack import Decoder, Encoder, HPACKError, OversizedHeaderListError

from hypercorn_protocols.http2.headers.codec import CompressionError, HeaderListTooLargeError
from hypercorn_protocols.http2.headers.primitives import decode_integer, encode_integer
from hypercorn_protocols.http2.headers.tables import ENTRY_OVERHEAD, MAX_TABLE_SIZE

__all__ = ["HpackDecoder", "HpackEncoder"]

_MAX_UPDATES = 2  # at the start of a block: the smallest size and the final one (section 4.2)

# hpack's work on a Huffman code grows with the square of the string: 3 seconds for 250 kB.
_MAX_HUFFMAN = 4096


class HpackDecoder:
    """Decodes what the peer of one connection encoded: see :class:`codec.HeaderDecoder`.

    Args:
        max_list_size: the largest header list in bytes, each field's 32 included.
    """

    max_table_size = MAX_TABLE_SIZE

    def __init__(self, max_list_size: int) -> None:
        self._max_list_size = max_list_size
        self._decoder = Decoder(max_header_list_size=max_list_size)
        self.changes = 0  # with each block: hpack does not tell which of them change its table

    def decode(self, block: bytes) -> list[tuple[bytes, bytes]]:
        """Return the fields of a complete field block.

        Raises CompressionError or HeaderListTooLargeError, by the peer's fault.
        """
        self.changes += 1
        fields: list[tuple[bytes, bytes]] = []
        size = 0
        for representation in _representations(block):
            for name, value in self._decode(representation):
                size += len(name) + len(value) + ENTRY_OVERHEAD
                fields.append((name, value))
            if size > self._max_list_size:
                raise HeaderListTooLargeError(
                    f"header list of more than {self._max_list_size} bytes"
                )
        return fields

    def _decode(self, representation: bytes) -> Iterable[tuple[bytes, bytes]]:
        try:
            return self._decoder.decode(representation, raw=True)
        except OversizedHeaderListError as error:
            raise HeaderListTooLargeError(str(error)) from error
        except HPACKError as error:
            raise CompressionError(str(error)) from error


def _representations(block: bytes) -> Iterator[bytes]:
    """Cut a block (RFC 7541 section 6); size updates are where section 4.2 allows them."""
    position = updates = 0
    has_fields = False
    while position < len(block):
        start = position
        if block[start] & 0xE0 == 0x20:
            _, position = decode_integer(block, start, 0x1F)
            updates += 1
            if has_fields or updates > _MAX_UPDATES:
                raise CompressionError("table size update out of its place")
        else:
            position = _skip_field(block, start)
            has_fields = True
        yield block[start:position]


def _skip_field(block: bytes, position: int) -> int:
    byte = block[position]
    if byte & 0x80:
        return decode_integer(block, position, 0x7F)[1]
    index, position = decode_integer(block, position, 0x3F if byte & 0x40 else 0x0F)
    if not index:
        position = _skip_string(block, position)
    return _skip_string(block, position)


def _skip_string(block: bytes, position: int) -> int:
    length, position = decode_integer(block, position, 0x7F)
    if position + length > len(block):
        raise CompressionError("field block ends within a string")
    return position + length


class HpackEncoder:
    """Encodes for the peer of one connection: see :class:`codec.HeaderEncoder`."""

    def __init__(self) -> None:
        self._encoder = Encoder()
        self._wanted = self._smallest = MAX_TABLE_SIZE
        self.changes = 0  # as for the decoder

    def set_max_table_size(self, size: int) -> None:
        """Obey the peer's SETTINGS_HEADER_TABLE_SIZE, in bytes, from the next block on."""
        self._wanted = min(size, MAX_TABLE_SIZE)
        self._smallest = min(self._smallest, self._wanted)

    def encode(self, fields: Iterable[tuple[bytes, bytes, bool]]) -> bytes:
        """Return the field block of fields: name, value, and whether it is never to be indexed."""
        self.changes += 1
        updates = self._update_size()
        return updates + b"".join([self._encode(*field) for field in fields])

    def _encode(self, name: bytes, value: bytes, is_secret: bool) -> bytes:
        if is_secret:
            # hpack would take the field from the table, if it were there, and so tell by the
            # block's length that it was (RFC 7541 section 7.1).
            return b"\x10" + _plain_string(name) + _plain_string(value)
        is_short = len(name) + len(value) <= _MAX_HUFFMAN
        return self._encoder.encode([(name, value)], huffman=is_short)

    def _update_size(self) -> bytes:
        # hpack forgets an update that is followed by the same one, and announces any number.
        updates = b""
        for size in (self._smallest, self._wanted):
            if size != self._encoder.header_table_size:
                self._encoder.header_table_size = size
                updates += self._encoder.encode([])
        self._smallest = self._wanted
        return updates


def _plain_string(string: bytes) -> bytes:
    return encode_integer(len(string), 0x7F, 0x00) + string
