"""Requests that come before the one in front of them is answered (RFC 9112 section 9.3.2)."""

from __future__ import annotations

from math import inf

from hypercorn_protocols.events import BodyEnded, BodyReceived, InputClosed, RequestReceived
from hypercorn_protocols.settings import HTTP1EngineName
from tests.protocols.player import Player
from tests.protocols.wire import CHUNKED_POST, GET, Client, Wire, post


def get(path: bytes) -> bytes:
    return b"GET /" + path + b" HTTP/1.1\r\nHost: a\r\n\r\n"


def test_one_after_the_other(engine: HTTP1EngineName) -> None:
    wire = Wire(engine)

    assert [event.target for event in wire.receive(get(b"1") + get(b"2") + get(b"3"))] == [b"/1"]  # type: ignore[union-attr]
    assert wire.connection.deadline == inf
    assert wire.receive(get(b"4")) == []
    for number in (1, 2, 3, 4):
        assert Client(wire.respond(number, body=b"%d" % number)).read().body == b"%d" % number
        if number < 4:
            (event,) = wire.take_up()
            assert isinstance(event, RequestReceived)
            assert (event.stream_id, event.target) == (number + 1, b"/%d" % (number + 1))
    assert wire.connection.is_idle
    assert wire.time_left == 5.0


def test_next_is_there_only_after_the_answer_is_taken(engine: HTTP1EngineName) -> None:
    wire = Wire(engine)
    wire.receive(GET + GET)
    wire.connection.send_response(1, 200, [], b"", True)
    assert wire.connection.deadline == inf

    wire.sent()

    assert len(wire.take_up()) == 1


def test_data_may_come_before_the_deadline_is_heeded(engine: HTTP1EngineName) -> None:
    wire = Wire(engine)
    wire.receive(GET + GET[:10])
    wire.respond()

    (event,) = wire.receive(GET[10:])

    assert isinstance(event, RequestReceived)
    assert event.stream_id == 2
    assert wire.connection.deadline == inf


def test_data_may_come_before_the_answer_is_taken(engine: HTTP1EngineName) -> None:
    """The answer is there before its request is complete: neither may be lost."""
    wire = Wire(engine)
    wire.receive(post(5) + b"hel")
    wire.connection.send_response(1, 200, [], b"one", True)

    assert wire.receive(b"lo" + GET) == []
    assert wire.receive(GET) == []
    client = Client(wire.sent())
    assert client.read().body == b"one"
    for stream_id in (2, 3):
        (event,) = wire.take_up()
        assert isinstance(event, RequestReceived)
        assert event.stream_id == stream_id
        assert Client(wire.respond(stream_id, body=b"x")).read().body == b"x"
    assert wire.connection.is_idle


def test_contents_go_with_their_requests(engine: HTTP1EngineName) -> None:
    wire = Wire(engine)
    wire.receive(post(2) + b"aa" + CHUNKED_POST + b"2\r\nbb\r\n0\r\n\r\n" + post(2) + b"c")
    wire.respond()
    assert wire.take_up()[1:] == [BodyReceived(2, b"bb"), BodyEnded(2, [])]
    wire.respond(2)
    assert wire.take_up()[1:] == [BodyReceived(3, b"c")]
    assert wire.receive(b"c") == [BodyReceived(3, b"c"), BodyEnded(3, [])]


def test_error_is_answered_in_its_turn(engine: HTTP1EngineName) -> None:
    wire = Wire(engine)

    assert len(wire.receive(GET + b"\0")) == 1
    assert wire.sent() == b""
    assert wire.respond().startswith(b"HTTP/1.1 200 ")
    assert wire.take_up() == []
    assert wire.sent().startswith(b"HTTP/1.1 400 ")
    assert wire.output_ended()


def test_nothing_is_answered_after_close(engine: HTTP1EngineName) -> None:
    wire = Wire(engine)
    wire.receive(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + GET)

    assert b"connection: close" in wire.respond()
    assert wire.output_ended()
    assert wire.wait(0) == []
    assert wire.receive(GET) == []


class TestBound:
    def test_peer_is_not_read_while_too_much_waits(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, max_pipeline_buffer=2 * len(GET))
        wire.receive(GET * 3)
        assert wire.reads()
        wire.receive(b"G")
        assert not wire.reads()

    def test_reading_goes_on_when_there_is_room_and_not_before(
        self, engine: HTTP1EngineName
    ) -> None:
        wire = Wire(engine, max_pipeline_buffer=2 * len(GET))
        wire.receive(GET * 5)
        readable = []
        for stream_id in (1, 2, 3, 4):
            wire.respond(stream_id)
            readable.append(wire.reads())
            wire.take_up()
            readable.append(wire.reads())

        assert readable == [False, False, False, True, True, True, True, True]

    def test_head_above_the_bound_is_no_deadlock(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, max_pipeline_buffer=10)
        wire.receive(GET + GET[:-1])
        assert not wire.reads()
        wire.respond()

        assert wire.take_up() == []
        assert wire.reads()
        assert len(wire.receive(GET[-1:])) == 1
        assert wire.reads()

    def test_content_above_the_bound_is_no_deadlock(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, max_pipeline_buffer=10)
        wire.receive(GET + post(100) + b"x" * 50)
        wire.respond()

        wire.take_up()

        assert wire.reads()


class TestEndOfInput:
    def test_is_told_while_a_request_is_answered(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(GET)

        assert wire.receive(b"") == [InputClosed()]
        assert not wire.connection.should_close
        assert wire.respond(body=b"x").endswith(b"x")
        assert wire.connection.should_close

    def test_is_told_although_requests_wait(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(GET * 3)

        assert wire.receive(b"") == [InputClosed()]

    def test_all_complete_requests_are_answered(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(GET * 3 + GET[:-1])
        wire.receive(b"")
        for stream_id in (1, 2, 3):
            assert wire.respond(stream_id).startswith(b"HTTP/1.1 200 ")
            assert not wire.connection.should_close
            events = wire.take_up()
            if stream_id < 3:
                assert isinstance(events[0], RequestReceived)
                assert events[1:] == [InputClosed()]  # each application is to know
        assert events == []
        assert wire.connection.should_close
        assert wire.sent() == b""

    def test_before_the_next_request_is_taken_up(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(GET + GET)
        wire.respond()

        event, closed = wire.receive(b"")

        assert isinstance(event, RequestReceived)
        assert closed == InputClosed()
        wire.respond(2)
        assert wire.connection.should_close

    def test_before_the_answer_is_taken(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(GET)
        wire.connection.send_response(1, 200, [], b"x", True)

        assert wire.receive(b"") == []
        assert wire.sent().endswith(b"x")
        assert wire.connection.should_close

    def test_while_idle(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)

        assert wire.receive(b"") == []
        assert wire.connection.should_close

    def test_within_a_head(self, engine: HTTP1EngineName) -> None:
        for cut in range(1, len(GET)):
            wire = Wire(engine)
            wire.receive(GET[:cut])

            assert wire.receive(b"") == []
            assert wire.connection.should_close
            assert wire.sent() == b""

    def test_with_half_an_empty_line(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(b"\r")
        wire.receive(b"")

        assert wire.connection.should_close

    def test_twice(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(b"")

        assert wire.receive(b"") == []
        assert wire.receive(GET) == []


def test_many(engine: HTTP1EngineName) -> None:
    player = Player(engine, max_requests=None)
    for _ in range(10):
        player.receive(GET * 200)

    assert len(player.exchanges) == 2_000
    assert player.outcome().refusal is None
