"""Messages out of frames and pieces of frames: text, limits and compression."""

from __future__ import annotations

import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypercorn_protocols.settings import WebSocketEngineName
from hypercorn_protocols.websocket import WebSocketClosed
from tests.protocols.strategies import DETERMINISTIC, splits
from tests.protocols.websocket.player import ENGINES
from tests.protocols.websocket.wire import Wire, compress, failure, messages
from tests.websocket_peer import (
    CLEAR,
    MASK,
    Opcode,
    binary,
    close,
    continuation,
    frame,
    frame_header,
    masked,
    ping,
)

PIECEWISE: list[WebSocketEngineName] = ["builtin", "wsproto"]
"""Engines that hand out what has come of a frame that is not complete."""

VALID = [
    *["", "Hello-µ@ßöäüàá-UTF-8!!", "κόσμε", "\0", "\x7f", "\x80", "\u07ff", "\u0800", "\ud7ff"],
    *["\ue000", "\ufffd", "\uffff", "\U00010000", "\U0010ffff", "\ufdd0", "\U0001fffe"],
]

# Where each of them is known to be wrong: behind so many bytes.
INVALID = [
    *[(b"\x80", 1), (b"\xbf", 1), (b"\xff", 1), (b"\xfe\xfe\xff\xff", 1)],
    *[(b"\xc0\xaf", 1), (b"\xc1\xbf", 1), (b"\xe0\x80\xaf", 2), (b"\xf0\x80\x80\xaf", 2)],
    *[(b"\xf8\x88\x80\x80\x80", 1), (b"\xfc\x84\x80\x80\x80\x80", 1), (b"\xe0\x9f\xbf", 2)],
    *[(b"\xed\xa0\x80", 2), (b"\xed\xbf\xbf", 2), (b"\xed\xa0\x80\xed\xb0\x80", 2)],
    *[(b"\xf4\x90\x80\x80", 2), (b"\xf5\x80\x80\x80", 1), (b"\xf0\x8f\xbf\xbf", 2)],
    *[(b"\xc3(", 2), (b"\xe2\x82(", 3), (b"\xf0\x9f\x98(", 4)],
]

# What is not wrong before it ends.
INCOMPLETE = [b"\xc3", b"\xe2", b"\xe2\x82", b"\xed\x9f", b"\xf0", b"\xf0\x9f", b"\xf0\x9f\x98"]


class TestText:
    @pytest.mark.parametrize("content", VALID)
    def test_valid(self, engine: WebSocketEngineName, content: str) -> None:
        wire = Wire(engine)
        encoded = content.encode()
        assert wire.receive(frame(Opcode.TEXT, encoded)) == messages(content)
        for at in range(len(encoded) + 1):
            first = frame(Opcode.TEXT, encoded[:at], fin=False)
            assert wire.receive(first, continuation(encoded[at:], fin=True)) == messages(content)

    @pytest.mark.parametrize(("content", "known"), INVALID)
    @pytest.mark.parametrize("before", [b"", "κόσμε".encode()])
    def test_invalid(
        self, engine: WebSocketEngineName, content: bytes, known: int, before: bytes
    ) -> None:
        assert failure(Wire(engine), frame(Opcode.TEXT, before + content + b"edited")) == 1007

    @pytest.mark.parametrize(("content", "known"), INVALID)
    def test_invalid_fragments_are_found_at_once(
        self, engine: WebSocketEngineName, content: bytes, known: int
    ) -> None:
        wire = Wire(engine)
        *good, last = [frame(1, b"a", fin=False)] + [
            continuation(content[at : at + 1]) for at in range(known)
        ]
        assert wire.receive(*good) == []
        assert failure(wire, last) == 1007

    @pytest.mark.parametrize("engine", PIECEWISE)
    @pytest.mark.parametrize(("content", "known"), INVALID)
    def test_invalid_pieces_are_found_at_once(
        self, engine: WebSocketEngineName, content: bytes, known: int
    ) -> None:
        wire = Wire(engine)
        assert wire.receive(frame_header(0x81, 1000) + CLEAR + content[: known - 1]) == []
        assert failure(wire, content[known - 1 : known]) == 1007

    @pytest.mark.parametrize("content", INCOMPLETE)
    def test_incomplete(self, engine: WebSocketEngineName, content: bytes) -> None:
        assert failure(Wire(engine), frame(Opcode.TEXT, content)) == 1007
        wire = Wire(engine)
        assert wire.receive(frame(Opcode.TEXT, content, fin=False)) == []
        assert failure(wire, continuation(b"", fin=True)) == 1007

    def test_binary_is_not_text(self, engine: WebSocketEngineName) -> None:
        wire = Wire(engine)
        for content, _ in INVALID:
            assert wire.receive(binary(content)) == messages(content)
            parts = binary(content, fin=False) + continuation(content, fin=True)
            assert wire.receive(parts) == messages(content * 2)

    @DETERMINISTIC
    @given(st.binary(max_size=8) | st.text(max_size=8).map(str.encode), st.data())
    def test_it_is_what_python_says(self, content: bytes, data: st.DataObject) -> None:
        pieces = data.draw(splits(frame(Opcode.TEXT, content)))
        for engine in ENGINES:
            events = Wire(engine).receive(*pieces)
            try:
                assert events == messages(content.decode())
            except UnicodeDecodeError:
                assert events == [WebSocketClosed(1007, "the text is not UTF-8")]


