"""Messages that several WebSockets send in turn: made once, and understood by each peer."""

from __future__ import annotations

import tracemalloc
import zlib
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypercorn_protocols.errors import LocalProtocolError
from hypercorn_protocols.settings import WebSocketSettings
from hypercorn_protocols.websocket import Deflate, MessageMemory
from hypercorn_protocols.websocket.frames import BINARY, TEXT, encode_frame
from tests.protocols.strategies import DETERMINISTIC
from tests.websocket_peer import FrameReader, Opcode

SETTINGS = WebSocketSettings(deflate_min_size=20)
LONG = "a message that is long enough to be compressed, " * 5


@pytest.fixture
def memory() -> MessageMemory:
    """One that remembers nothing yet."""
    return MessageMemory()


def codec(bits: int = 15, *, resets: bool = False) -> Deflate:
    return Deflate(SETTINGS, compressor_bits=bits, compressor_resets=resets)


@dataclass
class Peer:
    """A client that inflates what it gets, with the window that was agreed to."""

    bits: int | None
    """None if nothing is compressed."""
    resets: bool = False
    deflate: Deflate | None = None
    received: list[str | bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.bits is not None:
            self.deflate = codec(self.bits, resets=self.resets)
            self.inflater = zlib.decompressobj(-self.bits)

    def receive(self, data: bytes) -> None:
        """Read one frame."""
        reader = FrameReader()
        reader.feed(data)
        frame = reader.next()
        assert frame is not None
        assert not reader.rest
        payload = frame.payload
        if frame.compressed:
            assert self.bits is not None
            payload = self.inflater.decompress(payload + b"\x00\x00\xff\xff")
            if self.resets:
                self.inflater = zlib.decompressobj(-self.bits)
        self.received.append(payload.decode() if frame.opcode == Opcode.TEXT else payload)


class TestPlain:
    @pytest.mark.parametrize("message", ["", "é", b"", b"\xff", LONG, LONG.encode() * 500])
    def test_all_get_the_same_bytes(self, memory: MessageMemory, message: str | bytes) -> None:
        first = memory.encode(message, None)
        payload = message.encode() if isinstance(message, str) else message
        assert first == encode_frame(TEXT if isinstance(message, str) else BINARY, payload)
        assert all(memory.encode(message, None) is first for _ in range(3))

    def test_equal_messages_are_the_same(self, memory: MessageMemory) -> None:
        first = memory.encode("".join(["a", "b"]), None)
        assert memory.encode("".join(["a", "b"]), None) is first

    def test_text_and_binary_are_not(self, memory: MessageMemory) -> None:
        for _ in range(2):
            assert memory.encode("ab", None) == b"\x81\x02ab"
            assert memory.encode(b"ab", None) == b"\x82\x02ab"

    def test_short_ones_are_not_compressed(self, memory: MessageMemory) -> None:
        first = memory.encode("x" * 19, codec())
        assert first == encode_frame(TEXT, b"x" * 19)
        assert memory.encode("x" * 19, codec()) is first
        assert memory.encode("x" * 19, None) is first
        assert memory.encode("x" * 20, codec())[0] == 0xC1

    def test_what_cannot_be_text(self, memory: MessageMemory) -> None:
        first = memory.encode("before", None)
        with pytest.raises(LocalProtocolError):
            memory.encode("\ud800", None)
        assert memory.encode("before", None) is first

    def test_kinds_of_text(self, memory: MessageMemory) -> None:
        class Markup(str):
            __slots__ = ()

        for _ in range(2):
            assert memory.encode(Markup("ab"), None) == b"\x81\x02ab"
            assert memory.encode(Markup(LONG), codec())[0] == 0xC1

    def test_what_may_change(self, memory: MessageMemory) -> None:
        message = bytearray(b"ab")
        assert memory.encode(message, None) == b"\x82\x02ab"  # type: ignore[arg-type]
        message[0] = 0x63
        assert memory.encode(message, None) == b"\x82\x02cb"  # type: ignore[arg-type]


class TestCompressed:
    def test_it_is_done_alone_for_all_but_the_first(self, memory: MessageMemory) -> None:
        memory.encode(LONG, codec())
        second = memory.encode(LONG, codec())
        assert all(memory.encode(LONG, codec()) is second for _ in range(3))
        assert memory.encode(LONG, codec(resets=True)) is second

    def test_not_for_one_alone(self, memory: MessageMemory) -> None:
        only = codec()
        first = memory.encode(LONG, only)
        again = memory.encode(LONG, only)
        assert len(again) < len(first)  # it refers to what the peer has

    def test_each_window_has_its_own(self, memory: MessageMemory) -> None:
        memory.encode(LONG, None)
        small, large = memory.encode(LONG, codec(9)), memory.encode(LONG, codec(15))
        assert small != memory.encode(LONG, None) != large
        assert memory.encode(LONG, codec(9)) is small
        assert memory.encode(LONG, codec(15)) is large

    def test_another_message(self, memory: MessageMemory) -> None:
        peers = [Peer(15), Peer(15), Peer(15)]
        expected: list[str | bytes] = [LONG, LONG + "!", LONG.encode(), LONG]
        for message in expected:
            for peer in peers:
                peer.receive(memory.encode(message, peer.deflate))
        assert [peer.received for peer in peers] == [expected] * 3


class TestLargeMessages:
    LARGE = b"0123456789abcdef" * 300_000  # 4.8 MB

    def test_are_not_kept(self, memory: MessageMemory) -> None:
        for deflate in (None, codec()):
            tracemalloc.start()
            memory.encode(self.LARGE, deflate)
            kept, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert kept < 500_000

    def test_are_sent_nevertheless(self, memory: MessageMemory) -> None:
        peers = [Peer(15), Peer(None), Peer(15), Peer(None)]
        for peer in peers:
            peer.receive(memory.encode(self.LARGE, peer.deflate))
            peer.receive(memory.encode("next", peer.deflate))
        assert all(peer.received == [self.LARGE, "next"] for peer in peers)


CONTENTS = st.sampled_from(
    [
        *["", "short", LONG, LONG[::-1], LONG * 20, b"", b"short", LONG.encode(), bytes(40_000)],
        *[bytes(range(256)) * 3, bytes(range(255, -1, -1)) * 150],
    ]
)


@DETERMINISTIC
@given(
    st.lists(st.tuples(st.sampled_from([None, 9, 12, 15]), st.booleans()), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(-3, 4), CONTENTS), max_size=25),
)
def test_any_conversation_is_understood(
    kinds: list[tuple[int | None, bool]], steps: list[tuple[int, str | bytes]]
) -> None:
    """Some messages are for one peer, others (of negative numbers) for all."""
    memory = MessageMemory()
    peers = [Peer(bits, resets) for bits, resets in kinds]
    expected: list[list[str | bytes]] = [[] for _ in peers]
    for number, message in steps:
        to = range(len(peers)) if number < 0 else [number % len(peers)]
        for at in to:
            peers[at].receive(memory.encode(message, peers[at].deflate))
            expected[at].append(message)
    assert [peer.received for peer in peers] == expected
