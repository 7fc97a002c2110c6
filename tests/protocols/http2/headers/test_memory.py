"""What the built-in engine remembers: bounded, without secrets, and never a change of meaning."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hypercorn_protocols.http2.headers import _encoder, primitives
from hypercorn_protocols.http2.headers._decoder import BuiltinDecoder
from hypercorn_protocols.http2.headers._encoder import BuiltinEncoder
from tests.protocols.http2.headers.blocks import literal, string


@pytest.fixture(autouse=True)
def empty() -> Iterator[None]:
    """Nothing is remembered at the start of a test."""
    primitives._decoded.clear()
    primitives._encoded.clear()
    yield
    assert len(primitives._decoded) <= primitives._MAX_REMEMBERED
    assert len(primitives._encoded) <= primitives._MAX_REMEMBERED


def test_strings_are_decoded_once() -> None:
    decoder = BuiltinDecoder(65_536)
    block = literal(0x00, 4, b"/items/42", huffman=True)
    first, second = decoder.decode(block), decoder.decode(block)
    assert first == second == [(b":path", b"/items/42")]
    assert first[0][1] is second[0][1]


def test_strings_are_known_by_their_code_and_not_by_their_bytes() -> None:
    """The same bytes mean something else where they are not Huffman-encoded."""
    decoder = BuiltinDecoder(65_536)
    coded = string(b"/items/42", huffman=True)
    assert decoder.decode(b"\x04" + coded) == [(b":path", b"/items/42")]
    plain = bytes([coded[0] & 0x7F]) + coded[1:]
    assert decoder.decode(b"\x04" + plain) == [(b":path", coded[1:])]


def test_number_of_strings() -> None:
    decoder, encoder = BuiltinDecoder(65_536), BuiltinEncoder()
    for number in range(3 * primitives._MAX_REMEMBERED):
        path = b"/items/%d" % number
        assert decoder.decode(literal(0x00, 4, path, huffman=True)) == [(b":path", path)]
        encoder.encode([(b"etag", path, False)])
        assert len(primitives._decoded) <= primitives._MAX_REMEMBERED
        assert len(primitives._encoded) <= primitives._MAX_REMEMBERED


def test_size_of_strings() -> None:
    value = b"a" * 1000
    BuiltinDecoder(65_536).decode(literal(0x00, 4, value, huffman=True))
    BuiltinEncoder().encode([(b"etag", value, False)])
    assert not primitives._decoded
    assert not primitives._encoded


def test_secrets() -> None:
    encoder = BuiltinEncoder()
    BuiltinDecoder(65_536).decode(literal(0x10, b"x-token", b"secret", huffman=True))
    encoder.encode([(b"x-token", b"secret", True)])
    assert not primitives._decoded
    assert not primitives._encoded
    assert not encoder._known


def test_fields_of_an_encoder() -> None:
    encoder = BuiltinEncoder()
    for number in range(10 * _encoder._MAX_KNOWN):
        encoder.encode([(b"etag", b"%d" % number, False), (b"x-a", b"%d" % number, False)])
        # The fields of the table, at most 128 of them, are known in any case.
        assert len(encoder._known) <= _encoder._MAX_KNOWN + 128
    encoder = BuiltinEncoder()
    encoder.encode([(b"set-cookie", b"a" * 1000, False)])
    assert not encoder._known
