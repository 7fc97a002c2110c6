"""Every engine says the same of any block, and what one encodes the other decodes."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from hypercorn_protocols.http2.headers import Codec, select_codec
from tests.protocols.http2.headers import mutation
from tests.protocols.http2.headers.blocks import (
    ENGINES,
    indexed,
    literal,
    outcome,
    outcome_of_oracle,
    size_update,
)
from tests.protocols.strategies import DETERMINISTIC

names = st.sampled_from([b"x-a", b"cookie", b":path", b"x-b"]) | st.binary(max_size=8)
values = st.sampled_from([b"", b"1", b"text/html", b"y" * 3000]) | st.binary(max_size=200)
indexes = st.integers(1, 66) | st.sampled_from([0, 126, 127, 128, 189, 190])
representations: st.SearchStrategy[bytes] = st.one_of(
    indexes.map(indexed),
    st.builds(
        literal, st.sampled_from([0x00, 0x10, 0x40]), names | indexes, values, st.booleans()
    ),
)
updates = st.lists(st.integers(0, 4098).map(size_update), max_size=3)
sound = st.tuples(updates, st.lists(representations, max_size=10)).map(
    lambda parts: b"".join([*parts[0], *parts[1]])
)
connections = st.lists(sound | st.binary(max_size=60), min_size=1, max_size=5)
fields = st.lists(st.tuples(names, values, st.booleans()), max_size=10)
sizes = st.lists(st.integers(0, 5000) | st.sampled_from([0, 34, 64, 4096]), max_size=3)


def agree(blocks: list[bytes]) -> None:
    expected = outcome_of_oracle(blocks)
    for engine in ENGINES:
        assert outcome(engine, blocks) == expected


@DETERMINISTIC
@given(connections)
def test_decoders_agree(blocks: list[bytes]) -> None:
    agree(blocks)


@DETERMINISTIC
@given(st.binary(max_size=300))
def test_decoders_agree_on_anything(block: bytes) -> None:
    agree([block, block])


def test_decoders_agree_on_mutants() -> None:
    for seed in range(500):
        agree(mutation.connection(Random(seed)))


def test_decoders_agree_on_every_two_bytes() -> None:
    """And on what they stand for after another field."""
    for number in range(0, 65_536, 7):
        block = number.to_bytes(2, "big")
        agree([block])
        agree([b"\x40\x01a\x01b" + block])


@DETERMINISTIC
@given(st.lists(st.tuples(sizes, fields), max_size=6))
def test_what_is_encoded_is_decoded(
    lists: list[tuple[list[int], list[tuple[bytes, bytes, bool]]]],
) -> None:
    for engine in ENGINES:
        for other in ENGINES:
            round_trip(select_codec(engine), select_codec(other), lists)


def round_trip(
    sender: Codec,
    receiver: Codec,
    lists: list[tuple[list[int], list[tuple[bytes, bytes, bool]]]],
) -> None:
    encoder, decoder = sender.encoder(), receiver.decoder(1_000_000)
    for changes, header_list in lists:
        for size in changes:
            encoder.set_max_table_size(size)
        block = encoder.encode(header_list)
        assert decoder.decode(block) == [(name, value) for name, value, _ in header_list]
