"""Field blocks made by hand, and what becomes of a connection's blocks in each decoder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

import hpack
from hpack.hpack import decode_integer, encode_integer
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH

from hypercorn_protocols.http2.headers import (
    CompressionError,
    HeaderListTooLargeError,
    select_codec,
)
from hypercorn_protocols.settings import HTTP2EngineName

ENGINES: list[HTTP2EngineName] = ["builtin", "hpack"]

MAX_LIST_SIZE = 8192

REQUEST = [
    (b":method", b"GET"),
    (b":scheme", b"https"),
    (b":authority", b"example.com"),
    (b":path", b"/items/42?a=b"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
    (b"accept", b"*/*"),
    (b"cookie", b"session=0123456789abcdef"),
]
RESPONSE = [
    (b":status", b"200", False),
    (b"content-type", b"text/plain; charset=utf-8", False),
    (b"content-length", b"13", False),
    (b"date", b"Mon, 21 Oct 2013 20:13:21 GMT", False),
    (b"server", b"hypercorn-h2", False),
]

Fields = list[tuple[bytes, bytes]]
Representation = Literal[0x00, 0x10, 0x40]
"""Of a literal: without indexing, never indexed, with incremental indexing."""

_PREFIX_BITS = {0x00: 4, 0x10: 4, 0x40: 6}
_huffman = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)


def integer(value: int, bits: int, pattern: int = 0) -> bytes:
    """An integer with a prefix of so many bits."""
    encoded = encode_integer(value, bits)
    encoded[0] |= pattern
    return bytes(encoded)


def string(value: bytes, huffman: bool = False) -> bytes:
    """A string literal."""
    if huffman:
        value = _huffman.encode(value)
    return integer(len(value), 7, 0x80 if huffman else 0) + value


def indexed(index: int) -> bytes:
    """An indexed field."""
    return integer(index, 7, 0x80)


def literal(
    representation: Representation, name: bytes | int, value: bytes, huffman: bool = False
) -> bytes:
    """A literal field; its name may be an index."""
    bits = _PREFIX_BITS[representation]
    if isinstance(name, int):
        return integer(name, bits, representation) + string(value, huffman)
    return bytes([representation]) + string(name, huffman) + string(value, huffman)


def size_update(size: int) -> bytes:
    """A dynamic table size update."""
    return integer(size, 5, 0x20)


def list_size(fields: Iterable[tuple[bytes, bytes]]) -> int:
    """The size of a header list."""
    return sum(len(name) + len(value) + 32 for name, value in fields)


Outcome = list[Fields | str]
"""What each block of a connection was decoded to, and at last how one was refused."""


def outcome(engine: HTTP2EngineName, blocks: Iterable[bytes]) -> Outcome:
    """Decode a connection's blocks until one is refused."""
    decoder = select_codec(engine).decoder(MAX_LIST_SIZE)
    return _outcome(decoder.decode, blocks)


def outcome_of_oracle(blocks: Iterable[bytes]) -> Outcome:
    """Decode a connection's blocks with hpack alone, until it refuses one.

    What it takes and we do not, is refused here: more than two size updates.
    """
    decoder = hpack.Decoder(MAX_LIST_SIZE)

    def decode(block: bytes) -> Fields:
        try:
            fields = decoder.decode(block, raw=True)
        except hpack.OversizedHeaderListError as error:
            raise HeaderListTooLargeError("refused") from error
        except hpack.HPACKError as error:
            raise CompressionError("refused") from error
        if _updates(block) > 2:
            raise CompressionError("updates")
        return [(name, value) for name, value in fields]

    return _outcome(decode, blocks)


def _outcome(decode: Callable[[bytes], Fields], blocks: Iterable[bytes]) -> Outcome:
    outcome: Outcome = []
    for block in blocks:
        try:
            outcome.append(decode(block))
        except HeaderListTooLargeError:
            return [*outcome, "too large"]
        except CompressionError:
            return [*outcome, "malformed"]
    return outcome


def _updates(block: bytes) -> int:
    count = 0
    while block and block[0] & 0xE0 == 0x20:
        block = block[decode_integer(block, 5)[1] :]
        count += 1
    return count
