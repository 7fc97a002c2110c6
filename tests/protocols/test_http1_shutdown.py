"""How connections end because the server does: patiently, and without losing a request."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypercorn_protocols.events import BodyEnded, Event
from hypercorn_protocols.settings import HTTP1EngineName
from tests.protocols.strategies import DETERMINISTIC, splits
from tests.protocols.wire import CHUNKED_POST, ENGINES, GET, OLD_GET, Client, Wire, post


class TestClose:
    def test_while_idle(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(GET)
        wire.respond()
        assert wire.connection.is_idle

        wire.connection.close(wire.now)

        assert wire.connection.should_close
        assert wire.sent() == b""

    def test_a_last_chance_before_the_first_request(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.connection.close(wire.now)
        assert not wire.connection.should_close

        wire.receive(GET)
        assert b"\r\nconnection: close\r\n" in wire.respond()
        assert wire.output_ended()

    def test_the_last_chance_passes(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.connection.close(wire.now)
        assert wire.now < wire.connection.deadline <= wire.now + 1

        wire.connection.handle_deadline(wire.connection.deadline)

        assert wire.connection.should_close
        assert wire.sent() == b""

    def test_within_a_head(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(GET[:5])
        wire.connection.close(wire.now)

        assert not wire.connection.should_close
        assert len(wire.receive(GET[5:])) == 1
        assert b"\r\nconnection: close\r\n" in wire.respond()
        assert wire.output_ended()

    def test_before_the_answer(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(GET)
        wire.connection.close(wire.now)

        assert not wire.connection.should_close
        assert b"\r\nconnection: close\r\n" in wire.respond()
        assert wire.output_ended()

    def test_within_the_answer(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(GET)
        wire.connection.send_response(1, 200, [], b"abc")
        wire.connection.close(wire.now)
        wire.connection.send_body(1, b"def", True)

        assert Client(wire.sent()).read().body == b"abcdef"
        assert wire.output_ended()

    def test_after_the_answer_was_not_taken(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(GET)
        wire.connection.send_response(1, 200, [], b"abc", True)
        wire.connection.close(wire.now)

        assert Client(wire.sent()).read().body == b"abc"
        assert wire.output_ended()

    def test_within_content(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(post(5))
        wire.connection.close(wire.now)

        assert wire.receive(b"hello")[-1] == BodyEnded(1, [])
        assert b"connection: close" in wire.respond()
        assert wire.output_ended()

    def test_within_what_is_left_of_content(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(post(5))
        wire.respond()
        wire.connection.close(wire.now)
        assert not wire.output_ended()

        wire.receive(b"hello")

        assert wire.output_ended()

    def test_requests_that_wait_are_answered(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(GET * 3)
        wire.connection.close(wire.now)
        for stream_id in (1, 2):
            assert b"connection: close" not in wire.respond(stream_id)
            assert len(wire.take_up()) == 1

        assert b"\r\nconnection: close\r\n" in wire.respond(3)
        assert wire.output_ended()

    def test_request_behind_an_answer_that_has_begun(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(GET)
        wire.connection.send_response(1, 200, [], b"abc")
        wire.connection.close(wire.now)
        wire.receive(GET)
        wire.connection.send_body(1, b"def", True)

        assert Client(wire.sent()).read().body == b"abcdef"
        assert len(wire.take_up()) == 1
        assert b"\r\nconnection: close\r\n" in wire.respond(2)
        assert wire.output_ended()

    def test_head_that_waits_in_part_is_on_its_way(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(GET + GET[:5])
        wire.connection.close(wire.now)

        assert b"connection: close" not in wire.respond()
        assert wire.take_up() == []
        assert wire.time_left == 5.0
        assert len(wire.receive(GET[5:])) == 1
        assert b"\r\nconnection: close\r\n" in wire.respond(2)

    def test_head_that_waits_in_part_and_stays_away(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(GET + GET[:5])
        wire.connection.close(wire.now)
        wire.respond()
        wire.take_up()
        wire.wait(5.0)

        assert wire.sent().startswith(b"HTTP/1.1 408 ")
        assert wire.output_ended()

    @pytest.mark.parametrize("lines", [b"\r\n", b"\r", b"\r\n\r\n"])
    def test_empty_lines_are_no_request(self, engine: HTTP1EngineName, lines: bytes) -> None:
        wire = Wire(engine)
        wire.receive(GET + lines)
        wire.connection.close(wire.now)

        assert b"\r\nconnection: close\r\n" in wire.respond()
        assert wire.output_ended()

    @pytest.mark.parametrize("lines", [b"\r\n", b"\r"])
    def test_empty_lines_after_a_promise(self, engine: HTTP1EngineName, lines: bytes) -> None:
        wire = Wire(engine)
        wire.receive(GET + lines)
        wire.connection.send_response(1, 200, [], b"abc", True)
        wire.connection.close(wire.now)
        wire.sent()

        assert wire.take_up() == []
        assert wire.output_ended()

    def test_what_cannot_be_read_is_refused_in_its_turn(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(GET + b"\0")
        wire.connection.close(wire.now)

        assert b"connection: close" not in wire.respond()
        wire.take_up()
        assert wire.sent().startswith(b"HTTP/1.1 400 ")
        assert wire.output_ended()

    @pytest.mark.parametrize(
        "last", [b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", OLD_GET]
    )
    def test_nothing_behind_a_request_that_closes(
        self, engine: HTTP1EngineName, last: bytes
    ) -> None:
        wire = Wire(engine)
        wire.receive(last + GET)
        wire.connection.close(wire.now)

        assert b"\r\nconnection: close\r\n" in wire.respond()
        assert wire.output_ended()

    def test_the_limit_of_requests_stays(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, max_requests=2)
        wire.receive(GET * 3)
        wire.connection.close(wire.now)

        assert b"connection: close" not in wire.respond()
        wire.take_up()
        assert b"\r\nconnection: close\r\n" in wire.respond(2)
        assert wire.output_ended()

    def test_content_may_be_on_its_way_too(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(GET + post(5))
        wire.connection.close(wire.now)
        wire.respond()
        assert len(wire.take_up()) == 1

        assert wire.receive(b"hello")[-1] == BodyEnded(2, [])
        assert b"\r\nconnection: close\r\n" in wire.respond(2)

    def test_answer_that_comes_before_its_request_is_read(self, engine: HTTP1EngineName) -> None:
        """What is behind it cannot be known."""
        wire = Wire(engine)
        wire.receive(CHUNKED_POST + b"5")
        wire.connection.close(wire.now)

        assert b"\r\nconnection: close\r\n" in wire.respond()
        assert wire.output_ended()

    def test_what_the_transport_holds_back_is_read(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, max_pipeline_buffer=len(GET))
        wire.receive(GET * 3)
        assert not wire.reads()
        wire.connection.close(wire.now)
        wire.respond()
        wire.take_up()
        assert wire.reads()
        wire.receive(GET)
        for stream_id in (2, 3):
            assert b"connection: close" not in wire.respond(stream_id)
            wire.take_up()

        assert b"\r\nconnection: close\r\n" in wire.respond(4)

    def test_is_not_put_off_for_ever(self, engine: HTTP1EngineName) -> None:
        """A peer that always has one more request on its way."""
        wire = Wire(engine)
        wire.receive(GET)
        wire.connection.close(wire.now)
        stream_id = 0
        while not wire.output_ended():
            stream_id += 1
            wire.receive(GET)
            wire.respond(stream_id)
            if not wire.output_ended():
                wire.take_up()
            assert stream_id < 1_000

        assert stream_id > 100

    def test_all_that_was_there_is_answered(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(GET * 500)
        wire.connection.close(wire.now)
        for stream_id in range(1, 500):
            assert b"connection: close" not in wire.respond(stream_id)
            wire.take_up()

        assert b"\r\nconnection: close\r\n" in wire.respond(500)

    def test_request_that_was_read_with_the_one_before(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(GET + GET)
        wire.respond()
        wire.connection.close(wire.now)

        assert len(wire.take_up()) == 1
        assert b"\r\nconnection: close\r\n" in wire.respond(2)

    def test_while_lingering(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(b"\0")
        wire.connection.close(wire.now)

        assert wire.sent().startswith(b"HTTP/1.1 400 ")
        assert not wire.connection.should_close
        wire.wait(2.0)
        assert wire.connection.should_close

    def test_twice(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(GET)
        wire.respond()
        wire.connection.close(wire.now)
        wire.connection.close(wire.now)

        assert wire.connection.should_close
        assert wire.receive(GET) == []
        assert wire.receive(b"") == []


class TestPatience:
    def idle(self, engine: HTTP1EngineName, patience: float) -> Wire:
        """A connection that was told to close when it had answered its request."""
        wire = Wire(engine)
        wire.receive(GET)
        wire.respond()
        wire.connection.close(wire.now, patience)
        return wire

    def test_idle_connection_may_still_ask(self, engine: HTTP1EngineName) -> None:
        wire = self.idle(engine, 3.0)
        wire.wait(2.9)
        assert not wire.connection.should_close
        assert len(wire.receive(GET)) == 1

        assert b"\r\nconnection: close\r\n" in wire.respond(2)
        assert wire.output_ended()

    def test_batch_is_answered(self, engine: HTTP1EngineName) -> None:
        wire = self.idle(engine, 3.0)
        wire.receive(GET * 2)

        assert b"connection: close" not in wire.respond(2)
        wire.take_up()
        assert b"\r\nconnection: close\r\n" in wire.respond(3)

    def test_it_ends(self, engine: HTTP1EngineName) -> None:
        wire = self.idle(engine, 3.0)
        assert wire.time_left == 3.0
        wire.wait(3.0)

        assert wire.connection.should_close
        assert wire.sent() == b""

    def test_it_is_bounded_by_the_timer_of_idleness(self, engine: HTTP1EngineName) -> None:
        assert self.idle(engine, 30.0).time_left == 5.0

    def test_there_need_not_be_such_a_timer(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, keep_alive_timeout=None)
        wire.receive(GET)
        wire.respond()
        wire.connection.close(wire.now, 30.0)

        assert wire.time_left == 30.0

    def test_it_can_be_lost(self, engine: HTTP1EngineName) -> None:
        wire = self.idle(engine, 3.0)
        wire.connection.close(wire.now)

        assert wire.connection.should_close

    def test_it_cannot_be_gained(self, engine: HTTP1EngineName) -> None:
        wire = self.idle(engine, 1.0)
        wire.connection.close(wire.now, 3.0)

        assert wire.time_left == 1.0

    def test_with_one_that_has_not_asked_yet(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.connection.close(wire.now, 3.0)
        assert wire.time_left == 3.0
        wire.connection.close(wire.now)
        assert 0 < wire.time_left < 1

        wire.wait(wire.time_left)
        assert wire.connection.should_close

    def test_before_the_answer(self, engine: HTTP1EngineName) -> None:
        """It says that it is the last: there is nothing to wait for."""
        wire = Wire(engine)
        wire.receive(GET)
        wire.connection.close(wire.now, 3.0)

        assert b"\r\nconnection: close\r\n" in wire.respond()
        assert wire.output_ended()

    def test_after_an_answer_that_promised_more(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(GET)
        wire.connection.send_response(1, 200, [], b"abc")
        wire.connection.close(wire.now, 3.0)
        wire.wait(1.0)
        wire.connection.send_body(1, b"def", True)
        wire.sent()
        assert not wire.output_ended()
        assert wire.time_left == 2.0
        wire.receive(GET)

        assert b"\r\nconnection: close\r\n" in wire.respond(2)

    def test_promise_that_is_kept_too_late(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(GET)
        wire.connection.send_response(1, 200, [], b"abc")
        wire.connection.close(wire.now, 3.0)
        wire.wait(3.0)
        wire.connection.send_body(1, b"def", True)

        assert wire.sent()
        assert wire.output_ended()
        assert not wire.connection.should_close


def _is_told(answer: bytes) -> bool:
    return b"\r\nconnection: close\r\n" in answer


@DETERMINISTIC
@given(st.data(), st.integers(1, 6), st.sampled_from([0.0, 3.0]), st.sampled_from(ENGINES))
def test_close_loses_nothing_that_was_there(
    data: st.DataObject, count: int, patience: float, engine: HTTP1EngineName
) -> None:
    """At any point of any traffic: what was received by then is answered, in order, and ``close``
    is said with the last answer and no other."""
    requests = [data.draw(st.sampled_from([GET, post(3) + b"abc"])) for _ in range(count)]
    pieces = data.draw(splits(b"".join(requests)))
    close_at = data.draw(st.integers(0, len(pieces)))
    answers_from = data.draw(st.integers(0, len(pieces)))  # so much is received before the first
    server = _Server(engine)
    for number, piece in enumerate([*pieces, b""]):
        if number == close_at:
            answered_before = len(server.answers)
            server.wire.connection.close(server.wire.now, patience)
        if piece:
            server.take(server.wire.receive(piece))
        if number >= answers_from:
            server.answer()

    received = len(b"".join(pieces[:close_at]))
    owed = sum(end <= received for end in accumulate(len(request) for request in requests))
    bodies = [answer.partition(b"\r\n\r\n")[2] for answer in server.answers]
    assert len(bodies) >= owed
    assert bodies == [b"%d" % stream_id for stream_id in range(1, len(bodies) + 1)]
    assert not any(_is_told(answer) for answer in server.answers[:-1])
    if len(bodies) > answered_before:
        assert _is_told(server.answers[-1])
        assert server.wire.output_ended()


class _Server:
    """Answers what is complete, when it is told to."""

    def __init__(self, engine: HTTP1EngineName) -> None:
        self.wire = Wire(engine)
        self.answers: list[bytes] = []
        self._complete = 0

    def take(self, events: list[Event]) -> None:
        """Note how many requests have come to their ends."""
        for event in events:
            if isinstance(event, BodyEnded) or getattr(event, "end_stream", False):
                self._complete += 1

    def answer(self) -> None:
        """Answer all that is there."""
        wire = self.wire
        while len(self.answers) < self._complete:
            stream_id = len(self.answers) + 1
            self.answers.append(wire.respond(stream_id, body=b"%d" % stream_id))
            if wire.connection.deadline <= wire.now:
                self.take(wire.take_up())
