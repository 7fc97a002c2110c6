"""The end of a WebSocket (RFC 6455 section 7): who says so, in which order, and what if not."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypercorn_protocols.errors import LocalProtocolError
from hypercorn_protocols.settings import WebSocketEngineName
from hypercorn_protocols.websocket import WebSocketClosed
from tests.protocols.strategies import DETERMINISTIC, splits
from tests.protocols.websocket.wire import Wire, messages
from tests.websocket_peer import (
    Frame,
    Opcode,
    binary,
    close,
    continuation,
    frame,
    frame_header,
    ping,
    text,
)

BAD = frame(3)
"""A frame of no known kind: 1002."""


@pytest.fixture
def wire(engine: WebSocketEngineName) -> Wire:
    """A WebSocket with timers that are easy to calculate with."""
    return Wire(engine, ping_interval=None, close_timeout=5.0)


@pytest.fixture
def builtin() -> Wire:
    """The same over the engine that knows where frames begin whatever comes."""
    return Wire("builtin", ping_interval=None, close_timeout=5.0)


def sent_text(content: str) -> Frame:
    return Frame(Opcode.TEXT, content.encode(), fin=True, compressed=False)


class TestByPeer:
    def test_its_close_waits_for_the_application(self, wire: Wire) -> None:
        assert wire.receive(text("a") + close(1001, "bye")) == [
            *messages("a"),
            WebSocketClosed(1001, "bye"),
        ]
        assert wire.sent() == []
        assert not wire.is_over()

        wire.websocket.send_message("answer")
        wire.websocket.finish(0.0)

        answer, last = wire.sent()
        assert answer == sent_text("answer")
        assert last.closure == (1001, "")
        assert wire.is_over()
        assert wire.websocket.deadline == inf

    def test_but_not_for_long(self, wire: Wire) -> None:
        wire.receive(close(1001), now=10.0)
        assert wire.websocket.deadline == 11.0
        assert wire.websocket.handle_deadline(10.9) == []
        assert wire.sent() == []

        assert wire.websocket.handle_deadline(11.0) == []

        assert wire.closure() == (1001, "")
        assert wire.is_over()

    def test_the_application_may_close_too(self, wire: Wire) -> None:
        wire.receive(close(3000))
        wire.websocket.close(4000, "of my own", 0.0)
        assert wire.closure() == (3000, "")
        assert wire.is_over()

    def test_what_comes_behind_it_is_not_read(self, wire: Wire) -> None:
        assert wire.receive(close() + text("never") + ping()) == [WebSocketClosed(1000, "")]
        assert wire.receive(text("never"), BAD, ping(), b"") == []
        wire.websocket.finish(0.0)
        assert wire.closure() == (1000, "")
        assert wire.receive(text("never"), b"") == []
        assert wire.sent() == []

    def test_pongs_come_before_close(self, wire: Wire) -> None:
        wire.receive(ping(b"1") + ping(b"2") + close())
        wire.websocket.send_message("answer")
        wire.websocket.finish(0.0)
        *others, last = wire.sent()
        assert sorted(frame.payload for frame in others) == [b"1", b"2", b"answer"]
        assert last.opcode == Opcode.CLOSE


class TestByApplication:
    def test_the_peer_answers(self, builtin: Wire) -> None:
        builtin.websocket.send_message("last words")
        builtin.websocket.close(4001, "enough", 10.0)
        words, last = builtin.sent()
        assert words == sent_text("last words")
        assert last.closure == (4001, "enough")
        assert not builtin.is_over()
        assert builtin.websocket.deadline == 15.0

        assert builtin.receive(text("never"), close(4001)) == []

        assert builtin.is_over()
        assert builtin.websocket.deadline == inf
        assert builtin.sent() == []

    def test_without_knowing_where_frames_begin(self, wire: Wire) -> None:
        wire.websocket.close(1000, "", 0.0)
        assert wire.closure() == (1000, "")
        assert wire.receive(close()) == []
        assert wire.is_over()

    def test_the_peer_does_not_answer(self, builtin: Wire) -> None:
        builtin.websocket.close(1000, "", 10.0)
        assert builtin.receive(text("never") * 100, now=14.0) == []
        assert builtin.websocket.handle_deadline(14.9) == []
        assert not builtin.is_over()
        assert builtin.websocket.handle_deadline(15.0) == []
        assert builtin.is_over()
        assert builtin.websocket.deadline == inf

    def test_the_peer_leaves(self, builtin: Wire) -> None:
        builtin.websocket.close(1000, "", 0.0)
        assert builtin.receive(b"") == []
        assert builtin.is_over()
        assert builtin.websocket.deadline == inf

    @pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 70_000])
    def test_codes_that_may_not_be_sent(self, wire: Wire, code: int) -> None:
        with pytest.raises(LocalProtocolError):
            wire.websocket.close(code, "", 0.0)
        assert wire.sent() == []
        assert wire.receive(text("on and on")) == messages("on and on")

    def test_a_long_reason_is_cut(self, wire: Wire) -> None:
        wire.websocket.close(1000, "é" * 80, 0.0)
        assert wire.closure() == (1000, "é" * 61)

    def test_nothing_is_sent_behind_it(self, wire: Wire) -> None:
        wire.websocket.close(1000, "", 0.0)
        wire.websocket.send_message("never")
        wire.websocket.close(1001, "", 0.0)
        wire.websocket.finish(0.0)
        assert wire.websocket.go_away(1012, 0.0) == []
        wire.receive(ping(), close())
        assert wire.closure() == (1000, "")

    def test_pongs_come_before_it(self, wire: Wire) -> None:
        wire.receive(ping(b"1"))
        wire.websocket.close(1000, "", 0.0)
        pong, last = wire.sent()
        assert pong.payload == b"1"
        assert last.opcode == Opcode.CLOSE

    def test_within_a_message(self, builtin: Wire) -> None:
        part = continuation(b"a" * 100)
        head, rest = part[:50], part[50:]
        assert builtin.receive(binary(b"x", fin=False) + ping(), head) == []
        builtin.websocket.close(1000, "", 0.0)
        assert builtin.receive(rest) == []
        assert not builtin.is_over()
        assert builtin.receive(continuation(b""), close()) == []
        assert builtin.is_over()

    @DETERMINISTIC
    @given(st.data(), st.integers(0, 40))
    def test_the_answer_is_found_in_any_pieces(self, data: st.DataObject, read: int) -> None:
        wire = Wire("builtin", ping_interval=None)
        frames = text("Hello") + binary(bytes(130)) + BAD + frame(1, b"\x88\x80", mask=None)
        whole = text("A message") + frames + close(1000, "bye")
        wire.receive(whole[:12])
        *first, last = data.draw(splits(whole[12:]))
        wire.websocket.close(1000, "", 0.0)

        wire.receive(*first)
        assert not wire.is_over()
        wire.receive(last)
        assert wire.is_over()


class TestFailures:
    def test_what_came_before_is_handed_out_and_may_be_answered(self, wire: Wire) -> None:
        events = wire.receive(text("a") + text("b") + BAD + text("never"))
        assert events[:2] == messages("a", "b")
        (last,) = events[2:]
        assert isinstance(last, WebSocketClosed)
        assert last.code == 1002
        assert wire.sent() == []

        wire.websocket.send_message("answer")
        wire.websocket.finish(0.0)

        answer, end = wire.sent()
        assert answer == sent_text("answer")
        assert end.closure == (1002, last.reason)

    def test_the_failure_is_what_the_peer_is_told(self, wire: Wire) -> None:
        wire.receive(BAD)
        wire.websocket.close(4000, "of my own", 0.0)
        assert wire.closure()[0] == 1002

    def test_it_is_told_before_long(self, builtin: Wire) -> None:
        builtin.receive(BAD, now=10.0)
        assert builtin.websocket.deadline == 11.0
        builtin.websocket.handle_deadline(11.0)
        assert builtin.closure()[0] == 1002
        assert not builtin.is_over()
        assert builtin.websocket.deadline == 16.0
        builtin.websocket.handle_deadline(16.0)
        assert builtin.is_over()

    @pytest.mark.parametrize("engine", ["websockets", "wsproto"])
    def test_where_frames_cannot_be_found_any_more(self, engine: WebSocketEngineName) -> None:
        wire = Wire(engine)
        wire.receive(BAD)
        assert not wire.is_over()
        wire.websocket.finish(0.0)
        assert wire.closure()[0] == 1002
        assert wire.is_over()

    @pytest.mark.parametrize(
        ("wrong", "code"),
        [
            *[(BAD, 1002), (frame(1, b"unmasked", mask=None), 1002), (continuation(b"x"), 1002)],
            *[(frame(1, b"x" * 200, reserved=3), 1002), (frame(9, bytes(126)), 1002)],
            *[(frame(1, b"\xff" + bytes(300)), 1007), (binary(bytes(1001)), 1009)],
        ],
    )
    def test_the_rest_is_passed_over(self, wrong: bytes, code: int) -> None:
        data = wrong + text("never") + close()
        for size in (1, 7, 1000):
            wire = Wire("builtin", max_message_size=1000)
            pieces = [data[at : at + size] for at in range(0, len(data), size)]
            events = wire.receive(*pieces[:-1])
            if not events:
                events = wire.receive(pieces.pop())
            assert [event.code for event in events if isinstance(event, WebSocketClosed)] == [code]
            wire.websocket.finish(0.0)
            assert wire.closure()[0] == code
            if len(pieces) > 1:
                assert not wire.is_over()
                assert wire.receive(pieces[-1]) == []
            assert wire.is_over()

    def test_the_peers_close_may_come_before_ours(self, builtin: Wire) -> None:
        builtin.receive(BAD)
        assert builtin.receive(close()) == []
        assert not builtin.is_over()
        builtin.websocket.finish(0.0)
        assert builtin.closure()[0] == 1002
        assert builtin.is_over()


class TestGoingAway:
    def test_close_is_owed(self, builtin: Wire) -> None:
        assert builtin.websocket.go_away(1012, 10.0) == [WebSocketClosed(1012, "")]
        assert builtin.websocket.deadline == 11.0
        assert builtin.sent() == []
        builtin.websocket.send_message("answer")
        assert builtin.receive(text("never")) == []

        builtin.websocket.finish(10.5)

        answer, last = builtin.sent()
        assert answer == sent_text("answer")
        assert last.closure == (1012, "")
        assert not builtin.is_over()
        builtin.receive(close())
        assert builtin.is_over()

    def test_what_is_held_is_not_handed_out(self, engine: WebSocketEngineName) -> None:
        wire = Wire(engine, max_message_buffer=0)
        assert wire.websocket.receive_data(text("a") + text("b"), 0.0) == messages("a")
        assert wire.websocket.go_away(1001, 0.0) == [WebSocketClosed(1001, "")]
        assert not wire.websocket.has_more
        assert wire.websocket.proceed(0.0) == []

    def test_once(self, wire: Wire) -> None:
        wire.receive(close())
        assert wire.websocket.go_away(1012, 0.0) == []
        wire.websocket.finish(0.0)
        assert wire.closure() == (1000, "")
        assert wire.websocket.go_away(1012, 0.0) == []


class TestEndOfThePeersSide:
    @pytest.mark.parametrize(
        "before", [b"", text("abc")[:3], text("abc", fin=False), frame_header(0x81, 99), ping()]
    )
    def test_without_close(self, wire: Wire, before: bytes) -> None:
        if before:
            assert wire.receive(before) == []
        assert wire.receive(b"") == [WebSocketClosed(1006, "")]
        assert wire.is_over()
        assert wire.websocket.deadline == inf
        wire.websocket.send_message("never")
        wire.websocket.close(1000, "", 0.0)
        wire.websocket.finish(0.0)
        assert all(frame.opcode == Opcode.PONG for frame in wire.sent())
        assert wire.receive(b"", text("never")) == []
        assert wire.websocket.go_away(1012, 0.0) == []

    @pytest.mark.parametrize(
        "end",
        [
            lambda wire: wire.receive(close()),
            lambda wire: wire.receive(BAD),
            lambda wire: wire.websocket.go_away(1000, 0.0),
        ],
    )
    def test_before_ours(self, wire: Wire, end: Callable[[Wire], object]) -> None:
        end(wire)
        assert wire.receive(b"") == []
        assert not wire.is_over()
        wire.websocket.send_message("answer")
        wire.websocket.finish(0.0)
        answer, last = wire.sent()
        assert answer == sent_text("answer")
        assert last.closure[0] in {1000, 1002}
        assert wire.is_over()


class TestEndWhileMoreIsHeld:
    """The application has not taken all that came before."""

    @pytest.fixture
    def held(self, engine: WebSocketEngineName) -> Wire:
        """Has handed out one of three messages."""
        wire = Wire(engine, max_message_buffer=0, ping_interval=None)
        data = text("a") + text("b") + text("c")
        assert wire.websocket.receive_data(data, 0.0) == messages("a")
        assert wire.websocket.has_more
        return wire

    def test_end_of_the_peers_side(self, held: Wire) -> None:
        assert held.websocket.receive_data(b"", 0.0) == []
        assert not held.is_over()
        assert held.rest() == [*messages("b", "c"), WebSocketClosed(1006, "")]
        assert held.is_over()

    def test_close_and_the_end(self, held: Wire) -> None:
        assert held.websocket.receive_data(close(), 0.0) == []
        assert held.websocket.receive_data(b"", 0.0) == []
        assert held.rest() == [*messages("b", "c"), WebSocketClosed(1000, "")]
        assert not held.is_over()
        held.websocket.finish(0.0)
        assert held.closure() == (1000, "")
        assert held.is_over()

    def test_a_failure(self, held: Wire) -> None:
        assert held.websocket.receive_data(BAD, 0.0) == []
        *events, last = held.rest()
        assert events == messages("b", "c")
        assert isinstance(last, WebSocketClosed)
        assert last.code == 1002

    @pytest.mark.parametrize("more", [[], [close()], [close(), b""], [b""]])
    def test_the_application_closes(self, held: Wire, more: list[bytes]) -> None:
        for piece in more:
            assert held.websocket.receive_data(piece, 0.0) == []
        held.websocket.close(1000, "", 0.0)
        assert held.closure() == (1000, "")
        assert not held.websocket.has_more
        assert held.is_over() == bool(more or held.settings.engine != "builtin")


class TestNews:
    """Whoever asks after each call whether something has to be done needs to ask this alone."""

    def test_none_of_messages(self, wire: Wire) -> None:
        assert not wire.has_news()
        wire.receive(text("a"))
        wire.websocket.send_message("b")
        assert not wire.has_news()

    @pytest.mark.parametrize(
        "step",
        [
            lambda wire: wire.receive(ping()),
            lambda wire: wire.receive(close()),
            lambda wire: wire.receive(BAD),
            lambda wire: wire.receive(b""),
            lambda wire: wire.websocket.go_away(1001, 0.0),
            lambda wire: wire.websocket.close(1000, "", 0.0),
        ],
    )
    def test_all_else(self, wire: Wire, step: Callable[[Wire], object]) -> None:
        step(wire)
        assert wire.has_news()
        wire.websocket.data_to_send()
        assert not wire.has_news()

    def test_the_end(self, builtin: Wire) -> None:
        builtin.websocket.close(1000, "", 0.0)
        builtin.sent()
        assert not builtin.has_news()
        builtin.receive(close())
        assert builtin.has_news()

    def test_a_ping(self) -> None:
        wire = Wire(ping_interval=1.0)
        wire.wait(1.0)
        assert wire.has_news()
