"""Integers and strings as they stand in a field block (RFC 7541 section 5).

Knows: both representations, and strings that it has seen before.
Must not know: tables, or what an integer or a string is part of.

Encoding or decoding the Huffman code costs some fifty times as much as looking a string up, and
the same user agents, paths and media types come again and again, from new connections too. So a
bounded number of short strings is remembered for all connections. Secret ones are not.
"""

from __future__ import annotations

from hypercorn_protocols.http2.headers import huffman
from hypercorn_protocols.http2.headers.codec import CompressionError

__all__ = ["decode_integer", "decode_string", "encode_integer", "encode_string"]

# What is remembered: how many strings, and how long they are encoded. When the memory is full it
# is emptied, which costs a busy server less than to note for each string when it was last used.
_MAX_REMEMBERED = 1024
_MAX_REMEMBERED_SIZE = 256

_decoded: dict[bytes, bytes] = {}
_encoded: dict[bytes, bytes] = {}


def decode_integer(data: bytes, position: int, mask: int) -> tuple[int, int]:
    """Read an integer whose prefix is the bits of mask in the byte at position.

    Returns:
        the integer, and the position after it.

    Raises:
        CompressionError: it is not all there, or goes on for more than five bytes.
    """
    try:
        value = data[position] & mask
        if value < mask:
            return value, position + 1
        for shift in (0, 7, 14, 21, 28):
            position += 1
            byte = data[position]
            value += (byte & 0x7F) << shift
            if byte < 0x80:
                return value, position + 1
    except IndexError:
        raise CompressionError("field block ends within an integer") from None
    raise CompressionError("integer of more than 32 bits")


def encode_integer(value: int, mask: int, pattern: int) -> bytes:
    """Write an integer whose prefix is the bits of mask, in a byte that starts with pattern."""
    if value < mask:
        return bytes((pattern | value,))
    encoded = bytearray((pattern | mask,))
    value -= mask
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def decode_string(data: bytes, position: int, remember: bool) -> tuple[bytes, int]:
    """Read the string literal at position.

    Returns:
        the string, and the position after it.

    Raises:
        CompressionError: it is not all there, or its Huffman code is malformed.
    """
    length, start = decode_integer(data, position, 0x7F)
    end = start + length
    if end > len(data):
        raise CompressionError("field block ends within a string")
    string = data[start:end]
    if data[position] < 0x80:
        return string, end
    return _decoded.get(string) or _decode(string, remember), end


def _decode(string: bytes, remember: bool) -> bytes:
    decoded = huffman.decode(string)
    if remember and len(string) <= _MAX_REMEMBERED_SIZE:
        if len(_decoded) >= _MAX_REMEMBERED:
            _decoded.clear()
        _decoded[string] = decoded
    return decoded


def encode_string(string: bytes, remember: bool) -> bytes:
    """Write a string literal, Huffman-encoded where that is shorter."""
    return _encoded.get(string) or _encode(string, remember)


def _encode(string: bytes, remember: bool) -> bytes:
    coded, pattern = huffman.encode(string), 0x80
    if len(coded) >= len(string):
        coded, pattern = string, 0
    encoded = encode_integer(len(coded), 0x7F, pattern) + coded
    if remember and len(string) <= _MAX_REMEMBERED_SIZE:
        if len(_encoded) >= _MAX_REMEMBERED:
            _encoded.clear()
        _encoded[string] = encoded
    return encoded
