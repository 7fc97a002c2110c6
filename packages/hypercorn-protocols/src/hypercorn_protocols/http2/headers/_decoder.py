"""The built-in engine's decoder (RFC 7541 section 3), in Python that is written for speed.

Knows: field representations (section 6) as they are read, and the peer's dynamic table.
Must not know: how integers and strings are written.
"""

from __future__ import annotations

from hypercorn_protocols.http2.headers.codec import CompressionError, HeaderListTooLargeError
from hypercorn_protocols.http2.headers.primitives import decode_integer, decode_string
from hypercorn_protocols.http2.headers.tables import (
    DYNAMIC,
    ENTRY_OVERHEAD,
    MAX_TABLE_SIZE,
    STATIC_TABLE,
)

__all__ = ["BuiltinDecoder"]

# The bytes that are an indexed field each, whole: 0x80 is index 0, and 0xff goes on.
_INDEXED = bytes(range(0x81, 0xFF))
_OTHERS = bytes({*range(256)}.difference(_INDEXED))
_TO_INDEX = bytes(byte & 0x7F for byte in range(256))

_MAX_UPDATES = 2  # at the start of a block: the smallest size and the final one (section 4.2)


class BuiltinDecoder:
    """Decodes what the peer of one connection encoded: see :class:`codec.HeaderDecoder`.

    Args:
        max_list_size: the largest header list in bytes, each field's 32 included.
    """

    __slots__ = ("_max_list_size", "_max_size", "_size", "_table", "_unmeasured", "changes")

    max_table_size = MAX_TABLE_SIZE

    def __init__(self, max_list_size: int) -> None:
        self._max_list_size = max_list_size
        # That many fields are within the limit whatever they are, since a table's entry is
        # no larger than the table: they need not be measured.
        self._unmeasured = max_list_size // MAX_TABLE_SIZE
        # Both tables in one list, so that an index is one look-up. To insert an entry moves those
        # behind it, at most 128 pointers: that is cheaper than any arithmetic for each look-up.
        self._table = list(STATIC_TABLE)
        self._size = 0
        self._max_size = MAX_TABLE_SIZE
        self.changes = 0

    def decode(self, block: bytes) -> list[tuple[bytes, bytes]]:
        """Return the fields of a complete field block.

        Raises CompressionError or HeaderListTooLargeError, by the peer's fault.
        """
        # Most blocks of a connection are like the one before, so that all of their fields are in
        # the tables, in a byte each. These are decoded without any Python code for each field.
        indexes = block.translate(_TO_INDEX, _OTHERS)
        try:
            if len(indexes) == len(block) <= self._unmeasured:
                return list(map(self._table.__getitem__, indexes))
            return self._decode_fields(block, self._take_size_updates(block))
        except IndexError:
            raise CompressionError("index beyond the tables") from None

    def _decode_fields(self, block: bytes, position: int) -> list[tuple[bytes, bytes]]:
        # One loop with its work in line, since a call for each field would double its cost.
        fields = []
        size, max_size, table, end = 0, self._max_list_size, self._table, len(block)
        while position < end:
            byte = block[position]
            if byte >= 0x80:  # indexed field
                if 0x80 < byte < 0xFF:
                    field = table[byte & 0x7F]
                    position += 1
                else:
                    field, position = self._indexed_field(block, position)
            elif byte >= 0x40:  # literal with incremental indexing
                field, position = self._literal(block, position, 0x3F, True)
                self._insert(field)
            elif byte >= 0x20:
                raise CompressionError("table size update after the start of a field block")
            else:  # literal without indexing, or never indexed
                field, position = self._literal(block, position, 0x0F, byte < 0x10)
            size += len(field[0]) + len(field[1]) + ENTRY_OVERHEAD
            if size > max_size:
                raise HeaderListTooLargeError(f"header list of more than {max_size} bytes")
            fields.append(field)
        return fields

    def _indexed_field(self, block: bytes, position: int) -> tuple[tuple[bytes, bytes], int]:
        index, position = decode_integer(block, position, 0x7F)
        if index == 0:
            raise CompressionError("index 0")
        return self._table[index], position

    def _literal(
        self, block: bytes, position: int, mask: int, remember: bool
    ) -> tuple[tuple[bytes, bytes], int]:
        """Read the literal field at position, whose index has the bits of mask as its prefix."""
        index = block[position] & mask
        if index == 0:
            name, position = decode_string(block, position + 1, remember)
        elif index < mask:
            name = self._table[index][0]
            position += 1
        else:
            index, position = decode_integer(block, position, mask)
            name = self._table[index][0]
        value, position = decode_string(block, position, remember)
        return (name, value), position

    def _take_size_updates(self, block: bytes) -> int:
        """Follow the size updates at the start of a block; return the position after them."""
        position = updates = 0
        while position < len(block) and block[position] & 0xE0 == 0x20:
            size, position = decode_integer(block, position, 0x1F)
            updates += 1
            if size > self.max_table_size:
                raise CompressionError("dynamic table larger than SETTINGS_HEADER_TABLE_SIZE")
            if updates > _MAX_UPDATES:
                raise CompressionError("more table size updates than two")
            self._max_size = size
            self.changes += 1
            self._evict()
        return position

    def _insert(self, field: tuple[bytes, bytes]) -> None:
        self.changes += 1
        self._table.insert(DYNAMIC, field)
        self._size += len(field[0]) + len(field[1]) + ENTRY_OVERHEAD
        if self._size > self._max_size:
            self._evict()

    def _evict(self) -> None:
        """Drop the oldest entries until the rest fits; an entry that is too large goes as well."""
        while self._size > self._max_size:
            name, value = self._table.pop()
            self._size -= len(name) + len(value) + ENTRY_OVERHEAD