class TestManyPieces:
    SMALL = 40_000

    @pytest.mark.parametrize("engine", PIECEWISE)
    @pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.BINARY])
    @pytest.mark.parametrize("size", [1, 3])
    def test_no_object_is_kept_for_each(
        self, engine: WebSocketEngineName, opcode: int, size: int
    ) -> None:
        wire = Wire(engine)
        content = b"0123456789" * (self.SMALL // 10)
        wire.receive(frame_header(0x80 | opcode, len(content)) + CLEAR)
        tracemalloc.start()
        for at in range(0, len(content) - size, size):
            wire.receive(content[at : at + size])
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert peak < 3 * len(content) + 250_000  # the smallest object has 28 bytes
        last = content[-(len(content) % size or size) :]
        expected = content.decode() if opcode == Opcode.TEXT else content
        assert wire.receive(last) == messages(expected)

    def test_large_ones(self, engine: WebSocketEngineName) -> None:
        content = bytes(range(256)) * 4096
        data = binary(content)
        pieces = [data[at : at + 1000] for at in range(0, len(data), 1000)]
        assert Wire(engine).receive(*pieces) == messages(content)


class TestFragments:
    def test_too_many_small_ones(self, engine: WebSocketEngineName) -> None:
        wire = Wire(engine)
        assert wire.receive(binary(b"", fin=False) + continuation(b"x") * 4096) == []
        assert failure(wire, continuation(b"x")) == 1008

    def test_many_that_are_not_small(self, engine: WebSocketEngineName) -> None:
        wire = Wire(engine)
        assert wire.receive(binary(bytes(16), fin=False) + continuation(bytes(16)) * 5000) == []
        assert wire.receive(continuation(b"", fin=True)) == messages(bytes(16 * 5001))

    def test_they_are_counted_by_message(self, engine: WebSocketEngineName) -> None:
        wire = Wire(engine)
        message = binary(b"", fin=False) + continuation(b"x") * 4000 + continuation(b"", fin=True)
        for _ in range(3):
            assert wire.receive(message) == messages(b"x" * 4000)


class TestCompressed:
    LIMIT = 1000

    def test_whole(self, engine: WebSocketEngineName) -> None:
        wire = Wire(engine, deflate=True)
        data = bytes.fromhex("f248cdc9c90700")  # RFC 7692 section 7.2.3.1
        assert wire.receive(frame(1, data, reserved=4)) == messages("Hello")
        assert wire.receive(frame(2, b"\xf2\x00\x11\x00\x00", reserved=4)) == messages(b"Hello")

    def test_fragments(self, engine: WebSocketEngineName) -> None:
        wire = Wire(engine, deflate=True)
        parts = frame(1, b"\xf2\x48\xcd", reserved=4, fin=False), ping(b"between")
        assert wire.receive(*parts) == []
        assert wire.receive(continuation(b"\xc9\xc9\x07\x00", fin=True)) == messages("Hello")

    def test_by_turns_with_others(self, engine: WebSocketEngineName) -> None:
        wire = Wire(engine, deflate=True)
        compressed = frame(1, compress(b"Hello"), reserved=4)
        assert wire.receive(compressed + frame(1, b"plain") + compressed) == (
            messages("Hello", "plain", "Hello")
        )
        fragments = frame(1, b"pl", fin=False) + continuation(b"ain", fin=True)
        assert wire.receive(fragments + compressed) == messages("plain", "Hello")

    @pytest.mark.parametrize("fin", [False, True])
    def test_the_limit_is_for_what_comes_out(self, engine: WebSocketEngineName, fin: bool) -> None:
        for size, expected in ((self.LIMIT, None), (self.LIMIT + 1, 1009)):
            data = compress(bytes(size))
            wire = Wire(engine, deflate=True, max_message_size=self.LIMIT)
            pieces = [frame(2, data[:3], reserved=4, fin=False), continuation(data[3:], fin=True)]
            if fin:
                pieces = [frame(2, data, reserved=4)]
            if expected is None:
                assert wire.receive(*pieces) == messages(bytes(size))
                assert wire.receive(*pieces) == messages(bytes(size))
            else:
                assert failure(wire, *pieces) == expected

    def test_a_bomb_is_not_inflated(self, engine: WebSocketEngineName) -> None:
        wire = Wire(engine, deflate=True, max_message_size=self.LIMIT * 100)
        data = frame(2, compress(bytes(50_000_000)), reserved=4)
        tracemalloc.start()
        assert failure(wire, data) == 1009
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 1_000_000

    @pytest.mark.parametrize("data", [b"\xff\xff\xff", b"\x07", b"\x00\x00\x00\x00\x00"])
    def test_garbage(self, engine: WebSocketEngineName, data: bytes) -> None:
        assert failure(Wire(engine, deflate=True), frame(2, data, reserved=4)) == 1007
        wire = Wire(engine, deflate=True)
        first, last = frame(2, data[:1], reserved=4, fin=False), continuation(data[1:], fin=True)
        assert failure(wire, first, last) == 1007

    @pytest.mark.parametrize(("content", "_known"), INVALID)
    def test_text_that_is_not(
        self, engine: WebSocketEngineName, content: bytes, _known: int
    ) -> None:
        data = compress(content)
        assert failure(Wire(engine, deflate=True), frame(1, data, reserved=4)) == 1007
        wire = Wire(engine, deflate=True)
        parts = frame(1, data[:2], reserved=4, fin=False), continuation(data[2:], fin=True)
        assert failure(wire, *parts) == 1007

    def test_it_is_found_before_the_message_ends(self, engine: WebSocketEngineName) -> None:
        compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
        data = compressor.compress(b"abc\xff") + compressor.flush(zlib.Z_SYNC_FLUSH)
        wire = Wire(engine, deflate=True)
        assert failure(wire, frame(1, data, reserved=4, fin=False)) == 1007

    @DETERMINISTIC
    @given(st.lists(st.binary(max_size=40) | st.just(bytes(5000)), max_size=4), st.data())
    def test_in_any_pieces(self, contents: list[bytes], data: st.DataObject) -> None:
        compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
        stream = b""
        for content in contents:
            payload = compressor.compress(content) + compressor.flush(zlib.Z_SYNC_FLUSH)
            parts = data.draw(splits(payload[:-4] or b"\0"))
            for at, part in enumerate(parts):
                fin = at == len(parts) - 1
                opcode = Opcode.CONTINUATION if at else Opcode.BINARY
                stream += frame(opcode, part, fin=fin, reserved=0 if at else 4)
        pieces = data.draw(splits(stream + close()))
        for engine in ENGINES:
            events = Wire(engine, deflate=True).receive(*pieces)
            assert events == [*messages(*contents), WebSocketClosed(1000, "")]


def test_an_error_in_a_frame_leaves_nothing_of_it(engine: WebSocketEngineName) -> None:
    wire = Wire(engine)
    data = frame_header(0x81, 100) + MASK + masked(b"\xff" * 100, MASK)
    assert failure(wire, data[:50] if engine != "websockets" else data) == 1007
    assert wire.receive(data[50:] + frame(1, b"never")) == []
