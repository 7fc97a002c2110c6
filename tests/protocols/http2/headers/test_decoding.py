"""What a decoder takes and what it refuses (RFC 7541 sections 4 to 6)."""

from __future__ import annotations

import pytest

from hypercorn_protocols.errors import RemoteProtocolError
from hypercorn_protocols.http2.headers import Codec, CompressionError, HeaderListTooLargeError
from tests.protocols.http2.headers.blocks import indexed, literal, size_update, string

A_FIELD = literal(0x40, b"x-a", b"1")

MALFORMED = {
    "index 0": b"\x80",
    "index beyond the static table": indexed(62),
    "index of two bytes": indexed(200),
    "huge index": b"\xff\xff\xff\xff\xff\x0f",
    "name's index beyond the static table": literal(0x40, 62, b"a"),
    "name's index of two bytes": literal(0x00, 200, b"a"),
    "integer of six more bytes": b"\xff\x80\x80\x80\x80\x80\x00",
    "integer that does not end": b"\xff" * 100,
    "size update after a field": b"\x82" + size_update(100),
    "size update after a literal": A_FIELD + size_update(0),
    "size update between fields": b"\x82" + size_update(100) + b"\x82",
    "three size updates": size_update(0) + size_update(1) + size_update(2),
    "size above the limit": size_update(4097),
    "second size above the limit": size_update(0) + size_update(4097),
    "huge size": b"\x3f\xff\xff\xff\xff\x0f",
    "EOS": b"\x00\x01a\x84\xff\xff\xff\xff",
    "EOS in a name": b"\x00\x84\xff\xff\xff\xff\x00",
    "padding of eight bits": b"\x00\x01a\x81\xff",
    "padding of eight bits after a symbol": b"\x00\x01a\x82\x1f\xff",
    "padding of zeros": b"\x00\x01a\x81\x18",
    "string beyond the block": b"\x00\x01a\x7f\x00abc",
    "string far beyond the block": b"\x00\x01a\x7f\xff\xff\xff\xff\x0fabc",
}
WHOLE = [
    b"\x82\x84" + indexed(61),
    size_update(4096) + A_FIELD + indexed(62),
    literal(0x40, b"name", b"value" * 40, huffman=True),
    literal(0x10, 32, b"secret"),
    literal(0x00, 28, b"42", huffman=True),
]


@pytest.mark.parametrize("what", MALFORMED)
def test_malformed(codec: Codec, what: str) -> None:
    for before in (b"", b"\x82" * 3):
        if before and MALFORMED[what][0] & 0xE0 == 0x20:
            continue
        with pytest.raises(CompressionError) as caught:
            codec.decoder(65_536).decode(before + MALFORMED[what])
        assert not isinstance(caught.value, HeaderListTooLargeError)
        assert isinstance(caught.value, RemoteProtocolError)


@pytest.mark.parametrize("block", WHOLE, ids=bytes.hex)
def test_truncated(codec: Codec, block: bytes) -> None:
    """Each beginning is refused, but those that end after a field."""
    whole = codec.decoder(65_536).decode(block)
    for end in range(1, len(block)):
        try:
            fields = codec.decoder(65_536).decode(block[:end])
        except CompressionError:
            continue
        assert fields == whole[: len(fields)]
        assert len(fields) < len(whole)


def test_empty_block(codec: Codec) -> None:
    assert codec.decoder(65_536).decode(b"") == []


def test_integers_may_be_longer_than_they_must(codec: Codec) -> None:
    decoder = codec.decoder(65_536)
    decoder.decode(b"".join(literal(0x40, b"n%d" % n, b"") for n in range(70)))
    assert decoder.decode(b"\xff\x80\x80\x80\x80\x00") == [(b"n4", b"")]


def test_fields_are_plain_tuples_of_bytes(codec: Codec) -> None:
    block = b"\x82" + A_FIELD + literal(0x10, b"x-b", b"2", huffman=True) + indexed(62)
    fields = codec.decoder(65_536).decode(block)
    assert fields == [(b":method", b"GET"), (b"x-a", b"1"), (b"x-b", b"2"), (b"x-a", b"1")]
    assert {type(field) for field in fields} == {tuple}
    assert {type(part) for field in fields for part in field} == {bytes}


