"""Which connection a peer gets, and what takes over from it."""

from __future__ import annotations

import pytest

from hypercorn_protocols import (
    DefaultHeaders,
    HTTP1Connection,
    HTTP1Settings,
    HTTP2Connection,
    HTTP2Settings,
    Negotiator,
    ProtocolSwitched,
    RequestReceived,
    ServerConnection,
)
from hypercorn_protocols.preface import PREFACE
from tests.protocols.test_http1_to_http2 import upgrade
from tests.protocols.wire import GET

NOW = 100.0
EMPTY_SETTINGS = b"\0\0\0\4\0\0\0\0\0"


def negotiator(*, h2c: bool = True) -> Negotiator:
    return Negotiator(
        HTTP1Settings(switch_to_http2=h2c),
        HTTP2Settings(),
        DefaultHeaders([(b"server", b"one")]),
        DefaultHeaders([(b"server", b"two")]),
    )


def switches(connection: ServerConnection) -> bool:
    events = connection.receive_data(PREFACE, NOW)
    return [type(event) for event in events] == [ProtocolSwitched]


def test_alpn_chooses_http2() -> None:
    assert isinstance(negotiator(h2c=False).connect("h2", True, NOW), HTTP2Connection)


@pytest.mark.parametrize("alpn", [None, "http/1.1", "acme-tls/1"])
def test_over_tls_anything_else_is_http1_for_good(alpn: str | None) -> None:
    connection = negotiator().connect(alpn, True, NOW)

    assert isinstance(connection, HTTP1Connection)
    assert not switches(connection)


@pytest.mark.parametrize("h2c", [True, False])
def test_clear_text_may_switch(h2c: bool) -> None:
    connection = negotiator(h2c=h2c).connect(None, False, NOW)

    assert isinstance(connection, HTTP1Connection)
    assert switches(connection) is h2c


def test_each_protocol_has_its_default_fields() -> None:
    connection = negotiator().connect(None, False, NOW)
    connection.receive_data(GET, NOW)
    connection.send_response(1, 200, (), b"", True)

    assert b"\r\nserver: one\r\n" in connection.data_to_send(NOW)


def test_switch_by_the_preface() -> None:
    chosen = negotiator()
    (event,) = chosen.connect(None, False, NOW).receive_data(PREFACE + EMPTY_SETTINGS, NOW)
    assert isinstance(event, ProtocolSwitched)
    connection, events = chosen.switch(event, NOW)

    assert isinstance(connection, HTTP2Connection)
    assert events == []
    assert connection.data_to_send(NOW).endswith(b"\0\0\0\4\1\0\0\0\0")  # it was understood


@pytest.mark.parametrize("early", [b"", PREFACE + EMPTY_SETTINGS])
def test_switch_by_upgrade(early: bytes) -> None:
    chosen = negotiator()
    (event,) = chosen.connect(None, False, NOW).receive_data(upgrade() + early, NOW)
    assert isinstance(event, ProtocolSwitched)
    connection, (request,) = chosen.switch(event, NOW)

    assert request == RequestReceived(1, "GET", b"/a?b", [(b"host", b"a")], "2", True)
    connection.send_response(1, 200, (), b"answer", True)
    if not early:  # content waits for the client's preface
        assert b"answer" not in connection.data_to_send(NOW)
        connection.receive_data(PREFACE + EMPTY_SETTINGS, NOW)
    assert b"answer" in connection.data_to_send(NOW)
