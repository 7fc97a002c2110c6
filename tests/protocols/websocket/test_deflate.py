"""permessage-deflate (RFC 7692): the codec. What is agreed to is in test_deflate_offers."""

from __future__ import annotations

import time
import tracemalloc
import zlib
from collections.abc import Iterable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode

from hypercorn_protocols.errors import RemoteProtocolError
from hypercorn_protocols.settings import WebSocketSettings
from hypercorn_protocols.websocket.deflate import Deflate, InflateError, MessageTooLargeError
from tests.protocols.strategies import DETERMINISTIC, splits

SETTINGS = WebSocketSettings()
NO_LIMIT = 1 << 30
TAIL = b"\x00\x00\xff\xff"
HELLO = bytes.fromhex("f248cdc9c90700")
RESETS = [False, True]
ALL_BITS = range(9, 16)

# Both repeat themselves: near, and at any distance.
TEXT = b"".join(b'{"id": %d, "name": "name-%d"}' % (n, n * n) for n in range(4000))
FAR = Random(1).randbytes(3000) * 30


def inflate(codec: Deflate, pieces: Iterable[bytes], limit: int = NO_LIMIT) -> bytes:
    """A message of several pieces."""
    *first, last = pieces
    inflated = []
    for piece, ends in [*((piece, False) for piece in first), (last, True)]:
        inflated.append(codec.inflate(piece, limit, ends))
        limit -= len(inflated[-1])
    return b"".join(inflated)


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)] or [b""]


def stream(data: bytes, level: int = 6, bits: int = 15) -> bytes:
    """A stream with an end: its last block has BFINAL set."""
    compressor = zlib.compressobj(level, zlib.DEFLATED, -bits)
    return compressor.compress(data) + compressor.flush(zlib.Z_FINISH)


