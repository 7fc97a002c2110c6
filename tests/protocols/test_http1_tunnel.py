"""What a connection is after 101: bytes in, bytes out, and an end for each side."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypercorn_protocols.errors import LocalProtocolError
from hypercorn_protocols.events import BodyEnded, BodyReceived, Event
from tests.protocols.strategies import DETERMINISTIC
from tests.protocols.wire import GET, Wire

UPGRADE = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"
SWITCH = [(b"upgrade", b"echo")]


def tunnel(early: bytes = b"", *, early_end: bool = False, **settings: Any) -> Wire:
    """A tunnel whose peer has got the 101.

    ``early``, ``early_end``: what it had sent by then."""
    wire = Wire(**settings)
    wire.receive(UPGRADE + early)
    if early_end:
        wire.receive(b"")
    wire.switch(SWITCH)
    wire.sent()
    return wire


class TestData:
    def test_it_goes_both_ways(self) -> None:
        wire = tunnel()
        assert wire.receive(GET) == [BodyReceived(1, GET)]
        wire.connection.send_body(1, b"any\0thing")
        assert wire.sent() == b"any\0thing"

        assert wire.sent() == b""

    def test_it_is_written_in_its_order(self) -> None:
        wire = Wire()
        wire.receive(UPGRADE)
        wire.switch(SWITCH)
        for piece in (b"a", b"", b"b", b"c"):
            wire.connection.send_body(1, piece)

        assert wire.sent().endswith(b"\r\n\r\nabc")

    def test_time_does_not_matter(self) -> None:
        wire = tunnel(read_timeout=1.0, read_idle_timeout=1.0, keep_alive_timeout=1.0)
        assert wire.connection.deadline == inf
        assert wire.wait(1e9) == []
        assert wire.receive(b"x") == [BodyReceived(1, b"x")]
        wire.connection.consumed(1, 1, wire.now)

        assert wire.connection.deadline == inf
        assert not wire.connection.should_close

    def test_size_does_not_matter(self) -> None:
        wire = tunnel(max_body_size=5)

        assert wire.receive(bytes(100)) == [BodyReceived(1, bytes(100))]

    def test_other_streams_are_over(self) -> None:
        wire = tunnel(max_body_buffer=5)
        connection = wire.connection
        wire.receive(b"123456")
        connection.consumed(2, 6, wire.now)
        connection.send_body(2, b"lost", True)
        connection.reset_stream(2)
        connection.send_response(2, 200, [])
        connection.send_informational(2, 103, [])
        connection.send_trailers(2, [])

        assert wire.sent() == b""
        assert not wire.reads()
        assert not connection.should_close

    def test_it_is_the_last_response(self) -> None:
        connection = tunnel().connection

        with pytest.raises(LocalProtocolError):
            connection.send_response(1, 200, [])
        with pytest.raises(LocalProtocolError):
            connection.send_informational(1, 103, [])
        with pytest.raises(LocalProtocolError):
            connection.send_trailers(1, [])
        assert not connection.push(1, b"/", [])
        assert connection.buffered(1) == 0


class TestBackPressure:
    def test_peer_is_not_read_while_too_much_waits(self) -> None:
        wire = tunnel(max_body_buffer=10)
        wire.receive(b"x" * 10)
        assert wire.reads()
        wire.receive(b"x")
        assert not wire.reads()
        wire.connection.consumed(1, 5, wire.now)
        assert not wire.reads()
        wire.connection.consumed(1, 1, wire.now)

        assert wire.reads()

    def test_what_came_before_counts(self) -> None:
        wire = tunnel(b"x" * 11, max_body_buffer=10)
        wire.take_up()
        assert not wire.reads()
        wire.connection.consumed(1, 11, wire.now)

        assert wire.reads()

    def test_what_is_read_all_the_same_is_not_lost(self) -> None:
        wire = tunnel(max_body_buffer=10)
        wire.receive(b"x" * 11)

        assert wire.receive(b"y") == [BodyReceived(1, b"y")]


class TestWhatCameBefore:
    def test_it_is_handed_out_at_once(self) -> None:
        wire = tunnel(b"early")

        assert wire.take_up() == [BodyReceived(1, b"early")]
        assert wire.wait(1_000.0) == []

    def test_it_goes_before_what_comes(self) -> None:
        wire = tunnel(b"early")

        assert wire.receive(b" late") == [BodyReceived(1, b"early late")]
        assert wire.wait(0) == []

    @pytest.mark.parametrize(
        ("early", "events"),
        [(b"", [BodyEnded(1, [])]), (b"x", [BodyReceived(1, b"x"), BodyEnded(1, [])])],
    )
    def teends(self, early: bytes, events: list[Event]) -> None:
        wire = tunnel(early, early_end=True)

        assert wire.take_up() == events
        assert wire.wait(1_000.0) == []
        assert not wire.connection.should_close

    def teends_comes_before_anybody_has_looked(self) -> None:
        wire = tunnel(b"early")

        assert wire.receive(b"") == [BodyReceived(1, b"early"), BodyEnded(1, [])]

    def test_application_that_is_not_interested(self) -> None:
        wire = tunnel(b"early")
        wire.connection.send_body(1, b"bye", True)
        assert wire.sent() == b"bye"
        assert wire.time_left == 2.0

        assert wire.wait(2.0) == []
        assert wire.connection.should_close

    def test_application_that_is_not_interested_and_a_peer_that_has_left(self) -> None:
        wire = tunnel(b"early", early_end=True)
        wire.connection.send_body(1, b"bye", True)
        assert wire.sent() == b"bye"

        assert wire.connection.should_close
        assert wire.wait(1_000.0) == []


class TestEnds:
    def test_of_the_input(self) -> None:
        wire = tunnel()
        assert wire.receive(b"") == [BodyEnded(1, [])]
        assert wire.receive(b"") == []
        assert not wire.output_ended()
        wire.connection.send_body(1, b"still ")
        assert wire.sent() == b"still "
        wire.connection.send_body(1, b"here", True)
        assert wire.sent() == b"here"

        assert wire.output_ended()
        assert wire.connection.should_close
        assert not wire.connection.should_abort

    def test_of_the_output(self) -> None:
        """The transport may be half-closed; what still comes is thrown away, and is not to be
        met with a reset that would destroy what is on its way."""
        wire = tunnel()
        wire.connection.send_body(1, b"bye", True)
        assert not wire.output_ended(), "it has not been written"
        assert wire.sent() == b"bye"
        assert wire.output_ended()
        assert wire.receive(b"late") == []
        assert wire.reads()
        assert wire.wait(1.9) == []
        assert wire.receive(b"late") == []
        assert wire.time_left == pytest.approx(0.1)
        assert wire.receive(b"") == []

        assert wire.connection.should_close
        assert wire.connection.deadline == inf

    def test_of_the_output_and_a_peer_that_stays(self) -> None:
        wire = tunnel(linger_timeout=3.0)
        wire.connection.send_body(1, b"", True)
        assert wire.sent() == b""
        assert wire.output_ended()
        assert wire.wait(2.9) == []
        assert not wire.connection.should_close
        assert wire.wait(0.1) == []

        assert wire.connection.should_close

    def test_of_the_output_while_the_peer_is_not_read(self) -> None:
        wire = tunnel(max_body_buffer=5)
        wire.receive(b"123456")
        wire.connection.send_body(1, b"", True)

        assert wire.reads()

    def test_of_the_input_before_that_of_the_output_is_written(self) -> None:
        wire = tunnel()
        wire.connection.send_body(1, b"bye", True)
        assert wire.receive(b"late") == []
        assert wire.receive(b"") == []
        assert not wire.connection.should_close, "it has not been written"
        assert wire.sent() == b"bye"

        assert wire.connection.should_close

    def test_nothing_is_sent_after_it(self) -> None:
        wire = tunnel()
        wire.connection.send_body(1, b"bye", True)
        wire.connection.send_body(1, b"lost", True)
        wire.connection.send_trailers(1, [])
        assert wire.sent() == b"bye"
        wire.connection.send_body(1, b"lost")
        wire.connection.send_response(1, 200, [])
        wire.connection.reset_stream(1)

        assert wire.sent() == b""
        assert not wire.connection.should_abort

    def test_reset(self) -> None:
        wire = tunnel()
        wire.connection.reset_stream(1)

        assert wire.connection.should_close
        assert wire.connection.should_abort
        assert wire.output_ended()
        assert wire.receive(b"late") == []
        assert wire.connection.deadline == inf

    def test_shutdown_leaves_it_to_those_who_speak(self) -> None:
        wire = tunnel()
        wire.connection.close(wire.now)
        assert not wire.connection.is_idle
        assert wire.receive(b"x") == [BodyReceived(1, b"x")]
        assert wire.connection.deadline == inf
        wire.connection.send_body(1, b"bye", True)
        wire.sent()
        wire.receive(b"")

        assert wire.connection.should_close

    def test_shutdown_before_the_switch(self) -> None:
        wire = Wire()
        wire.receive(UPGRADE)
        wire.connection.close(wire.now)
        wire.switch(SWITCH)

        assert wire.sent().startswith(b"HTTP/1.1 101 ")
        assert wire.receive(b"x") == [BodyReceived(1, b"x")]


@settings(DETERMINISTIC)
@given(
    data=st.lists(st.binary(max_size=20), max_size=10),
    switch=st.integers(0, 10),
    ends=st.booleans(),
)
def test_nothing_is_lost_wherever_the_switch_is(
    data: list[bytes], switch: int, ends: bool
) -> None:
    """Content arrives whole and in its order, and the end behind it, once."""
    wire = Wire()
    wire.receive(UPGRADE)
    pieces = [piece for piece in data if piece] + ([b""] if ends else [])
    events: list[Event] = []
    for piece in pieces[:switch]:
        early = wire.receive(piece)
        assert not any(isinstance(event, BodyReceived | BodyEnded) for event in early)
    wire.switch(SWITCH)
    for piece in pieces[switch:]:
        events += wire.receive(piece)
    events += wire.wait(0)

    received = [event.data for event in events if isinstance(event, BodyReceived)]
    assert b"".join(received) == b"".join(data)
    assert events.count(BodyEnded(1, [])) == ends
    assert not ends or events[-1] == BodyEnded(1, [])
