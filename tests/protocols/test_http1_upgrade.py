"""101: the connection becomes a tunnel (RFC 9110 section 7.8)."""

from __future__ import annotations

import pytest

from hypercorn_protocols.errors import LocalProtocolError
from hypercorn_protocols.events import BodyEnded, BodyReceived
from hypercorn_protocols.settings import HTTP1EngineName
from tests.protocols.wire import GET, Wire, post

UPGRADE = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"
SWITCH = [(b"upgrade", b"echo")]


def switched(engine: HTTP1EngineName, data: bytes = UPGRADE) -> Wire:
    wire = Wire(engine)
    wire.receive(data)
    wire.connection.send_response(1, 101, SWITCH)
    return wire


def test_bytes(engine: HTTP1EngineName) -> None:
    wire = switched(engine)

    assert wire.sent() == (
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\nconnection: upgrade\r\n\r\n"
    )


def test_content_goes_both_ways(engine: HTTP1EngineName) -> None:
    wire = switched(engine)
    wire.sent()

    assert wire.receive(GET) == [BodyReceived(1, GET)]
    wire.connection.send_body(1, b"any\0thing")
    assert wire.sent() == b"any\0thing"
    assert wire.connection.deadline > wire.now + 1e9
    assert not wire.connection.is_idle


def test_back_pressure(engine: HTTP1EngineName) -> None:
    wire = switched(engine)
    wire.receive(b"x" * 65_537)
    assert not wire.reads()
    wire.connection.consumed(1, 65_537, wire.now)
    assert wire.reads()


def test_what_came_before_is_handed_out(engine: HTTP1EngineName) -> None:
    wire = switched(engine, UPGRADE + b"early")

    assert wire.take_up() == [BodyReceived(1, b"early")]
    assert wire.wait(1_000.0) == []


def test_what_came_before_goes_before_what_comes(engine: HTTP1EngineName) -> None:
    wire = switched(engine, UPGRADE + b"early")

    assert wire.receive(b" late") == [BodyReceived(1, b"early late")]
    assert wire.wait(0) == []


def test_end_of_input(engine: HTTP1EngineName) -> None:
    wire = switched(engine)

    assert wire.receive(b"") == [BodyEnded(1, [])]
    assert wire.receive(b"") == []
    assert not wire.output_ended()
    wire.sent()
    wire.connection.send_body(1, b"bye", True)
    assert wire.sent() == b"bye"
    assert wire.connection.should_close


@pytest.mark.parametrize(
    ("early", "events"),
    [(b"", [BodyEnded(1, [])]), (b"x", [BodyReceived(1, b"x"), BodyEnded(1, [])])],
)
def test_end_of_input_that_came_before(
    engine: HTTP1EngineName, early: bytes, events: list[object]
) -> None:
    wire = Wire(engine)
    wire.receive(UPGRADE + early)
    wire.receive(b"")
    wire.connection.send_response(1, 101, SWITCH)

    assert wire.take_up() == events
    assert not wire.connection.should_close


def test_end_of_output(engine: HTTP1EngineName) -> None:
    wire = switched(engine)
    wire.connection.send_body(1, b"bye", True)

    assert wire.sent().endswith(b"\r\n\r\nbye")
    assert wire.output_ended()
    assert wire.time_left == 2.0


def test_reset(engine: HTTP1EngineName) -> None:
    wire = switched(engine)
    wire.connection.reset_stream(1)

    assert wire.connection.should_abort


def test_other_connection_options_are_kept(engine: HTTP1EngineName) -> None:
    wire = Wire(engine)
    wire.receive(UPGRADE)
    headers = [*SWITCH, (b"connection", b"Upgrade, x-hop"), (b"content-length", b"5")]
    wire.connection.send_response(1, 101, headers)

    assert wire.sent().endswith(b"\r\nupgrade: echo\r\nconnection: x-hop, upgrade\r\n\r\n")


@pytest.mark.parametrize(
    "data",
    [
        GET,
        UPGRADE.replace(b"1.1", b"1.0"),
        post(5, b"Connection: upgrade", b"Upgrade: echo"),
    ],
)
def test_only_if_asked_for_and_the_content_is_there(engine: HTTP1EngineName, data: bytes) -> None:
    with pytest.raises(LocalProtocolError):
        switched(engine, data)


def test_only_with_the_name_of_the_protocol(engine: HTTP1EngineName) -> None:
    wire = Wire(engine)
    wire.receive(UPGRADE)

    with pytest.raises(LocalProtocolError, match="without Upgrade"):
        wire.connection.send_response(1, 101, [(b"x-upgrade", b"echo")])
    assert b"connection" not in wire.respond()


def test_after_content(engine: HTTP1EngineName) -> None:
    data = post(5, b"Connection: upgrade", b"Upgrade: echo") + b"hello"

    assert switched(engine, data).receive(b"x") == [BodyReceived(1, b"x")]
