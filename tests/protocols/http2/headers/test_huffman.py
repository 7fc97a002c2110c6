"""The Huffman code, against hpack's."""

from __future__ import annotations

import pytest
from hpack import HPACKDecodingError
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from hpack.huffman_table import decode_huffman
from hypothesis import given
from hypothesis import strategies as st

from hypercorn_protocols.http2.headers import CompressionError, huffman
from tests.protocols.strategies import DETERMINISTIC

oracle = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)


def oracle_decodes(data: bytes) -> bytes | None:
    try:
        return decode_huffman(data)
    except HPACKDecodingError:
        return None


def decodes(data: bytes) -> bytes | None:
    try:
        return huffman.decode(data)
    except CompressionError:
        return None


@pytest.mark.parametrize("byte", range(256))
def test_each_symbol(byte: int) -> None:
    symbol = bytes([byte])
    for string in (symbol, symbol * 8, b"a" + symbol, b"\xff" + symbol + b"0"):
        assert huffman.encode(string) == oracle.encode(string)
        assert huffman.decode(oracle.encode(string)) == string


def test_empty_string() -> None:
    assert huffman.encode(b"") == b""
    assert huffman.decode(b"") == b""


@pytest.mark.parametrize(
    "data",
    [
        b"\x1f\xff",  # "a" and eleven bits
        b"\xff",  # eight bits
        b"\x18",  # "a" and zeros
        b"\x1e",
        b"\xff\xff\xff\xff",  # EOS
        b"\x1f\xff\xff\xff\xff",
        b"\xff\xff\xff\xfc",  # EOS, then padding that is no longer needed
        b"\xff\xff\xfe",  # within a symbol
    ],
    ids=bytes.hex,
)
def test_malformed(data: bytes) -> None:
    assert decodes(data) is None
    assert oracle_decodes(data) is None


def test_every_two_bytes() -> None:
    for number in range(65_536):
        data = number.to_bytes(2, "big")
        assert decodes(data) == oracle_decodes(data)


@DETERMINISTIC
@given(st.binary(max_size=40))
def test_any_code(data: bytes) -> None:
    assert decodes(data) == oracle_decodes(data)


@DETERMINISTIC
@given(st.binary(max_size=100))
def test_any_string(data: bytes) -> None:
    code = huffman.encode(data)
    assert code == oracle.encode(data)
    assert huffman.decode(code) == data
