"""Pings and Pongs (RFC 6455 section 5.5), and what silence comes to."""

from __future__ import annotations

from math import inf

import pytest

from hypercorn_protocols.settings import WebSocketEngineName
from hypercorn_protocols.websocket import WebSocketClosed
from tests.protocols.websocket.wire import Wire, messages, pongs
from tests.websocket_peer import Opcode, ping, pong, text


def pings(wire: Wire) -> int:
    """How many have been sent, and nothing else."""
    frames = wire.sent()
    assert all(frame.opcode == Opcode.PING for frame in frames)
    return len(frames)


class TestPongs:
    def test_each_ping_is_answered_at_once(self, engine: WebSocketEngineName) -> None:
        wire = Wire(engine)
        assert wire.receive(ping(b"") + ping(b"x" * 125)) == []
        assert pongs(wire.sent()) == [b"", b"x" * 125]
        wire.receive(ping(b"2"))
        assert pongs(wire.sent()) == [b"2"]

    @pytest.mark.parametrize(("count", "first"), [(16, 0), (17, 1), (1000, 984)])
    def test_no_more_than_sixteen_wait(
        self, engine: WebSocketEngineName, count: int, first: int
    ) -> None:
        wire = Wire(engine)
        wire.receive(*[ping(b"%d" % number) for number in range(count)])
        assert pongs(wire.sent()) == [b"%d" % number for number in range(first, count)]

    def test_those_of_the_peer_say_nothing(self, engine: WebSocketEngineName) -> None:
        wire = Wire(engine)
        assert wire.receive(pong(b"") + pong(b"unsolicited")) == []
        assert wire.sent() == []


class TestPings:
    def test_a_silent_peer_is_pinged(self) -> None:
        wire = Wire(ping_interval=10.0, pong_timeout=4.0)
        assert wire.websocket.deadline == 10.0
        assert wire.websocket.handle_deadline(9.9) == []
        assert pings(wire) == 0

        assert wire.websocket.handle_deadline(10.0) == []

        assert pings(wire) == 1
        assert wire.websocket.deadline == 14.0

    def test_one_that_talks_is_not(self) -> None:
        wire = Wire(ping_interval=10.0, pong_timeout=4.0)
        for now in range(1, 100):
            assert wire.receive(text("a"), now=now) == messages("a")
            assert wire.wait(now) == []
        assert pings(wire) == 0
        assert wire.websocket.deadline <= 109.0
        wire.wait(108.9)
        assert pings(wire) == 0
        wire.wait(109.0)
        assert pings(wire) == 1

    def test_one_that_stays_silent_is_given_up(self) -> None:
        wire = Wire(ping_interval=10.0, pong_timeout=4.0)
        assert wire.wait(13.9) == []
        assert pings(wire) == 1

        assert wire.wait(14.0) == [WebSocketClosed(1006, "ping timeout")]

        assert wire.closure() == (1011, "ping timeout")
        assert wire.is_over()
        assert wire.websocket.deadline == inf
        assert wire.websocket.handle_deadline(20.0) == []

    @pytest.mark.parametrize("answer", [pong(), text("a"), text("a")[:1], ping()])
    def test_anything_is_an_answer(self, answer: bytes) -> None:
        wire = Wire(ping_interval=10.0, pong_timeout=4.0)
        wire.wait(10.0)
        wire.receive(answer, now=13.0)
        wire.sent()
        assert wire.wait(22.9) == []
        assert pings(wire) == 0
        assert wire.wait(23.0) == []
        assert pings(wire) == 1
        assert wire.wait(27.0) == [WebSocketClosed(1006, "ping timeout")]

    def test_an_answer_at_the_same_time(self) -> None:  # as far as the clock can tell
        wire = Wire(ping_interval=10.0, pong_timeout=4.0)
        wire.wait(10.0)
        wire.receive(pong(), now=10.0)
        assert wire.wait(19.9) == []
        assert wire.wait(20.0) == []
        assert pings(wire) == 2

    def test_a_timeout_longer_than_the_interval(self) -> None:
        wire = Wire(ping_interval=10.0, pong_timeout=60.0)
        wire.wait(10.0)
        assert pings(wire) == 1
        wire.receive(pong(), now=11.0)
        wire.wait(21.0)
        assert pings(wire) == 1
        assert wire.wait(80.9) == []
        assert pings(wire) == 0  # one is enough until it is answered
        assert wire.wait(81.0) == [WebSocketClosed(1006, "ping timeout")]

    def test_without_a_timeout(self) -> None:
        wire = Wire(ping_interval=10.0, pong_timeout=None)
        assert wire.wait(55.0) == []
        assert pings(wire) == 5

    def test_without_pings(self) -> None:
        wire = Wire(ping_interval=None)
        assert wire.websocket.deadline == inf
        assert wire.websocket.handle_deadline(1e9) == []

    def test_none_behind_close(self) -> None:
        wire = Wire(ping_interval=1.0, close_timeout=100.0)
        wire.websocket.close(1000, "", 0.0)
        assert wire.closure() == (1000, "")
        assert wire.wait(99.0) == []
        assert wire.sent() == []


class TestWhileThePeerIsNotRead:
    """Its silence means nothing."""

    def test_held(self) -> None:
        wire = Wire(ping_interval=10.0, pong_timeout=4.0)
        wire.wait(10.0)
        assert pings(wire) == 1
        wire.websocket.held = True
        assert wire.wait(100.0) == []
        assert pings(wire) == 0

        wire.websocket.held = False

        assert wire.wait(107.9) == []
        assert pings(wire) == 1
        assert wire.wait(108.0) == [WebSocketClosed(1006, "ping timeout")]

    def test_more_is_to_be_handed_out(self) -> None:
        wire = Wire(ping_interval=10.0, pong_timeout=4.0, max_message_buffer=0)
        assert wire.websocket.receive_data(text("a") + text("b"), 0.0) == messages("a")
        assert wire.wait(100.0) == []
        assert pings(wire) == 0

    def test_sent_messages_do_not_matter(self) -> None:
        wire = Wire(ping_interval=10.0, pong_timeout=4.0)
        wire.wait(10.0)
        wire.websocket.send_message("a")
        assert len(wire.sent()) == 2
        assert wire.wait(14.0) == [WebSocketClosed(1006, "ping timeout")]
