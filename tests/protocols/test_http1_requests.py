"""Heads of requests become events."""

from __future__ import annotations

from math import inf

import pytest

from hypercorn_protocols.events import RequestReceived
from hypercorn_protocols.settings import HTTP1EngineName
from tests.protocols.wire import GET, OLD_GET, Wire


def test_request_is_one_event(engine: HTTP1EngineName) -> None:
    wire = Wire(engine)
    data = b"GET /a%20b?c=d HTTP/1.1\r\nHost: example.com\r\nX-Empty:\r\nX-Two:  a b \t\r\n\r\n"

    assert wire.receive(data) == [
        RequestReceived(
            stream_id=1,
            method="GET",
            target=b"/a%20b?c=d",
            headers=[(b"host", b"example.com"), (b"x-empty", b""), (b"x-two", b"a b")],
            http_version="1.1",
            end_stream=True,
            expects_continue=False,
            upgrade=None,
        )
    ]
    assert not wire.connection.is_idle
    assert wire.connection.deadline == inf
    assert wire.sent() == b""


def test_repeated_fields_keep_their_order(engine: HTTP1EngineName) -> None:
    event = Wire(engine).request(
        b"GET / HTTP/1.1\r\nCookie: a=1\r\nHost: a\r\nCOOKIE: b=2\r\nX:\r\nX: \xe9\r\n\r\n"
    )

    assert event.headers == [
        (b"cookie", b"a=1"),
        (b"host", b"a"),
        (b"cookie", b"b=2"),
        (b"x", b""),
        (b"x", b"\xe9"),
    ]


def test_header_case_is_kept_on_request(engine: HTTP1EngineName) -> None:
    wire = Wire(engine, keep_header_case=True)

    event = wire.request(b"POST / HTTP/1.1\r\nHost: a\r\nContent-LENGTH: 0\r\nX-y: Z  \r\n\r\n")

    assert event.headers == [(b"Host", b"a"), (b"Content-LENGTH", b"0"), (b"X-y", b"Z")]
    assert event.end_stream


def test_framing_fields_are_handed_out_as_they_are(engine: HTTP1EngineName) -> None:
    event = Wire(engine).request(
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked \r\n\r\n"
    )

    assert event.headers == [(b"host", b"a"), (b"transfer-encoding", b"Chunked")]


@pytest.mark.parametrize("method", ["GET", "PATCH", "PROPFIND", "M-SEARCH", "X!"])
def test_any_method_in_upper_case(engine: HTTP1EngineName, method: str) -> None:
    event = Wire(engine).request(method.encode() + b" / HTTP/1.1\r\nHost: a\r\n\r\n")

    assert event.method == method


@pytest.mark.parametrize(("sent", "version"), [(b"1.0", "1.0"), (b"1.1", "1.1"), (b"1.7", "1.1")])
def test_version(engine: HTTP1EngineName, sent: bytes, version: str) -> None:
    event = Wire(engine).request(b"GET / HTTP/" + sent + b"\r\nHost: a\r\n\r\n")

    assert event.http_version == version


class TestAbsoluteForm:
    def test_its_authority_replaces_host(self, engine: HTTP1EngineName) -> None:
        event = Wire(engine).request(
            b"GET http://b:81/c?d HTTP/1.1\r\nX: y\r\nHost: a\r\nZ: z\r\n\r\n"
        )

        assert event.target == b"/c?d"
        assert event.headers == [(b"host", b"b:81"), (b"x", b"y"), (b"z", b"z")]

    def test_also_where_the_case_of_names_is_kept(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, keep_header_case=True)

        event = wire.request(b"GET http://b/ HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n")

        assert event.headers == [(b"host", b"b"), (b"X", b"y")]

    def test_gives_a_host_to_http_1_0(self, engine: HTTP1EngineName) -> None:
        event = Wire(engine).request(b"GET http://b HTTP/1.0\r\n\r\n")

        assert event.headers == [(b"host", b"b")]
        assert event.target == b"/"


