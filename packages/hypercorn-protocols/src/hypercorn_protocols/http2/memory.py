"""What is repeated on a connection, remembered: header sections of both directions.

Knows: how long a field block stands for the same fields: while the dynamic table of its
direction does not change (RFC 7541 section 2.2).
Must not know: what is in a section.

Clients send nearly the same request over and over, applications nearly the same answer, and
compression makes them the same few bytes. A hit gives exactly what reading or writing it anew
would give. What comes once is not kept: it has to come again first.
"""

from __future__ import annotations

from collections.abc import Sequence

from hypercorn_protocols.defaults import DefaultHeaders
from hypercorn_protocols.events import RequestReceived
from hypercorn_protocols.http2.head import Head
from hypercorn_protocols.http2.headers.codec import HeaderDecoder, HeaderEncoder
from hypercorn_protocols.http2.response import Field

__all__ = ["HeadMemory", "ResponseMemory"]

# So many sections are remembered for a connection, and blocks of no more bytes.
_MAX_REMEMBERED = 64
_MAX_BLOCK_SIZE = 128
# What a short block stands for can be large: as many bytes of names and values are kept of one.
_MAX_FIELDS_SIZE = 4096

ResponseKey = tuple[object, ...]


class HeadMemory:
    """Requests without content, by their field blocks.

    Args:
        decoder: whose table says what a block stands for.
    """

    __slots__ = ("_changes", "_decoder", "_heads", "_seen")

    def __init__(self, decoder: HeaderDecoder) -> None:
        self._decoder = decoder
        self._changes = 0
        self._heads: dict[bytes, Head] = {}
        self._seen: set[bytes] = set()

    def recall(self, stream_id: int, block: bytes) -> Head | None:
        """The request that a block stands for, if it is known."""
        known = self._heads.get(block)
        if known is None or self._decoder.changes != self._changes:
            return None
        request = known.request
        again = RequestReceived(
            stream_id, request.method, request.target, request.headers.copy(), "2", True
        )
        head = Head(again, known.scheme, known.authority)
        head.priority = known.priority
        return head

    def keep(self, block: bytes, head: Head, changes: int) -> None:
        """Remember a request.

        Args:
            block: what it came as.
            head: without content.
            changes: the decoder's count before it decoded the block.
        """
        if changes != self._decoder.changes or len(block) > _MAX_BLOCK_SIZE:
            return  # the block has changed the table: it will stand for something else
        if changes != self._changes or len(self._heads) >= _MAX_REMEMBERED:
            self._changes = changes
            self._heads.clear()
            self._seen.clear()
        if _is_new(block, self._seen):
            return
        request = head.request
        if request.protocol is not None:
            return  # one that opens a tunnel is not the usual request
        if sum([len(name) + len(value) for name, value in request.headers]) > _MAX_FIELDS_SIZE:
            return
        # The application may change the headers that it is given: they are not what is kept.
        headers = request.headers.copy()
        kept = RequestReceived(0, request.method, request.target, headers, "2", end_stream=True)
        known = self._heads[block] = Head(kept, head.scheme, head.authority)
        known.priority = head.priority


class ResponseMemory:
    """Field blocks of responses, by status and fields.

    Args:
        encoder: whose table says what a block stands for.
        defaults: the server's own fields, which are in the blocks.
    """

    __slots__ = ("_blocks", "_changes", "_defaults", "_encoder", "_fields", "_seen")

    def __init__(self, encoder: HeaderEncoder, defaults: DefaultHeaders) -> None:
        self._encoder = encoder
        self._defaults = defaults
        self._fields = defaults.http2_fields
        self._changes = 0
        self._blocks: dict[ResponseKey, tuple[bytes, int | None]] = {}
        self._seen: set[bytes] = set()

    def recall(self, key: ResponseKey) -> tuple[bytes, int | None] | None:
        """The block of a response and its Content-Length, if it is known."""
        if (
            self._changes != self._encoder.changes
            or self._fields is not self._defaults.http2_fields
        ):
            return None
        try:
            return self._blocks.get(key)
        except TypeError:  # headers that cannot be hashed: they are none
            return None

    def keep(
        self,
        key: ResponseKey,
        fields: Sequence[Field],
        block: bytes,
        length: int | None,
        changes: int,
    ) -> None:
        """Remember a block.

        Args:
            key: status and fields as the application gave them.
            fields: what was encoded.
            block: what became of it.
            length: the Content-Length among them.
            changes: the encoder's count before it encoded the fields.
        """
        if changes != self._encoder.changes or len(block) > _MAX_BLOCK_SIZE:
            return
        defaults = self._defaults.http2_fields
        stale = changes != self._changes or defaults is not self._fields
        if stale or len(self._blocks) >= _MAX_REMEMBERED:
            self._changes, self._fields = changes, defaults
            self._blocks.clear()
            self._seen.clear()
        if _is_new(block, self._seen) or any(secret for _, _, secret in fields):
            return
        if sum([len(name) + len(value) for name, value, _ in fields]) > _MAX_FIELDS_SIZE:
            return
        self._blocks[key] = (block, length)


def _is_new(block: bytes, seen: set[bytes]) -> bool:
    """Whether a block comes for the first time, as far as is known."""
    if block in seen:
        return False
    if len(seen) >= _MAX_REMEMBERED:
        seen.clear()
    seen.add(block)
    return True