def test_lists_are_not_shared(codec: Codec) -> None:
    decoder = codec.decoder(65_536)
    decoder.decode(b"\x82\x86").clear()
    assert len(decoder.decode(b"\x82\x86")) == 2


@pytest.mark.parametrize("representation", [0x00, 0x10])
def test_what_is_not_indexed_is_not(codec: Codec, representation: int) -> None:
    decoder = codec.decoder(65_536)
    assert decoder.decode(bytes([representation]) + string(b"a") + string(b"b")) == [(b"a", b"b")]
    with pytest.raises(CompressionError):
        decoder.decode(indexed(62))


def test_newest_entry_comes_first(codec: Codec) -> None:
    decoder = codec.decoder(65_536)
    decoder.decode(literal(0x40, b"a", b"1") + literal(0x40, b"b", b"2"))
    assert decoder.decode(indexed(62) + indexed(63)) == [(b"b", b"2"), (b"a", b"1")]


def test_oldest_entries_are_evicted(codec: Codec) -> None:
    decoder = codec.decoder(65_536)
    decoder.decode(size_update(2 * 34) + literal(0x40, b"a", b"1") + literal(0x40, b"b", b"2"))
    decoder.decode(literal(0x40, b"c", b"3"))
    assert decoder.decode(indexed(62) + indexed(63)) == [(b"c", b"3"), (b"b", b"2")]
    with pytest.raises(CompressionError):
        decoder.decode(indexed(64))


def test_entry_above_the_table_empties_it(codec: Codec) -> None:
    """Which is no error (RFC 7541 section 4.4)."""
    decoder = codec.decoder(65_536)
    large = literal(0x40, b"x", b"y" * 4096)
    assert decoder.decode(A_FIELD + large) == [(b"x-a", b"1"), (b"x", b"y" * 4096)]
    with pytest.raises(CompressionError):
        decoder.decode(indexed(62))


def test_name_of_an_entry_that_it_evicts(codec: Codec) -> None:
    decoder = codec.decoder(65_536)
    decoder.decode(size_update(40) + literal(0x40, b"name", b"1234"))
    assert decoder.decode(literal(0x40, 62, b"5678")) == [(b"name", b"5678")]
    assert decoder.decode(indexed(62)) == [(b"name", b"5678")]


def test_smaller_table_is_emptied_as_it_must(codec: Codec) -> None:
    decoder = codec.decoder(65_536)
    decoder.decode(A_FIELD)
    decoder.decode(size_update(0) + size_update(4096))
    with pytest.raises(CompressionError):
        decoder.decode(indexed(62))


def test_table_may_grow_again(codec: Codec) -> None:
    decoder = codec.decoder(65_536)
    assert decoder.max_table_size == 4096
    decoder.decode(size_update(0) + A_FIELD)
    decoder.decode(size_update(4096) + A_FIELD)
    assert decoder.decode(indexed(62)) == [(b"x-a", b"1")]


@pytest.mark.parametrize(
    "block",
    [b"\x82" * 3, literal(0x40, b"abc", b"defg") * 3, literal(0x00, b"abc", b"defg", True) * 3],
)
def test_list_size_limit(codec: Codec, block: bytes) -> None:
    """The three fields are 42 or 39 bytes each."""
    size = 3 * (42 if block[0] == 0x82 else 39)
    assert len(codec.decoder(size).decode(block)) == 3
    with pytest.raises(HeaderListTooLargeError):
        codec.decoder(size - 1).decode(block)


@pytest.mark.parametrize("count", [63, 64, 65, 66, 200])
def test_list_size_limit_of_large_entries(codec: Codec, count: int) -> None:
    """A block of some bytes may stand for some hundred kilobytes."""
    decoder = codec.decoder(65 * 4096)
    decoder.decode(literal(0x40, b"x", b"y" * 4063))
    if count <= 65:
        assert len(decoder.decode(indexed(62) * count)) == count
    else:
        with pytest.raises(HeaderListTooLargeError):
            decoder.decode(indexed(62) * count)
