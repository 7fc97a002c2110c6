"""No block makes a decoder do much more work than its length and the limit on lists allow.

What is measured is processor time, and the bounds are some twenty times of what is usual: they
tell apart work that grows with the square of the input, and nothing finer.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from hypercorn_protocols.http2.headers import Codec, CompressionError, HeaderListTooLargeError
from tests.protocols.http2.headers.blocks import RESPONSE, indexed, integer, literal, string

BOUND = 3.0  # seconds
LIST_SIZE = 262_144


@pytest.fixture(autouse=True)
def bound() -> Iterator[None]:
    """Bound the processor time of a test."""
    before = time.process_time()
    yield
    assert time.process_time() - before < BOUND


def test_hpack_bomb(codec: Codec) -> None:
    """One large entry, and a million references to it."""
    decoder = codec.decoder(LIST_SIZE)
    decoder.decode(literal(0x40, b"x", b"y" * 4063))
    with pytest.raises(HeaderListTooLargeError):
        decoder.decode(indexed(62) * 1_000_000)


def test_bomb_of_names(codec: Codec) -> None:
    decoder = codec.decoder(LIST_SIZE)
    decoder.decode(literal(0x40, b"x" * 4064, b""))
    with pytest.raises(HeaderListTooLargeError):
        decoder.decode(literal(0x40, 62, b"") * 100_000)


@pytest.mark.parametrize("representation", [0x00, 0x10, 0x40])
def test_many_literals(codec: Codec, representation: int) -> None:
    field = bytes([representation]) + string(b"") + string(b"\xff" * 32, huffman=True)
    decoder = codec.decoder(LIST_SIZE)
    assert len(decoder.decode(field * 4096)) == 4096


def test_long_strings(codec: Codec) -> None:
    value, eight = b"a" * 250_000, string(b"a" * 8, huffman=True)[1:]
    plain = literal(0x40, b"x", value)
    coded = b"\x40\x01x" + integer(156_250, 7, 0x80) + eight * 31_250
    for block in (plain, coded):
        assert codec.decoder(LIST_SIZE).decode(block) == [(b"x", value)]
        with pytest.raises(CompressionError):
            codec.decoder(LIST_SIZE).decode(block[:-1])


def test_small_table_updates_and_evictions(codec: Codec) -> None:
    decoder = codec.decoder(LIST_SIZE)
    grow = b"\x20\x3f\xe1\x1f" + b"".join(literal(0x40, b"", b"") for _ in range(128))
    for _ in range(100):
        decoder.decode(grow)


def test_encoding_long_values(codec: Codec) -> None:
    encoder, decoder = codec.encoder(), codec.decoder(LIST_SIZE)
    for number in range(5):
        value = b"%d" % number + b"a" * 200_000
        block = encoder.encode([*RESPONSE, (b"x-a", value, False)])
        assert decoder.decode(block)[-1] == (b"x-a", value)
