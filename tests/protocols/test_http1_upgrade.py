"""101: when a connection may become a tunnel, and what it says then (RFC 9110 section 7.8)."""

from __future__ import annotations

import pytest

from hypercorn_protocols.errors import LocalProtocolError
from hypercorn_protocols.events import BodyReceived, InputClosed, StreamReset
from hypercorn_protocols.settings import HTTP1EngineName
from tests.protocols.wire import GET, Wire, post

UPGRADE = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"
SWITCH = [(b"upgrade", b"echo")]


def asked(engine: HTTP1EngineName, data: bytes = UPGRADE) -> Wire:
    """A connection whose client has asked for another protocol, or for something else."""
    wire = Wire(engine)
    wire.receive(data)
    return wire


def test_bytes(engine: HTTP1EngineName) -> None:
    wire = asked(engine)
    wire.switch(SWITCH)

    assert wire.sent() == (
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\nconnection: upgrade\r\n\r\n"
    )


def test_other_connection_options_are_kept(engine: HTTP1EngineName) -> None:
    wire = asked(engine)
    wire.switch([*SWITCH, (b"connection", b"Upgrade, x-hop"), (b"content-length", b"5")])

    assert wire.sent().endswith(b"\r\nupgrade: echo\r\nconnection: x-hop, upgrade\r\n\r\n")


def test_interim_response_goes_before(engine: HTTP1EngineName) -> None:
    wire = asked(engine)
    wire.connection.send_informational(1, 103, [(b"link", b"</a>")])
    wire.switch(SWITCH)
    sent = wire.sent()

    assert sent.startswith(b"HTTP/1.1 103 ")
    assert b"\r\n\r\nHTTP/1.1 101 " in sent


def test_answer_before_goes_before(engine: HTTP1EngineName) -> None:
    wire = asked(engine, GET + UPGRADE)
    answer = wire.respond(1)
    wire.take_up()
    wire.connection.send_response(2, 101, SWITCH)
    successor = wire.connection.successor

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert successor is not None
    assert successor.receive_data(b"x", wire.now) == [BodyReceived(2, b"x")]


def test_content_that_comes_with_it(engine: HTTP1EngineName) -> None:
    wire = asked(engine)
    wire.switch(SWITCH, b"hello")

    assert wire.sent().endswith(b"\r\n\r\nhello")
    assert not wire.output_ended()


def test_content_and_end_that_come_with_it(engine: HTTP1EngineName) -> None:
    wire = asked(engine)
    wire.switch(SWITCH, b"bye", end=True)

    assert wire.sent().endswith(b"\r\n\r\nbye")
    assert wire.output_ended()


@pytest.mark.parametrize(
    "data",
    [
        GET,
        UPGRADE.replace(b"1.1", b"1.0"),
        post(5, b"Connection: upgrade", b"Upgrade: echo"),
    ],
)
def test_only_if_asked_for_and_the_content_is_there(engine: HTTP1EngineName, data: bytes) -> None:
    wire = asked(engine, data)

    with pytest.raises(LocalProtocolError):
        wire.connection.send_response(1, 101, SWITCH)
    assert wire.connection.successor is None


def test_only_with_the_name_of_the_protocol(engine: HTTP1EngineName) -> None:
    wire = asked(engine)

    with pytest.raises(LocalProtocolError, match="without Upgrade"):
        wire.connection.send_response(1, 101, [(b"x-upgrade", b"echo")])
    assert b"connection" not in wire.respond()


def test_only_without_trailers(engine: HTTP1EngineName) -> None:
    wire = asked(engine)

    with pytest.raises(LocalProtocolError, match="trailers"):
        wire.connection.send_response(1, 101, SWITCH, b"", False, True)
    assert wire.respond().startswith(b"HTTP/1.1 200 ")


def test_only_once_for_a_request(engine: HTTP1EngineName) -> None:
    """What is sent on a stream that is over is dropped."""
    wire = asked(engine)
    wire.respond()
    wire.connection.send_response(1, 101, SWITCH)

    assert wire.connection.successor is None
    assert wire.sent() == b""


def test_after_content(engine: HTTP1EngineName) -> None:
    wire = asked(engine, post(5, b"Connection: upgrade", b"Upgrade: echo") + b"hello")
    wire.switch(SWITCH)

    assert wire.receive(b"x") == [BodyReceived(1, b"x")]


def test_nothing_is_left_behind(engine: HTTP1EngineName) -> None:
    """Whoever goes on with the connection that was left can do no harm."""
    wire = asked(engine, UPGRADE + b"early")
    left = wire.connection
    wire.switch(SWITCH)
    left.send_body(1, b"lost", True)
    left.consumed(1, 5, wire.now)
    left.reset_stream(1)
    left.close(wire.now)

    assert left.receive_data(GET, wire.now) == []
    assert left.receive_data(b"", wire.now) == []
    assert left.handle_deadline(wire.now + 1e9) == []
    assert left.data_to_send(wire.now) == b""
    assert not left.should_close
    assert wire.take_up() == [BodyReceived(1, b"early")]


def test_denial(engine: HTTP1EngineName) -> None:
    """Another answer than 101 is like any: the connection goes on as it was."""
    wire = asked(engine, UPGRADE + GET)
    assert wire.respond(1, 403).startswith(b"HTTP/1.1 403 ")
    wire.take_up()

    assert wire.respond(2).startswith(b"HTTP/1.1 200 ")


def test_peer_that_leaves_before_the_answer(engine: HTTP1EngineName) -> None:
    wire = asked(engine)

    assert wire.receive(b"") == [InputClosed()]
    wire.connection.reset_stream(1)
    assert wire.connection.should_close


def test_peer_that_leaves_within_its_content(engine: HTTP1EngineName) -> None:
    wire = asked(engine, post(5, b"Connection: upgrade", b"Upgrade: echo"))
    [event] = wire.receive(b"")

    assert isinstance(event, StreamReset)
