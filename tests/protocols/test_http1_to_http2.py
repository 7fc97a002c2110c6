"""From HTTP/1.1 to HTTP/2: the client's preface as the first bytes, and ``Upgrade: h2c``."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from math import inf
from typing import Any

import pytest

from hypercorn_protocols.events import BodyReceived, ProtocolSwitched, RequestReceived
from hypercorn_protocols.preface import PREFACE
from hypercorn_protocols.settings import HTTP1EngineName
from tests.protocols.wire import GET, Wire, post

# SETTINGS_MAX_CONCURRENT_STREAMS = 100, SETTINGS_INITIAL_WINDOW_SIZE = 2^31 - 1
SETTINGS = b"\x00\x03\x00\x00\x00\x64\x00\x04\x7f\xff\xff\xff"
ENCODED = urlsafe_b64encode(SETTINGS)

SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n"


def upgrade(
    *lines: bytes,
    start: bytes = b"GET /a?b HTTP/1.1",
    connection: bytes = b"Upgrade, HTTP2-Settings",
    protocols: bytes = b"h2c",
    settings: bytes = ENCODED,
) -> bytes:
    """A request for the upgrade; an empty value leaves its field out."""
    fields = {b"Connection": connection, b"Upgrade": protocols, b"HTTP2-Settings": settings}
    named = [b"%b: %b" % field for field in fields.items() if field[1]]
    return b"\r\n".join([start, b"Host: a", *named, *lines, b"", b""])


def wire_of(engine: HTTP1EngineName, **settings: Any) -> Wire:
    return Wire(engine, switch_to_http2=True, **settings)


class TestPreface:
    def test_at_once(self, engine: HTTP1EngineName) -> None:
        wire = wire_of(engine)

        assert wire.receive(PREFACE + b"frames") == [ProtocolSwitched("h2c", PREFACE + b"frames")]
        assert wire.sent() == b""
        assert wire.connection.deadline == inf
        assert not wire.connection.output_ended

    @pytest.mark.parametrize("size", [1, 3, 16, 23])
    def test_in_pieces(self, engine: HTTP1EngineName, size: int) -> None:
        wire = wire_of(engine)
        events = [
            event
            for at in range(0, len(PREFACE), size)
            for event in wire.receive(PREFACE[at : at + size])
        ]

        assert events == [ProtocolSwitched("h2c", PREFACE)]

    def test_nothing_is_read_after_it(self, engine: HTTP1EngineName) -> None:
        wire = wire_of(engine)
        wire.receive(PREFACE)

        assert wire.receive(GET) == []
        assert wire.sent() == b""

    def test_part_of_it_has_a_head_s_time(self, engine: HTTP1EngineName) -> None:
        wire = wire_of(engine, head_timeout=4.0, keep_alive_timeout=9.0)
        assert wire.time_left == 9.0
        wire.receive(PREFACE[:1])
        assert wire.time_left == 4.0
        wire.wait(3.0)
        wire.receive(PREFACE[1:20])
        assert wire.time_left == 1.0
        wire.wait(1.0)

        assert wire.sent().startswith(b"HTTP/1.1 408 ")
        assert wire.output_ended()

    def test_without_any_of_it_the_connection_is_idle(self, engine: HTTP1EngineName) -> None:
        wire = wire_of(engine)
        assert wire.connection.is_idle
        wire.wait(wire.time_left)

        assert wire.connection.should_close
        assert wire.sent() == b""

    def test_part_of_it_is_not_idle(self, engine: HTTP1EngineName) -> None:
        wire = wire_of(engine)
        wire.receive(b"PRI")

        assert not wire.connection.is_idle

    @pytest.mark.parametrize("first", [b"P", b"PR", b""])
    def test_requests_that_begin_like_it(self, engine: HTTP1EngineName, first: bytes) -> None:
        """Their time runs from the first byte, too."""
        wire = wire_of(engine, head_timeout=4.0)
        request = b"PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n"
        if first:
            wire.receive(first)
            wire.wait(3.0)
        wire.receive(request[len(first) : 8])
        assert wire.time_left == (1.0 if first else 4.0)
        (event,) = wire.receive(request[8:])

        assert isinstance(event, RequestReceived)
        assert event.method == "PROPFIND"

    @pytest.mark.parametrize("size", [5, 18, 23])
    def test_other_bytes_at_its_end(self, engine: HTTP1EngineName, size: int) -> None:
        wire = wire_of(engine)
        wire.receive(PREFACE[:size])

        assert wire.receive(b"X\r\n\r\n") == []
        assert wire.sent().split(b" ", 2)[1] in (b"400", b"505")

    @pytest.mark.parametrize("size", [1, 14, 18, 23])
    def test_an_end_within_it(self, engine: HTTP1EngineName, size: int) -> None:
        wire = wire_of(engine)
        wire.receive(PREFACE[:size])

        assert wire.receive(b"") == []
        wire.sent()
        assert wire.connection.should_close

    def test_an_end_before_it(self, engine: HTTP1EngineName) -> None:
        wire = wire_of(engine)

        assert wire.receive(b"") == []
        assert wire.connection.should_close

    def test_only_at_the_start(self, engine: HTTP1EngineName) -> None:
        wire = wire_of(engine)
        wire.request(GET)
        wire.respond()

        assert wire.receive(PREFACE) == []
        assert wire.sent().startswith(b"HTTP/1.1 505 ")

    def test_only_if_it_is_allowed(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)

        assert wire.receive(PREFACE) == []
        assert wire.sent().startswith(b"HTTP/1.1 505 ")

    @pytest.mark.parametrize(
        "first",
        [
            b"INVALID CONNECTION PREFACE\r\n\r\n",
            b"PRI x SM\r\n",
            b"GET index.html 1.1\r\nHost: a\r\n\r\n",
            b"\x16\x03 \x01 \x00\r\n",
        ],
    )
    def test_who_speaks_neither_is_not_answered(
        self, engine: HTTP1EngineName, first: bytes
    ) -> None:
        """RFC 9113 section 3.4: an invalid preface is a connection error without an answer."""
        wire = wire_of(engine)

        assert wire.receive(first) == []
        assert wire.sent() == b""
        assert wire.connection.should_close
        assert wire.output_ended()

    def test_who_speaks_neither_may_begin_like_the_preface(self, engine: HTTP1EngineName) -> None:
        wire = wire_of(engine)
        wire.receive(PREFACE[:4])

        assert wire.receive(b"x SM\r\n") == []
        assert wire.sent() == b""
        assert wire.connection.should_close

    @pytest.mark.parametrize(
        "first",
        [
            b"INVALID PREFACE\r\n\r\n",
            b"INVALID  PREFACE\r\n\r\n",
            b"NOT A CONNECTION PREFACE\r\n\r\n",
            b"GET index.html HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET / FTP/1.1\r\nHost: a\r\n\r\n",
            b"GET example.com:80 HTTPS/1.1\r\n\r\n",
            b"OPTIONS * RTSP/1.0\r\n\r\n",
            b"\r\nINVALID CONNECTION PREFACE\r\n\r\n",
        ],
    )
    def test_mistakes_in_http1_are_answered(self, engine: HTTP1EngineName, first: bytes) -> None:
        wire = wire_of(engine)

        assert wire.receive(first) == []
        assert wire.sent().startswith(b"HTTP/1.1 400 ")

    def test_neither_is_told_by_a_whole_line(self, engine: HTTP1EngineName) -> None:
        """The rest of the line might have been that of a request."""
        wire = wire_of(engine)
        wire.receive(b"INVALID CONNECTION ")

        assert wire.receive(b"PREFACE\r\n\r\n") == []
        assert wire.sent().startswith(b"HTTP/1.1 400 ")

    def test_neither_is_for_the_start_alone(self, engine: HTTP1EngineName) -> None:
        wire = wire_of(engine)
        wire.request(GET)
        wire.respond()

        assert wire.receive(b"INVALID CONNECTION PREFACE\r\n\r\n") == []
        assert wire.sent().startswith(b"HTTP/1.1 400 ")

    def test_neither_is_told_only_where_http2_may_come(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)

        assert wire.receive(b"INVALID CONNECTION PREFACE\r\n\r\n") == []
        assert wire.sent().startswith(b"HTTP/1.1 400 ")

    def test_a_connection_that_is_to_close_switches(self, engine: HTTP1EngineName) -> None:
        """The client speaks nothing else; HTTP/2 has its own way to close."""
        wire = wire_of(engine)
        wire.connection.close(wire.now)

        assert wire.receive(PREFACE) == [ProtocolSwitched("h2c", PREFACE)]


class TestUpgrade:
    def test_switches(self, engine: HTTP1EngineName) -> None:
        wire = wire_of(engine)
        (event,) = wire.receive(upgrade(b"X-Y: z") + PREFACE)

        assert event == ProtocolSwitched(
            "h2c",
            PREFACE,
            RequestReceived(1, "GET", b"/a?b", [(b"host", b"a"), (b"x-y", b"z")], "1.1", True),
            SETTINGS,
        )
        assert wire.sent() == SWITCHING
        assert wire.connection.deadline == inf
        assert not wire.connection.output_ended

    def test_names_are_in_lower_case(self, engine: HTTP1EngineName) -> None:
        wire = wire_of(engine, keep_header_case=True)
        (event,) = wire.receive(upgrade(b"X-Y: z"))

        assert isinstance(event, ProtocolSwitched)
        assert event.request is not None
        assert event.request.headers == [(b"host", b"a"), (b"x-y", b"z")]

    def test_a_later_request(self, engine: HTTP1EngineName) -> None:
        wire = wire_of(engine)
        wire.receive(GET + upgrade() + b"frames")
        wire.respond()
        (event,) = wire.take_up()

        assert isinstance(event, ProtocolSwitched)
        assert event.data == b"frames"
        assert wire.sent() == SWITCHING

    def test_the_old_connection_answers_no_more(self, engine: HTTP1EngineName) -> None:
        wire = wire_of(engine)
        wire.receive(upgrade())
        wire.sent()

        assert wire.respond() == b""
        assert wire.receive(GET) == []

    @pytest.mark.parametrize(
        "data",
        [
            upgrade(protocols=b"websocket, H2C"),
            upgrade(connection=b"keep-alive, http2-settings, upgrade"),
            upgrade(start=b"HEAD / HTTP/1.1"),
            upgrade(start=b"OPTIONS * HTTP/1.1"),
            upgrade(b"Content-Length: 0"),
        ],
    )
    def test_ways_to_ask(self, engine: HTTP1EngineName, data: bytes) -> None:
        assert isinstance(wire_of(engine).receive(data)[0], ProtocolSwitched)

    @pytest.mark.parametrize(
        "data",
        [
            upgrade(start=b"GET / HTTP/1.0"),
            upgrade(settings=b""),
            upgrade(b"HTTP2-Settings: " + ENCODED),
            upgrade(settings=ENCODED[:-1]),
            upgrade(settings=ENCODED + b"AA=="),
            upgrade(settings=b"AAMAAAB+AAQ/AP__"),
            upgrade(settings=b"AAMA AABk"),
            upgrade(connection=b"Upgrade"),
            upgrade(connection=b"HTTP2-Settings"),
            upgrade(connection=b"close, Upgrade, HTTP2-Settings"),
            upgrade(protocols=b"websocket"),
            upgrade(protocols=b"h2"),
            upgrade(protocols=b""),
        ],
    )
    def test_what_is_ignored(self, engine: HTTP1EngineName, data: bytes) -> None:
        wire = wire_of(engine)
        request = wire.request(data)

        assert request.end_stream
        assert wire.respond().startswith(b"HTTP/1.1 200 ")

    def test_content_has_to_come_first(self, engine: HTTP1EngineName) -> None:
        wire = wire_of(engine)
        lines = upgrade().split(b"\r\n")[2:-2]
        request, content = wire.receive(post(2, *lines) + b"ab")[:2]

        assert isinstance(request, RequestReceived)
        assert content == BodyReceived(1, b"ab")
        assert wire.respond().startswith(b"HTTP/1.1 200 ")

    def test_not_if_it_is_not_allowed(self, engine: HTTP1EngineName) -> None:
        assert Wire(engine).request(upgrade()).upgrade == b"h2c"

    def test_not_on_a_connection_that_is_to_close(self, engine: HTTP1EngineName) -> None:
        wire = wire_of(engine)
        wire.connection.close(wire.now)

        assert wire.request(upgrade()).target == b"/a?b"

    def test_not_with_the_last_request(self, engine: HTTP1EngineName) -> None:
        assert wire_of(engine, max_requests=1).request(upgrade()).target == b"/a?b"

    def test_not_for_who_sends_nothing_more(self, engine: HTTP1EngineName) -> None:
        wire = wire_of(engine)
        wire.receive(GET + upgrade())
        wire.receive(b"")
        wire.respond()

        assert isinstance(wire.take_up()[0], RequestReceived)


def test_what_http1_has_not(engine: HTTP1EngineName) -> None:
    wire = Wire(engine)
    wire.receive(GET)

    assert not wire.connection.can_push
    assert not wire.connection.push(1, b"/a", [])
    wire.connection.release(1)
    assert wire.respond().startswith(b"HTTP/1.1 200 ")
