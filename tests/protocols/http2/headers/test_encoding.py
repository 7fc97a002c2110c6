"""What an encoder sends: the peer, hpack, always understands it."""

from __future__ import annotations

from collections.abc import Iterable

import hpack
import pytest

from hypercorn_protocols.http2.headers import Codec
from hypercorn_protocols.http2.headers._decoder import BuiltinDecoder
from hypercorn_protocols.http2.headers._encoder import _VOLATILE, BuiltinEncoder
from tests.protocols.http2.headers.blocks import RESPONSE, size_update

Field = tuple[bytes, bytes, bool]


class Peer:
    """Decodes what an encoder encodes, and holds the encoder to the table's size."""

    def __init__(self, codec: Codec) -> None:
        self.encoder = codec.encoder()
        self.decoder = hpack.Decoder(1_000_000)

    def resize(self, *sizes: int) -> None:
        for size in sizes:
            self.encoder.set_max_table_size(size)
        self.decoder.max_allowed_table_size = sizes[-1]

    def send(self, fields: Iterable[Field]) -> bytes:
        expected = [(name, value) for name, value, _ in fields]
        block = self.encoder.encode(fields)
        assert self.decoder.decode(block, raw=True) == expected
        return block


@pytest.fixture
def peer(codec: Codec) -> Peer:
    return Peer(codec)


def test_repeated_fields_take_a_byte_each(peer: Peer) -> None:
    fields = [field for field in RESPONSE if field[0] != b"content-length"]
    peer.send(fields)
    assert len(peer.send(fields)) == 4


def test_any_iterable(codec: Codec) -> None:
    assert codec.encoder().encode(iter(RESPONSE)) == codec.encoder().encode(RESPONSE)
    assert codec.encoder().encode([]) == b""


@pytest.mark.parametrize("name", [b"set-cookie", b"x-secret", b":status"])
def test_secrets_are_never_indexed(peer: Peer, name: bytes) -> None:
    """Not even where the table has them: the length would tell an attacker who put them there."""
    value = b"200" if name == b":status" else b"value-of-a-secret"
    first = peer.send([(name, value, True)])
    assert first[0] & 0xF0 == 0x10
    assert peer.send([(name, value, True)]) == first
    peer.send([(name, value, False)])
    assert peer.send([(name, value, True)]) == first


def test_values_that_change_are_not_indexed() -> None:
    peer = Peer(Codec(BuiltinDecoder, BuiltinEncoder))
    for name in sorted(_VOLATILE):
        block = peer.send([(name, b"value", False)])
        assert block[0] & 0xF0 == 0x00, name
        assert peer.send([(name, b"value", False)]) == block
    assert not peer.decoder.header_table.dynamic_entries


def test_large_fields_are_not_indexed() -> None:
    peer = Peer(Codec(BuiltinDecoder, BuiltinEncoder))
    peer.send([(b"x-a", b"y" * 2014, False), (b"x-a", b"y" * 2013, False)])
    assert len(peer.decoder.header_table.dynamic_entries) == 1


def test_shorter_of_huffman_and_plain() -> None:
    encoder = BuiltinEncoder()
    for value, length in ((b"a" * 8, 5), (b"\xff" * 8, 8), (b"", 0), (b"a" * 1000, 625)):
        block = encoder.encode([(b"content-length", value, True)])
        assert len(block) == 2 + (3 if length > 127 else 1) + length


def test_eviction(peer: Peer) -> None:
    for number in range(500):
        peer.send([(b"x-number", b"%d" % number, False), *RESPONSE])
        peer.send([(b"x-number", b"%d" % (number // 2), False), *RESPONSE])


def test_indexes_of_two_bytes(peer: Peer) -> None:
    """Of 128 entries that the table may have, the oldest are beyond an index of seven bits."""
    fields = [(b"%02x" % number, b"", False) for number in range(120)]
    peer.send(fields)
    assert len(peer.send(fields)) > 120
    assert peer.decoder.header_table.dynamic_entries[-1] == (b"00", b"")


@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 64, 100, 256, 4095])
def test_smaller_table(peer: Peer, size: int) -> None:
    peer.send(RESPONSE)
    peer.resize(size)
    assert peer.send(RESPONSE).startswith(size_update(size))
    assert peer.decoder.header_table_size == size
    peer.send(RESPONSE)


def test_table_that_is_none_from_the_start(peer: Peer) -> None:
    peer.resize(0)
    assert peer.send(RESPONSE)[0] == 0x20
    assert peer.send(RESPONSE)[0] == 0x88
    assert not peer.decoder.header_table.dynamic_entries


def test_larger_table_is_not_made_use_of(peer: Peer) -> None:
    peer.resize(65_536)
    assert peer.send(RESPONSE)[0] == 0x88
    for number in range(1000):
        peer.send([(b"x-number", b"%d" % number, False)])
    assert peer.decoder.header_table._current_size <= 4096


@pytest.mark.parametrize(
    ("changes", "announced"),
    [
        ([4096], []),
        ([100, 100], [100]),
        ([0, 4096], [0, 4096]),
        ([100, 4096], [100, 4096]),
        ([300, 0, 200, 100], [0, 100]),
        ([300, 0, 5000], [0, 4096]),
        ([100, 50, 100, 50], [50]),
        ([5000, 6000], []),
    ],
)
def test_changes_of_size(peer: Peer, changes: list[int], announced: list[int]) -> None:
    """The smallest and the last one are announced, in the next block alone (section 4.2)."""
    peer.send(RESPONSE)
    peer.resize(*changes)
    updates = b"".join(size_update(size) for size in announced)
    block = peer.send([])
    assert block == updates
    assert peer.send([]) == b""
    peer.send(RESPONSE)


def test_growing_again_is_one_update(peer: Peer) -> None:
    peer.resize(100)
    peer.send(RESPONSE)
    peer.resize(200)
    assert peer.send([]) == size_update(200)
    peer.resize(300, 150)
    assert peer.send([]) == size_update(150)
    peer.resize(300, 100, 250)
    assert peer.send([]) == size_update(100) + size_update(250)


def test_what_fits_after_a_change_is_decided_anew(peer: Peer) -> None:
    field = (b"x-a", b"y" * 60, False)
    peer.resize(100)
    peer.send([field])
    peer.resize(4096)
    peer.send([field])
    assert len(peer.send([field])) == 1
    peer.resize(90)
    peer.send([field])
    peer.send([field])