def bomb(size: int) -> bytes:
    """Zeros as one message."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    parts = [compressor.compress(bytes(1 << 20)) for _ in range(size >> 20)]
    return b"".join([*parts, compressor.flush(zlib.Z_SYNC_FLUSH)])[: -len(TAIL)]


def holds_zlib(codec: Deflate) -> bool:
    values = [getattr(codec, name) for name in Deflate.__slots__]
    return any(type(value).__module__ == "zlib" for value in values)


# The examples of RFC 7692 section 7.2.3.


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (["f248cdc9c90700"], [b"Hello"]),  # 7.2.3.1
        (["f248cdc9c90700", "f200110000"], [b"Hello"] * 2),  # 7.2.3.2
        (["f248cdc9c90700", "f248cdc9c90700"], [b"Hello"] * 2),
        (["000500faff48656c6c6f00"], [b"Hello"]),  # 7.2.3.3
        (["f348cdc9c9070000"], [b"Hello"]),  # 7.2.3.4
        (["f24805000000ffffcac9c90700"], [b"Hello"]),  # 7.2.3.5
        (["00"], [b""]),  # 7.2.3.6
        (["00", "f248cdc9c90700", "00", "f200110000", "00"], [b"", b"Hello", b"", b"Hello", b""]),
    ],
)
def test_examples(messages: list[str], expected: list[bytes], size: int) -> None:
    codec = Deflate(SETTINGS)

    found = [inflate(codec, cut(bytes.fromhex(message), size)) for message in messages]
    assert found == expected


def test_compressing_the_examples() -> None:
    codec = Deflate(SETTINGS)

    assert codec.compress(b"Hello").hex() == "f248cdc9c90700"
    assert codec.compress(b"Hello").hex() == "f200110000"
    assert codec.compress(b"").hex() == "00"
    assert codec.compress(b"Hello").hex() == "02130000"  # all of it from the window
    codec.forget_context()
    assert codec.compress(b"Hello").hex() == "f248cdc9c90700"
    assert codec.compress(b"Hello").hex() == "f200110000"


# Round trips, with context or without, and windows of any size.


@pytest.mark.parametrize("compressor_resets", RESETS)
@pytest.mark.parametrize("inflater_resets", RESETS)
def test_context_takeover(compressor_resets: bool, inflater_resets: bool) -> None:
    sender = Deflate(SETTINGS, compressor_resets=compressor_resets)
    receiver = Deflate(SETTINGS, inflater_resets=inflater_resets)
    first, second = sender.compress(b"Hello" * 20), sender.compress(b"Hello" * 20)

    assert (first == second) is compressor_resets
    assert inflate(receiver, [first]) == b"Hello" * 20
    if inflater_resets and not compressor_resets:  # the peer breaks its word
        with pytest.raises(InflateError, match="not DEFLATE"):
            inflate(receiver, [second])
    else:
        assert inflate(receiver, [second]) == b"Hello" * 20


@pytest.mark.parametrize("bits", ALL_BITS)
@pytest.mark.parametrize("resets", RESETS)
@pytest.mark.parametrize("data", [TEXT, FAR], ids=["near", "far"])
def test_no_more_than_the_window_is_referred_to(data: bytes, bits: int, resets: bool) -> None:
    """zlib refuses what is further back than its window."""
    sender = Deflate(SETTINGS, compressor_bits=bits, compressor_resets=resets)
    receiver = Deflate(SETTINGS, inflater_bits=bits, inflater_resets=resets)
    for message in (data, data[:3000], b"", data[:100], data):
        assert inflate(receiver, [sender.compress(message)]) == message
        sender.compress_alone(b"another message")
        assert inflate(receiver, [sender.compress_alone(message)]) == message


@pytest.mark.parametrize("bits", range(8, 16))
def test_windows_of_the_peer(bits: int) -> None:
    # zlib understands 8 as 9, and so have its peers to.
    compressor = zlib.compressobj(9, zlib.DEFLATED, -max(bits, 9))
    receiver = Deflate(SETTINGS, inflater_bits=bits)
    for message in (TEXT, FAR, TEXT):
        data = compressor.compress(message) + compressor.flush(zlib.Z_SYNC_FLUSH)
        assert inflate(receiver, cut(data[: -len(TAIL)], 1000)) == message


def test_windows_save_memory() -> None:
    data = stream(FAR)
    with pytest.raises(InflateError, match="not DEFLATE"):
        inflate(Deflate(SETTINGS, inflater_bits=9), [data])


@pytest.mark.parametrize("level", range(1, 10))
@pytest.mark.parametrize("memory_level", [1, 5, 9])
def test_settings(level: int, memory_level: int) -> None:
    settings = replace(SETTINGS, deflate_level=level, deflate_memory_level=memory_level)
    sender = Deflate(settings, compressor_bits=10)
    expected = zlib.compressobj(level, zlib.DEFLATED, -10, memory_level)

    assert sender.key == (10, memory_level, level)
    assert sender.compress(TEXT) + TAIL == (
        expected.compress(TEXT) + expected.flush(zlib.Z_SYNC_FLUSH)
    )


def test_min_size() -> None:
    assert Deflate(replace(SETTINGS, deflate_min_size=5)).min_size == 5


@DETERMINISTIC
@given(
    st.lists(st.text("abc é").map(str.encode) | st.binary(max_size=300), max_size=6),
    st.tuples(st.sampled_from(ALL_BITS), st.booleans()),
    st.data(),
)
def test_round_trips(messages: list[bytes], way: tuple[int, bool], data: st.DataObject) -> None:
    bits, resets = way
    sender = Deflate(SETTINGS, compressor_bits=bits, compressor_resets=resets)
    receiver = Deflate(SETTINGS, inflater_bits=bits, inflater_resets=resets)
    for message in messages:
        if data.draw(st.booleans()):
            compressed = sender.compress(message)
        else:
            compressed = sender.compress_alone(message)
        pieces = [b"", *data.draw(splits(compressed)), b""]
        assert inflate(receiver, pieces, len(message)) == message


@DETERMINISTIC
@given(st.lists(st.binary(max_size=300), max_size=6), st.booleans(), st.booleans())
def test_websockets_understands_and_is_understood(
    messages: list[bytes], ours_resets: bool, theirs_resets: bool
) -> None:
    ours = Deflate(
        SETTINGS,
        compressor_bits=11,
        inflater_bits=10,
        compressor_resets=ours_resets,
        inflater_resets=theirs_resets,
    )
    theirs = PerMessageDeflate(ours_resets, theirs_resets, 11, 10)
    for message in messages:
        sent = theirs.encode(Frame(Opcode.BINARY, message))
        if message:  # it lets zlib write nothing at all for an empty one, at times
            assert inflate(ours, [bytes(sent.data)]) == message
        received = theirs.decode(Frame(Opcode.BINARY, ours.compress(message), rsv1=True))
        assert received.data == message


# One compression for many.


def test_equal_keys_share_what_is_compressed_alone() -> None:
    first, second = Deflate(SETTINGS, compressor_bits=12), Deflate(SETTINGS, compressor_bits=12)
    first.compress(b"something else")
    assert first.key == second.key != Deflate(SETTINGS, compressor_bits=11).key
    hash(first.key)

    assert first.compress_alone(TEXT) == second.compress_alone(TEXT)


def test_after_a_message_that_others_compressed() -> None:
    """Without forgetting, the second message would be looked for too near."""
    sender, other, receiver = Deflate(SETTINGS), Deflate(SETTINGS), Deflate(SETTINGS)
    inflate(receiver, [sender.compress(b"Hello" * 20)])
    inflate(receiver, [other.compress_alone(b"Something else" * 20)])
    sender.forget_context()

    assert inflate(receiver, [sender.compress(b"Hello" * 20)]) == b"Hello" * 20
    assert inflate(receiver, [sender.compress(b"Hello" * 20)]) == b"Hello" * 20


def test_compressing_alone_forgets_the_context() -> None:
    sender, receiver = Deflate(SETTINGS), Deflate(SETTINGS)
    for message in (b"Hello" * 20, b"Something else" * 20):
        inflate(receiver, [sender.compress(message)])
        inflate(receiver, [sender.compress_alone(message)])
        assert inflate(receiver, [sender.compress(message)]) == message


# Memory.


def test_nothing_is_held_before_it_is_needed() -> None:
    codec = Deflate(SETTINGS)

    assert not holds_zlib(codec)
    assert codec.compress(b"") == b"\x00"
    assert codec.inflate(b"", 0, True) == b""
    assert not holds_zlib(codec)


def test_nothing_is_held_between_messages_without_context() -> None:
    codec = Deflate(SETTINGS, compressor_resets=True, inflater_resets=True)
    codec.compress(b"Hello")
    codec.inflate(HELLO[:3], 5, False)
    assert holds_zlib(codec)
    codec.inflate(HELLO[3:], 5, True)

    assert not holds_zlib(codec)


def test_context_is_held_otherwise() -> None:
    codec = Deflate(SETTINGS)
    codec.compress(b"Hello")
    assert holds_zlib(codec)
    codec.forget_context()
    assert not holds_zlib(codec)
    codec.inflate(HELLO, 5, True)
    assert holds_zlib(codec)


# Limits.


@pytest.mark.parametrize("size", [1, 5, 100, 10_000])
def test_limit(size: int) -> None:
    data = Deflate(SETTINGS).compress(TEXT[:size])

    assert inflate(Deflate(SETTINGS), [data], size) == TEXT[:size]
    assert inflate(Deflate(SETTINGS), cut(data, 1), size) == TEXT[:size]
    for pieces in ([data], cut(data, 1)):
        codec = Deflate(SETTINGS)
        with pytest.raises(MessageTooLargeError):
            inflate(codec, pieces, size - 1)
        assert not holds_zlib(codec)


def test_limit_of_nothing() -> None:
    assert Deflate(SETTINGS).inflate(b"\x00", 0, True) == b""
    with pytest.raises(MessageTooLargeError):
        Deflate(SETTINGS).inflate(HELLO, 0, False)


def test_limit_holds_for_several_streams() -> None:
    data = stream(b"Hello") * 3 + b"\x00"

    assert inflate(Deflate(SETTINGS), [data], 15) == b"Hello" * 3
    for limit in range(15):
        with pytest.raises(MessageTooLargeError):
            inflate(Deflate(SETTINGS), [data], limit)


def test_what_a_bomb_costs() -> None:
    """No more comes out than there may be, and at no other price than that."""
    data = bomb(1 << 27)
    limit = 1 << 20
    assert len(data) < limit
    tracemalloc.start()
    try:
        started = time.process_time()
        with pytest.raises(MessageTooLargeError):
            Deflate(SETTINGS).inflate(data, limit, True)
        seconds = time.process_time() - started
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    # Its own size with its tail and once more for what is left over; the limit in blocks and in
    # one piece.
    assert peak < 2 * len(data) + 2.5 * limit
    assert seconds < 1.0


def test_what_a_bomb_of_streams_costs() -> None:
    data = stream(bytes(1 << 20)) * 1000
    codec = Deflate(SETTINGS)
    with pytest.raises(MessageTooLargeError):
        codec.inflate(data, 2 << 20, True)


# Streams with an end (RFC 7692 section 7.2.3.4).


@pytest.mark.parametrize("before", [0, 1, 2, 5])
@pytest.mark.parametrize("end", [b"", b"\x00", HELLO, b"\x00\x00\x00\xff\xff\x00"])
@pytest.mark.parametrize("size", [1, 3, 7, 1000, 1 << 20])
def test_streams_with_an_end(before: int, end: bytes, size: int) -> None:
    for message in (b"", b"Hello", TEXT[:50_000]):
        codec = Deflate(SETTINGS)
        data = stream(message) * before + end
        expected = message * before + b"Hello" * (end == HELLO)
        if size < 100:
            data, expected = stream(message[:99]) * before + end, message[:99] * before
            expected += b"Hello" * (end == HELLO)
        for _ in range(3):
            if data:
                assert inflate(codec, cut(data, size), len(expected)) == expected
        assert inflate(codec, [HELLO]) == b"Hello"
        assert inflate(codec, [bytes.fromhex("f200110000")]) == b"Hello"


def test_stream_ends_within_the_message_before() -> None:
    codec = Deflate(SETTINGS)
    assert codec.inflate(stream(b"Hello"), 5, False) == b"Hello"
    assert codec.inflate(b"", 0, True) == b""

    assert inflate(codec, [HELLO]) == b"Hello"


@pytest.mark.parametrize("size", [2, 3, 1000, 65_536, 1 << 30])
def test_messages_of_too_many_streams(size: int) -> None:
    """The shortest stream has two bytes, of which nothing comes: no limit of sizes ends that."""
    codec = Deflate(SETTINGS)
    assert inflate(codec, cut(stream(b"") * 4096, size)) == b""
    assert inflate(codec, cut(stream(b"") * 4096, size)) == b""
    with pytest.raises(InflateError, match="4096 streams"):
        inflate(codec, cut(stream(b"") * 4097, size))
    assert not holds_zlib(codec)


def test_many_streams_take_time_in_proportion() -> None:
    data = stream(b"x") * 4000 + stream(FAR) + bytes(1 << 24)
    started = time.process_time()
    with pytest.raises(InflateError):
        Deflate(SETTINGS).inflate(data, NO_LIMIT, True)
    assert time.process_time() - started < 1.0


# Garbage.


@pytest.mark.parametrize(
    "data",
    [
        b"\xff",
        b"\x06",
        b"\x04\xff\xff\xff",
        b"\x00\x05\x00\x05\x00Hello",
        HELLO + HELLO[3:],
        bytes.fromhex("f200110000"),
        stream(b"Hello") + b"\xff",
        zlib.compress(b"Hello"),
    ],
    ids=bytes.hex,
)
@pytest.mark.parametrize("size", [1, 2, 100])
def test_garbage(data: bytes, size: int) -> None:
    codec = Deflate(SETTINGS)
    with pytest.raises(InflateError) as caught:
        inflate(codec, cut(data, size))

    assert isinstance(caught.value, RemoteProtocolError)
    assert not holds_zlib(codec)


@DETERMINISTIC
@given(st.binary(max_size=60) | st.binary(max_size=30).map(stream), st.binary(max_size=6))
def test_anything(data: bytes, end: bytes) -> None:
    """However it is cut, the same comes of it, within the limit."""
    outcomes: set[tuple[object, bytes]] = set()
    for size in (1, 2, 7, 1000):
        codec = Deflate(SETTINGS)
        try:
            outcomes.add((inflate(codec, cut(data + end, size), 200), inflate(codec, [HELLO])))
        except (InflateError, MessageTooLargeError) as error:
            outcomes.add((type(error), b""))
    assert len(outcomes) == 1


@DETERMINISTIC
@given(st.binary(max_size=200))
def test_without_an_end_it_is_what_zlib_says(data: bytes) -> None:
    oracle = zlib.decompressobj(-15)
    try:
        expected = oracle.decompress(data + TAIL)
    except zlib.error:
        with pytest.raises(InflateError):
            inflate(Deflate(SETTINGS), [data])
        return
    if not oracle.eof:
        assert inflate(Deflate(SETTINGS), [data]) == expected
