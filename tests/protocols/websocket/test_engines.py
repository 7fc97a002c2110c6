"""RFC 6455 section 5, byte for byte: one body of tests for every engine."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypercorn_protocols.settings import WebSocketEngineName
from hypercorn_protocols.websocket import WebSocketClosed
from hypercorn_protocols.websocket._builtin import BuiltinDecoder
from hypercorn_protocols.websocket._wsproto import _Header
from hypercorn_protocols.websocket.decoder import PayloadLimits, select_decoder
from tests.protocols.strategies import DETERMINISTIC, splits
from tests.protocols.websocket.player import ENGINES
from tests.protocols.websocket.wire import Wire, failure, messages, pongs
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
    pong,
    text,
)

LIMIT = 70_000
CONTROL = [Opcode.CLOSE, Opcode.PING, Opcode.PONG]
DATA = [Opcode.TEXT, Opcode.BINARY]


@pytest.fixture
def wire(engine: WebSocketEngineName) -> Wire:
    """A WebSocket without compression, as it begins."""
    return Wire(engine, max_message_size=LIMIT)


@pytest.fixture
def deflating(engine: WebSocketEngineName) -> Wire:
    """One with compression."""
    return Wire(engine, max_message_size=LIMIT, deflate=True)


def one_by_one(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


class TestExamples:  # of section 5.7
    def test_masked_hello(self, wire: Wire) -> None:
        data = bytes.fromhex("818537fa213d7f9f4d5158")
        assert wire.receive(data) == messages("Hello")
        assert wire.receive(*one_by_one(data)) == messages("Hello")

    def test_ping(self, wire: Wire) -> None:
        assert wire.receive(bytes.fromhex("898537fa213d7f9f4d5158")) == []
        assert wire.websocket.data_to_send() == bytes.fromhex("8a0548656c6c6f")

    def test_fragmented_hello(self, wire: Wire) -> None:
        assert wire.receive(text("Hel", fin=False) + continuation(b"lo", fin=True)) == messages(
            "Hello"
        )


class TestLengths:
    @pytest.mark.parametrize("size", [0, 1, 2, 124, 125, 126, 127, 65_535, 65_536, LIMIT])
    @pytest.mark.parametrize("mask", [MASK, CLEAR, b"\xff\x00\x80\x7f"])
    def test_each(self, wire: Wire, size: int, mask: bytes) -> None:
        content = (b"0123456789" * (size // 10 + 1))[:size]
        data = frame(Opcode.BINARY, content, mask=mask) + frame(Opcode.TEXT, content, mask=mask)

        assert wire.receive(data) == messages(content, content.decode())
        middle = len(data) // 4 + 4
        assert wire.receive(data[:3], data[3:middle], data[middle:]) == messages(
            content, content.decode()
        )

    @pytest.mark.parametrize("size", [0, 125])
    def test_of_control_frames(self, wire: Wire, size: int) -> None:
        assert wire.receive(ping(b"x" * size) + pong(b"y" * size)) == []
        assert pongs(wire.sent()) == [b"x" * size]

    @pytest.mark.parametrize("opcode", CONTROL)
    @pytest.mark.parametrize("size", [126, 127, 65_536])
    def test_control_frames_that_are_too_long(self, wire: Wire, opcode: int, size: int) -> None:
        assert failure(wire, frame(opcode, b"\x03\xe8" + b"x" * (size - 2))) == 1002

    @pytest.mark.parametrize(
        "head",
        [
            *[b"\x82\xfe\x00\x00", b"\x82\xfe\x00\x7d"],
            *[b"\x82\xff" + size.to_bytes(8, "big") for size in (0, 125, 126, 65_535)],
        ],
    )
    def test_that_could_be_shorter(self, wire: Wire, head: bytes) -> None:
        assert failure(wire, head + MASK + bytes(10)) == 1002

    @pytest.mark.parametrize("size", [1 << 63, (1 << 64) - 1])
    def test_with_the_most_significant_bit(self, wire: Wire, size: int) -> None:
        assert failure(wire, b"\x82\xff" + size.to_bytes(8, "big") + MASK) == 1002

    def test_the_longest_that_may_be_written(self, wire: Wire) -> None:
        assert failure(wire, frame_header(0x82, (1 << 63) - 1) + MASK) == 1009


class TestLimit:
    def test_a_frame_above_it_is_not_waited_for(self, wire: Wire) -> None:
        assert failure(wire, frame_header(0x81, LIMIT + 1)) == 1009

    def test_fragments(self, engine: WebSocketEngineName) -> None:
        half = binary(bytes(LIMIT // 2), fin=False)
        good = Wire(engine, max_message_size=LIMIT)
        whole = continuation(bytes(LIMIT // 2), fin=True)
        for _ in range(2):  # each message has all of it
            assert good.receive(half, whole) == messages(bytes(LIMIT))
        bad = Wire(engine, max_message_size=LIMIT)
        assert failure(bad, half, frame_header(0x80, LIMIT // 2 + 1)) == 1009

    def test_control_frames_do_not_count(self, wire: Wire) -> None:
        assert wire.receive(binary(bytes(LIMIT), fin=False), ping(b"x" * 125)) == []
        assert wire.receive(continuation(b"", fin=True)) == messages(bytes(LIMIT))
        assert pongs(wire.sent()) == [b"x" * 125]

    def test_zero(self, engine: WebSocketEngineName) -> None:
        wire = Wire(engine, max_message_size=0)
        assert wire.receive(text("") + ping(b"x")) == messages("")
        assert pongs(wire.sent()) == [b"x"]
        assert failure(wire, text("x")) == 1009

    def test_where_compression_is_possible(self, deflating: Wire) -> None:
        assert deflating.receive(binary(bytes(LIMIT))) == messages(bytes(LIMIT))
        assert failure(deflating, frame_header(0x82, LIMIT + 1)) == 1009

    def test_of_what_cannot_be_compressed(self, deflating: Wire) -> None:
        too_long = LIMIT + LIMIT // 1000 + 65
        assert deflating.receive(frame_header(0xC2, too_long - 1)) == []
        another = Wire(deflating.settings.engine, max_message_size=LIMIT, deflate=True)
        assert failure(another, frame_header(0xC2, too_long)) == 1009


class TestHeads:
    @pytest.mark.parametrize("opcode", [*DATA, *CONTROL])
    @pytest.mark.parametrize("reserved", range(1, 8))
    def test_reserved_bits(self, wire: Wire, opcode: int, reserved: int) -> None:
        assert failure(wire, frame(opcode, b"", reserved=reserved)) == 1002

    @pytest.mark.parametrize("opcode", [*DATA, *CONTROL])
    @pytest.mark.parametrize("reserved", [1, 2, 3, 5, 6, 7])
    def test_reserved_bits_with_compression(
        self, deflating: Wire, opcode: int, reserved: int
    ) -> None:
        assert failure(deflating, frame(opcode, b"\0", reserved=reserved)) == 1002

    @pytest.mark.parametrize("opcode", CONTROL)
    def test_compressed_control_frames(self, deflating: Wire, opcode: int) -> None:
        assert failure(deflating, frame(opcode, b"", reserved=4)) == 1002

    def test_compressed_continuations(self, deflating: Wire) -> None:
        begin = frame(Opcode.TEXT, b"\xf2\x48", fin=False, reserved=4)
        assert failure(deflating, begin, frame(0, b"\xcd", reserved=4)) == 1002

    @pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
    @pytest.mark.parametrize("size", [0, 5])
    def test_reserved_opcodes(self, wire: Wire, opcode: int, size: int) -> None:
        assert failure(wire, frame(opcode, bytes(size))) == 1002

    @pytest.mark.parametrize("opcode", [*DATA, *CONTROL])
    @pytest.mark.parametrize("size", [0, 2, 125])
    def test_frames_without_a_mask(self, wire: Wire, opcode: int, size: int) -> None:
        # An engine may need four bytes to find out that there is no mask.
        assert failure(wire, frame(opcode, b"\x03\xe8" * size, mask=None) + bytes(4)) == 1002

    @pytest.mark.parametrize("opcode", CONTROL)
    def test_control_frames_in_fragments(self, wire: Wire, opcode: int) -> None:
        assert failure(wire, frame(opcode, b"", fin=False)) == 1002


class TestFragments:
    def test_control_frames_between_them(self, wire: Wire) -> None:
        assert wire.receive(text("κό", fin=False), ping(b"1"), continuation(b"")) == []
        assert pongs(wire.sent()) == [b"1"]
        assert wire.receive(pong(b"x") + ping(b"2") + continuation("σμε".encode(), fin=True)) == (
            messages("κόσμε")
        )
        assert pongs(wire.sent()) == [b"2"]

    def test_close_between_them(self, wire: Wire) -> None:
        assert wire.receive(text("κό", fin=False) + close(1001)) == [WebSocketClosed(1001, "")]

    def test_without_content(self, wire: Wire) -> None:
        data = text("", fin=False) + continuation(b"") + continuation(b"", fin=True)
        assert wire.receive(data) == messages("")
        assert wire.receive(*one_by_one(data)) == messages("")

    def test_one_message_after_the_other(self, wire: Wire) -> None:
        data = binary(b"a", fin=False) + continuation(b"b", fin=True) + text("c")
        assert wire.receive(data + data) == messages(b"ab", "c", b"ab", "c")

    @pytest.mark.parametrize("fin", [False, True])
    @pytest.mark.parametrize("size", [0, 5, 200])
    def test_a_continuation_of_nothing(self, wire: Wire, fin: bool, size: int) -> None:
        assert failure(wire, continuation(bytes(size), fin=fin)) == 1002

    def test_a_continuation_behind_a_message(self, wire: Wire) -> None:
        assert wire.receive(text("a")) == messages("a")
        assert failure(wire, continuation(b"b", fin=True)) == 1002

    @pytest.mark.parametrize("opcode", DATA)
    @pytest.mark.parametrize("fin", [False, True])
    def test_a_message_within_another(self, wire: Wire, opcode: int, fin: bool) -> None:
        assert failure(wire, text("a", fin=False), frame(opcode, b"b", fin=fin)) == 1002


class TestClose:
    @pytest.mark.parametrize("code", [1000, 1003, 1007, 1011, 1012, 1014, 3000, 3999, 4000, 4999])
    def test_codes(self, wire: Wire, code: int) -> None:
        assert wire.receive(close(code, "why é")) == [WebSocketClosed(code, "why é")]
        wire.websocket.finish(0.0)
        assert wire.closure() == (code, "")
        assert wire.is_over()

    def test_no_code(self, wire: Wire) -> None:
        assert wire.receive(close(1005)) == [WebSocketClosed(1005, "")]
        wire.websocket.finish(0.0)
        assert wire.closure() == (1005, "")

    @pytest.mark.parametrize(
        "code", [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535]
    )
    def test_codes_that_may_not_be_sent(self, wire: Wire, code: int) -> None:
        assert failure(wire, frame(Opcode.CLOSE, code.to_bytes(2, "big") + b"why")) == 1002
        assert wire.is_over()  # for it was a Close after all

    def test_half_a_code(self, wire: Wire) -> None:
        assert failure(wire, frame(Opcode.CLOSE, b"\x03")) == 1002
        assert wire.is_over()

    def test_a_reason_that_is_not_utf8(self, wire: Wire) -> None:
        assert failure(wire, frame(Opcode.CLOSE, b"\x03\xe8\xff")) == 1007
        assert wire.is_over()

    def test_the_longest_reason(self, wire: Wire) -> None:
        assert wire.receive(close(1000, "x" * 123)) == [WebSocketClosed(1000, "x" * 123)]


class TestInAnyPieces:
    DATA = (
        text("Hello")
        + binary(b"x" * 126)
        + ping(b"ping")
        + text("κόσ", fin=False)
        + ping(b"")
        + continuation("με".encode()[:1])
        + continuation("με".encode()[1:], fin=True)
        + binary(b"", fin=False)
        + continuation(bytes(300), fin=True)
    )
    EXPECTED = messages("Hello", b"x" * 126, "κόσμε", bytes(300))

    @DETERMINISTIC
    @given(st.data(), st.sampled_from(ENGINES))
    def test_all_that_is_right(self, data: st.DataObject, engine: WebSocketEngineName) -> None:
        wire = Wire(engine)
        pieces = data.draw(splits(self.DATA + close(1000, "bye")))

        assert wire.receive(*pieces) == [*self.EXPECTED, WebSocketClosed(1000, "bye")]
        assert pongs(wire.sent()) == [b"ping", b""]

    @DETERMINISTIC
    @given(st.data(), st.sampled_from(ENGINES))
    def test_and_what_is_wrong(self, data: st.DataObject, engine: WebSocketEngineName) -> None:
        wrong = data.draw(
            st.sampled_from(
                [
                    *[continuation(b"x"), frame(3, b"x"), frame(1, b"x", reserved=1)],
                    *[frame(1, b"xxxx", mask=None), frame(9, b"", fin=False)],
                ]
            )
        )
        pieces = data.draw(splits(self.DATA + wrong + text("never")))

        *events, last = Wire(engine).receive(*pieces)

        assert events == self.EXPECTED
        assert isinstance(last, WebSocketClosed)
        assert last.code == 1002

    def test_byte_for_byte(self, wire: Wire) -> None:
        assert wire.receive(*one_by_one(self.DATA)) == self.EXPECTED

    def test_masks_of_pieces(self, wire: Wire) -> None:
        content = bytes(range(256)) * 2
        head, payload = frame_header(0x82, 512) + MASK, masked(content, MASK)
        for size in (1, 2, 3, 4, 5, 6, 7, 100):
            pieces = [payload[at : at + size] for at in range(0, 512, size)]
            assert wire.receive(head, *pieces) == messages(content)


def test_auto_is_the_one_that_is_built_in() -> None:
    assert select_decoder("auto") is select_decoder("builtin") is BuiltinDecoder


def test_what_wsproto_asks_extensions() -> None:
    assert _Header(PayloadLimits(0, None)).offer() is False


@pytest.mark.parametrize("engine", ["websockets", "wsproto"])
def test_engines_that_are_not_installed(engine: str) -> None:
    code = f"""
import sys
sys.modules[{engine!r}] = None
from hypercorn_protocols.settings import WebSocketSettings
from hypercorn_protocols.websocket import MessageMemory, WebSocket
try:
    WebSocket(WebSocketSettings(engine={engine!r}), None, MessageMemory(), 0.0)
except ImportError:
    print("not installed")
WebSocket(WebSocketSettings(), None, MessageMemory(), 0.0)
"""
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == "not installed\n"
