"""The built-in engine's encoder, in Python that is written for speed.

Knows: field representations (RFC 7541 section 6) as they are written, which fields are worth a
place in the table, and the dynamic table that the peer keeps for us.
Must not know: how integers and strings are written.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from hypercorn_protocols.http2.headers.primitives import encode_integer, encode_string
from hypercorn_protocols.http2.headers.tables import (
    DYNAMIC,
    ENTRY_OVERHEAD,
    MAX_TABLE_SIZE,
    STATIC_INDEXES,
    STATIC_NAMES,
)

__all__ = ["BuiltinEncoder"]

# Their values are other ones in each answer, or nearly, so that indexing them would cost the
# entries that do repeat their place. Date is not here: it is the same for a second of answers.
_VOLATILE = frozenset(
    (
        b":path",  # of a push
        b"age",
        b"content-disposition",
        b"content-length",
        b"content-location",
        b"content-range",
        b"etag",
        b"expires",
        b"last-modified",
        b"location",
        b"retry-after",
        b"server-timing",
        b"set-cookie",  # nor ought one client's cookie be guessed from what another answer costs
        b"traceparent",
        b"x-request-id",
    )
)

# What is remembered for each connection: how many fields, and of which size encoded.
_MAX_KNOWN = 256
_MAX_KNOWN_SIZE = 64

_INDEXED = 0x80, 0x7F  # pattern and mask of each representation
_INDEXING = 0x40, 0x3F
_SIZE_UPDATE = 0x20, 0x1F
_NEVER_INDEXED = 0x10, 0x0F
_WITHOUT_INDEXING = 0x00, 0x0F

_ONE_BYTE = [bytes((0x80 | index,)) for index in range(0x7F)]  # indexed fields

Field = tuple[bytes, bytes, bool]


class BuiltinEncoder:
    """Encodes for the peer of one connection: see :class:`codec.HeaderEncoder`."""

    __slots__ = (
        "_entries",
        "_known",
        "_max_size",
        "_newest",
        "_size",
        "_smallest",
        "_wanted",
        "changes",
    )

    def __init__(self) -> None:
        self._entries: deque[tuple[Field, int, int]] = deque()
        """The dynamic table, oldest entry first: field, its number and its size."""
        self._known: dict[Field, bytes | int] = {}
        """What a field is encoded as; if it is in the dynamic table, its number there. Entries
        are numbered from 0 on as they are inserted."""
        self._newest = DYNAMIC - 1
        """An entry's index is this less its number."""
        self._size = 0
        self._max_size = MAX_TABLE_SIZE
        """What the peer has been told."""
        self._wanted = MAX_TABLE_SIZE
        """What the peer is to be told, and the smallest of what it could have been since."""
        self._smallest = MAX_TABLE_SIZE
        self.changes = 0

    def set_max_table_size(self, size: int) -> None:
        """Obey the peer's SETTINGS_HEADER_TABLE_SIZE, in bytes, from the next block on."""
        self._wanted = min(size, MAX_TABLE_SIZE)
        self._smallest = min(self._smallest, self._wanted)
        self.changes += 1

    def encode(self, fields: Iterable[Field]) -> bytes:
        """Return the field block of fields: name, value, and whether it is never to be indexed."""
        parts: list[bytes] = []
        if self._smallest != self._max_size or self._wanted != self._max_size:
            parts.append(self._update_size())
        known, newest = self._known, self._newest
        for field in fields:
            if field in known:
                code = known[field]
                if isinstance(code, int):
                    index = newest - code
                    code = _ONE_BYTE[index] if index < 0x7F else _integer(index, _INDEXED)
                parts.append(code)
            else:
                parts.append(self._encode_new(field))
                known, newest = self._known, self._newest
        return b"".join(parts)

    def _encode_new(self, field: Field) -> bytes:
        """Encode a field that is neither remembered nor in the dynamic table."""
        name, value, is_secret = field
        if is_secret:
            return _literal(name, value, _NEVER_INDEXED, remember=False)
        index = STATIC_INDEXES.get((name, value))
        if index is not None:
            return self._remember(field, _integer(index, _INDEXED))
        size = len(name) + len(value) + ENTRY_OVERHEAD
        # What takes half of the table would drive out more than it can ever save.
        if name in _VOLATILE or size > self._max_size // 2:
            return self._remember(field, _literal(name, value, _WITHOUT_INDEXING))
        self._insert(field, size)
        return _literal(name, value, _INDEXING)

    def _remember(self, field: Field, code: bytes) -> bytes:
        if len(code) <= _MAX_KNOWN_SIZE:
            if len(self._known) >= _MAX_KNOWN:
                self._known = {entry: number for entry, number, _ in self._entries}
            self._known[field] = code
        return code

    def _insert(self, field: Field, size: int) -> None:
        self.changes += 1
        self._newest += 1
        number = self._newest - DYNAMIC
        self._entries.append((field, number, size))
        self._known[field] = number
        self._size += size
        self._evict(self._max_size)

    def _evict(self, max_size: int) -> None:
        while self._size > max_size:
            field, _, size = self._entries.popleft()
            del self._known[field]
            self._size -= size

    def _update_size(self) -> bytes:
        """Announce what the peer changed since the last block (RFC 7541 section 4.2)."""
        self.changes += 1
        updates = b""
        if self._smallest < min(self._max_size, self._wanted):
            updates = _integer(self._smallest, _SIZE_UPDATE)
        self._evict(self._smallest)
        self._max_size = self._smallest = self._wanted
        # What was too large for the table may fit now, and the other way round.
        self._known = {entry: number for entry, number, _ in self._entries}
        return updates + _integer(self._wanted, _SIZE_UPDATE)


def _integer(value: int, representation: tuple[int, int]) -> bytes:
    pattern, mask = representation
    return encode_integer(value, mask, pattern)


def _literal(
    name: bytes, value: bytes, representation: tuple[int, int], remember: bool = True
) -> bytes:
    # A name that only the dynamic table has is written out: its index would change with each
    # insertion, so that nothing could be remembered, to save some ten bytes.
    index = STATIC_NAMES.get(name, 0)
    start = _integer(index, representation)
    if not index:
        start += encode_string(name, remember)
    return start + encode_string(value, remember)
