"""What a connection waits for, and for how long: time is a number here."""

from __future__ import annotations

from math import inf

import pytest

from hypercorn_protocols.events import BodyReceived, StreamReset
from hypercorn_protocols.settings import HTTP1EngineName
from tests.protocols.wire import CHUNKED_POST, GET, Wire, post

TIMED_OUT = b"HTTP/1.1 408 Request Timeout\r\n"
TOO_SLOW = [StreamReset(1, "the content took too long")]


def test_deadline_that_is_not_over_does_nothing(engine: HTTP1EngineName) -> None:
    wire = Wire(engine)

    assert wire.wait(4.999) == []
    assert not wire.connection.should_close
    assert len(wire.receive(GET)) == 1


class TestKeepAlive:
    def test_from_the_start(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, keep_alive_timeout=7.0)

        assert wire.time_left == 7.0
        assert wire.wait(7.0) == []
        assert wire.connection.should_close
        assert wire.output_ended()
        assert not wire.connection.should_abort
        assert wire.sent() == b""

    def test_between_requests(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.now += 4.0
        wire.receive(GET)
        wire.now += 60.0  # it is the application that takes this long
        wire.respond()

        assert wire.time_left == 5.0
        wire.wait(5.0)
        assert wire.connection.should_close

    def test_is_not_prolonged_by_empty_lines(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        for _ in range(4):
            wire.wait(1.0)
            wire.receive(b"\r\n")

        assert wire.time_left == 1.0
        wire.wait(1.0)
        assert wire.connection.should_close

    def test_never(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, keep_alive_timeout=None)
        assert wire.connection.deadline == inf
        wire.receive(GET)
        wire.respond()
        assert wire.connection.deadline == inf


class TestHead:
    def test_from_its_first_byte(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, head_timeout=3.0)
        wire.wait(4.0)
        wire.receive(b"G")
        for byte in (b"E", b"T", b" "):
            assert wire.wait(0.9) == []
            wire.receive(byte)

        assert wire.time_left == pytest.approx(0.3)
        assert wire.wait(0.4) == []
        assert wire.sent().startswith(TIMED_OUT)
        assert wire.output_ended()

    def test_of_a_pipelined_request_begins_with_its_turn(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(GET + GET[:-1])
        wire.now += 100.0
        wire.respond()

        assert wire.take_up() == []
        assert wire.time_left == 5.0

    def test_ends_with_it(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(GET[:-1])
        wire.receive(GET[-1:])

        assert wire.connection.deadline == inf
        wire.respond()
        assert wire.time_left == 5.0
        wire.wait(5.0)
        assert wire.connection.should_close
        assert wire.sent() == b""

    def test_never(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, head_timeout=None)
        wire.receive(b"G")

        assert wire.connection.deadline == inf


class TestContent:
    def test_longest_pause(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, read_idle_timeout=10.0, read_min_rate=0)
        wire.receive(post(100))
        wire.now += 9.0
        wire.receive(b"x")

        assert wire.time_left == 10.0
        assert wire.wait(10.0) == TOO_SLOW
        assert wire.sent().startswith(TIMED_OUT)
        assert wire.output_ended()

    def test_slowest_rate(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, read_min_rate=100, rate_grace=5.0)
        wire.receive(post(10_000) + b"x" * 1_000)

        assert wire.time_left == 10.0
        wire.now += 9.0
        wire.receive(b"x" * 100)
        assert wire.time_left == 2.0
        assert wire.wait(2.0) == TOO_SLOW

    def test_only_content_counts(self, engine: HTTP1EngineName) -> None:
        """A trickle of chunk extensions or of trailers is no progress."""
        wire = Wire(engine, read_idle_timeout=10.0, read_min_rate=0)
        wire.receive(CHUNKED_POST + b"1\r\nx\r\n0\r\n")
        for byte in (b"a", b"b", b"c"):
            wire.now += 3.0
            wire.receive(byte)

        assert wire.time_left == 1.0

    def test_what_the_application_takes_does_not_count(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, read_min_rate=100, max_body_buffer=1_000)
        wire.receive(post(10_000) + b"x" * 2_000)
        assert wire.connection.deadline == inf
        wire.now += 1_000.0
        wire.connection.consumed(1, 2_000, wire.now)

        assert wire.time_left == 20.0

    def test_whole_of_it(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, read_timeout=20.0, read_min_rate=0)
        wire.receive(post(100))
        for _ in range(3):
            wire.now += 5.0
            assert wire.receive(b"x") == [BodyReceived(1, b"x")]

        assert wire.time_left == 5.0
        assert wire.wait(5.0) == TOO_SLOW

    def test_whole_of_the_request_begins_with_its_first_byte(
        self, engine: HTTP1EngineName
    ) -> None:
        wire = Wire(engine, read_timeout=20.0, head_timeout=60.0, read_min_rate=0)
        data = post(100)
        wire.receive(data[:10])
        assert wire.time_left == 20.0
        wire.now += 15.0
        wire.receive(data[10:])

        assert wire.time_left == 5.0

    def test_whole_of_the_next_request_begins_anew(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, read_timeout=20.0, read_min_rate=0)
        wire.receive(GET[:10])
        wire.now += 1.0
        wire.receive(GET[10:])
        wire.now += 100.0
        wire.respond()
        wire.receive(post(100))

        assert wire.time_left == 20.0

    def test_head_counts_for_the_whole(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, read_timeout=20.0, head_timeout=None)
        wire.receive(b"G")

        assert wire.time_left == 20.0
        wire.wait(20.0)
        assert wire.sent().startswith(TIMED_OUT)

    def test_never(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, read_idle_timeout=None, read_min_rate=0)
        wire.receive(post(100))

        assert wire.connection.deadline == inf

    def test_after_the_answer_began(self, engine: HTTP1EngineName) -> None:
        """Nothing can be said any more but that the message stops short."""
        wire = Wire(engine)
        wire.receive(post(100))
        wire.connection.send_response(1, 200, [], b"x")
        wire.sent()

        assert wire.wait(5.0) == TOO_SLOW
        assert wire.sent() == b""
        assert wire.connection.should_close

    def test_after_the_answer(self, engine: HTTP1EngineName) -> None:
        """The rest of the request is waited for no longer than the request was."""
        wire = Wire(engine)
        wire.receive(post(100))
        wire.respond()

        assert wire.time_left == 5.0
        assert wire.wait(5.0) == []
        assert wire.output_ended()
        assert wire.sent() == b""


class TestLinger:
    def test_ends_the_connection(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, linger_timeout=2.0)
        wire.receive(b"\0")
        wire.sent()
        assert wire.output_ended()
        assert not wire.connection.should_close
        wire.now += 1.0
        wire.receive(b"more")

        assert wire.time_left == 1.0
        wire.wait(1.0)
        assert wire.connection.should_close

    def test_ends_with_the_input(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(b"\0")

        wire.receive(b"")

        assert wire.connection.should_close
        assert wire.sent().startswith(b"HTTP/1.1 400 ")

    def test_is_left_out_if_the_input_has_ended(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(GET + b"\0")
        wire.receive(b"")
        wire.respond()
        wire.take_up()

        assert wire.connection.should_close
        assert wire.sent().startswith(b"HTTP/1.1 400 ")


def test_no_timer_while_the_application_works(engine: HTTP1EngineName) -> None:
    wire = Wire(engine, read_timeout=1.0)
    wire.receive(post(2) + b"xx")

    assert wire.connection.deadline == inf
    assert wire.wait(1_000.0) == []
    assert wire.respond().startswith(b"HTTP/1.1 200 ")


def test_no_timer_after_the_end(engine: HTTP1EngineName) -> None:
    wire = Wire(engine)
    wire.wait(5.0)

    assert wire.connection.deadline == inf
    assert wire.wait(5.0) == []