def test_asterisk_form(engine: HTTP1EngineName) -> None:
    assert Wire(engine).request(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").target == b"*"


def test_http_1_0_needs_no_host(engine: HTTP1EngineName) -> None:
    event = Wire(engine).request(OLD_GET)

    assert (event.http_version, event.headers) == ("1.0", [])


@pytest.mark.parametrize(
    ("version", "fields", "persists"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"Connection: keep-alive\r\n", True),
        (b"1.1", b"Connection: close\r\n", False),
        (b"1.1", b"Connection: x, CLOSE ,y\r\n", False),
        (b"1.1", b"Connection: keep-alive, close\r\n", False),
        (b"1.1", b"Connection: close\r\nConnection: keep-alive\r\n", False),
        (b"1.1", b"Connection: keep-alive\r\nConnection: close\r\n", False),
        (b"1.1", b"Connection: closed\r\n", True),
        (b"1.1", b"Connection:\r\n", True),
        (b"1.0", b"", False),
        (b"1.0", b"Connection: Keep-Alive\r\n", True),
        (b"1.0", b"Connection: te, keep-alive\r\n", True),
        (b"1.0", b"Connection: close\r\nConnection: keep-alive\r\n", False),
    ],
)
def test_persistence(
    engine: HTTP1EngineName, version: bytes, fields: bytes, persists: bool
) -> None:
    wire = Wire(engine)
    wire.receive(b"GET / HTTP/" + version + b"\r\nHost: a\r\n" + fields + b"\r\n")
    answer = wire.respond()

    assert wire.output_ended() is not persists
    if version == b"1.0":
        said = b"keep-alive" if persists else b"close"
        assert b"\r\nconnection: " + said + b"\r\n" in answer
    else:
        assert (b"\r\nconnection: close\r\n" in answer) is not persists
    if persists:
        assert wire.connection.is_idle
        assert wire.request(GET).stream_id == 2


def test_empty_lines_before_a_request_are_ignored(engine: HTTP1EngineName) -> None:
    wire = Wire(engine)

    assert wire.receive(b"\r") == []
    assert wire.receive(b"\n\r\n\r") == []
    assert wire.receive(b"\n") == []
    assert wire.connection.is_idle
    assert wire.time_left == 5.0
    assert wire.request(b"\r\n" + GET).method == "GET"


def test_empty_line_after_a_request_does_not_end_the_connection(engine: HTTP1EngineName) -> None:
    """Old clients send one after content (RFC 9112 section 2.2)."""
    wire = Wire(engine)
    wire.receive(GET + b"\r\n")
    wire.respond()

    assert wire.take_up() == []
    assert wire.time_left == 5.0
    assert not wire.output_ended()
    assert wire.request(GET).stream_id == 2


def test_half_an_empty_line_does_not_hold_the_connection(engine: HTTP1EngineName) -> None:
    wire = Wire(engine)
    wire.receive(GET + b"\r")
    wire.respond()

    assert wire.take_up() == []
    assert wire.time_left == 5.0
    assert wire.wait(5.0) == []
    assert wire.connection.should_close
    assert wire.sent() == b""


def test_head_in_two_pieces(engine: HTTP1EngineName) -> None:
    for cut in range(1, len(GET)):
        wire = Wire(engine)

        assert wire.receive(GET[:cut]) == []
        assert not wire.connection.is_idle
        assert wire.request(GET[cut:]).method == "GET"


class TestUpgrade:
    def test_is_told_with_its_connection_option(self, engine: HTTP1EngineName) -> None:
        event = Wire(engine).request(
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n"
            b"Upgrade: h2c\r\nUpgrade: websocket\r\n\r\n"
        )

        assert event.upgrade == b"h2c, websocket"

    @pytest.mark.parametrize(
        "lines",
        [
            b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgraded\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade:\r\nConnection: upgrade\r\n",
            b"GET / HTTP/1.0\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\n",
        ],
    )
    def test_is_ignored_otherwise(self, engine: HTTP1EngineName, lines: bytes) -> None:
        assert Wire(engine).request(lines + b"\r\n").upgrade is None
