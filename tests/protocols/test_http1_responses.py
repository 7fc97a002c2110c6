"""Answers: their framing as a client that is not ours reads it, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hypercorn_protocols.connection import Headers
from hypercorn_protocols.errors import LocalProtocolError
from hypercorn_protocols.settings import HTTP1EngineName
from tests.protocols.wire import GET, HEAD, OLD_GET, Client, Wire

PLAIN = [(b"content-type", b"text/plain")]


def started(engine: HTTP1EngineName, request: bytes = GET) -> Wire:
    """A connection whose first request waits for its answer."""
    wire = Wire(engine)
    wire.receive(request)
    return wire


def test_bytes_of_a_small_answer(engine: HTTP1EngineName) -> None:
    wire = Wire(engine, defaults=[(b"date", b"today"), (b"server", b"hypercorn")])
    wire.receive(GET)

    assert wire.respond(headers=PLAIN, body=b"Hello") == (
        b"HTTP/1.1 200 OK\r\n"
        b"content-type: text/plain\r\n"
        b"date: today\r\n"
        b"server: hypercorn\r\n"
        b"content-length: 5\r\n"
        b"\r\n"
        b"Hello"
    )


class TestFraming:
    def test_length_is_known_when_all_is_sent_at_once(self, engine: HTTP1EngineName) -> None:
        reply = Client(started(engine).respond(body=b"hello")).read()

        assert (reply.body, reply.values(b"content-length")) == (b"hello", [b"5"])

    def test_nothing_has_a_length_too(self, engine: HTTP1EngineName) -> None:
        reply = Client(started(engine).respond()).read()

        assert (reply.body, reply.values(b"content-length")) == (b"", [b"0"])

    def test_length_of_the_application(self, engine: HTTP1EngineName) -> None:
        wire = started(engine)
        wire.connection.send_response(1, 200, [(b"Content-Length", b"10")], b"hello")
        wire.connection.send_body(1, b"")
        wire.connection.send_body(1, b"world")
        wire.connection.send_body(1, b"", True)

        reply = Client(wire.sent()).read()

        assert (reply.body, reply.values(b"content-length")) == (b"helloworld", [b"10"])
        assert wire.connection.is_idle

    def test_chunks(self, engine: HTTP1EngineName) -> None:
        wire = started(engine)
        wire.connection.send_response(1, 200, [])
        assert wire.sent().endswith(b"\r\ntransfer-encoding: chunked\r\n\r\n")
        wire.connection.send_body(1, b"x" * 26)
        wire.connection.send_body(1, b"")
        assert wire.sent() == b"1a\r\n" + b"x" * 26 + b"\r\n"
        wire.connection.send_body(1, b"end", True)
        assert wire.sent() == b"3\r\nend\r\n0\r\n\r\n"
        assert wire.connection.is_idle

    def test_http_1_0_reads_until_the_end(self, engine: HTTP1EngineName) -> None:
        wire = started(engine, b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        wire.connection.send_response(1, 200, [], b"hello ")
        wire.connection.send_body(1, b"world", True)

        reply = Client(wire.sent(), closes=True).read()

        assert reply.body == b"hello world"
        assert reply.values(b"connection") == [b"close"]
        assert reply.values(b"transfer-encoding") == []
        assert wire.output_ended()

    def test_http_1_0_persists_with_a_length(self, engine: HTTP1EngineName) -> None:
        wire = started(engine, b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")

        reply = Client(wire.respond(body=b"hello")).read()

        assert reply.values(b"connection") == [b"keep-alive"]
        assert wire.connection.is_idle

    @pytest.mark.parametrize("headers", [[], [(b"content-length", b"5")]])
    def test_head_has_no_content(self, engine: HTTP1EngineName, headers: Headers) -> None:
        wire = started(engine, HEAD)
        wire.connection.send_response(1, 200, headers, b"hel")
        wire.connection.send_body(1, b"lo and more", True)
        sent = wire.sent()

        assert sent.endswith(b"\r\n\r\n")
        assert Client(sent).read("HEAD").headers == headers
        assert wire.connection.is_idle

    @pytest.mark.parametrize(("status", "length"), [(204, []), (304, [b"5"]), (205, [b"0"])])
    def test_status_without_content(
        self, engine: HTTP1EngineName, status: int, length: list[bytes]
    ) -> None:
        wire = started(engine)
        headers = [(b"content-length", b"5")]
        wire.connection.send_response(1, status, headers, b"hello")
        wire.connection.send_body(1, b" world", True)

        client = Client(wire.sent())
        reply = client.read()

        assert (reply.status, reply.body, client.rest) == (status, b"", b"")
        assert reply.values(b"content-length") == length
        assert wire.connection.is_idle

    def test_transfer_encoding_of_the_application_is_dropped(
        self, engine: HTTP1EngineName
    ) -> None:
        headers = [(b"Transfer-Encoding", b"gzip, chunked"), (b"Keep-Alive", b"timeout=5")]

        reply = Client(started(engine).respond(headers=headers, body=b"hello")).read()

        assert reply.headers == [(b"content-length", b"5")]

    def test_equal_lengths_are_one(self, engine: HTTP1EngineName) -> None:
        headers = [(b"content-length", b"5"), (b"Content-Length", b"05")]

        reply = Client(started(engine).respond(headers=headers, body=b"hello")).read()

        assert reply.values(b"content-length") == [b"5"]


class TestTrailers:
    def send(self, wire: Wire, headers: Headers = ()) -> bytes:
        wire.connection.send_response(1, 200, headers, b"hello", True, True)
        wire.connection.send_trailers(1, [(b"X-Sum", b"abc")])
        return wire.sent()

    def test_in_chunks(self, engine: HTTP1EngineName) -> None:
        wire = started(engine)

        reply = Client(self.send(wire)).read()

        assert (reply.body, reply.trailers) == (b"hello", [(b"x-sum", b"abc")])
        assert wire.connection.is_idle

    def test_displace_a_length(self, engine: HTTP1EngineName) -> None:
        reply = Client(self.send(started(engine), [(b"content-length", b"5")])).read()

        assert reply.headers == [(b"transfer-encoding", b"chunked")]
        assert (reply.body, reply.trailers) == (b"hello", [(b"x-sum", b"abc")])

    @pytest.mark.parametrize("length", [[], [(b"content-length", b"5")]])
    def test_are_dropped_for_http_1_0(self, engine: HTTP1EngineName, length: Headers) -> None:
        wire = started(engine, OLD_GET)

        reply = Client(self.send(wire, length), closes=True).read()

        assert (reply.body, reply.trailers) == (b"hello", [])
        assert wire.output_ended()

    def test_are_dropped_for_head(self, engine: HTTP1EngineName) -> None:
        wire = started(engine, HEAD)

        assert self.send(wire) == b"HTTP/1.1 200 OK\r\n\r\n"
        assert wire.connection.is_idle

    def test_end_a_response_that_announced_none(self, engine: HTTP1EngineName) -> None:
        wire = started(engine)
        wire.connection.send_response(1, 200, [], b"hello")
        wire.connection.send_trailers(1, [(b"a", b"b")])

        assert Client(wire.sent()).read().trailers == [(b"a", b"b")]

    def test_are_dropped_behind_a_length(self, engine: HTTP1EngineName) -> None:
        wire = started(engine)
        wire.connection.send_response(1, 200, [(b"content-length", b"5")], b"hello")
        wire.connection.send_trailers(1, [(b"a", b"b")])

        client = Client(wire.sent())
        assert (client.read().trailers, client.rest) == ([], b"")
        assert wire.connection.is_idle


class TestInformational:
    def test_comes_before_the_answer(self, engine: HTTP1EngineName) -> None:
        wire = started(engine)
        wire.connection.send_informational(1, 103, [(b"Link", b"</a.css>; rel=preload")])
        wire.connection.send_informational(1, 102, [])
        assert wire.sent() == (
            b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
            b"HTTP/1.1 102 Processing\r\n\r\n"
        )

    def test_is_followed_by_the_answer(self, engine: HTTP1EngineName) -> None:
        wire = started(engine)
        wire.connection.send_informational(1, 103, [])

        reply = Client(wire.respond(body=b"x")).read()

        assert (reply.interim, reply.status, reply.body) == ([103], 200, b"x")

    def test_is_dropped_for_http_1_0(self, engine: HTTP1EngineName) -> None:
        wire = started(engine, OLD_GET)
        wire.connection.send_informational(1, 103, [(b"link", b"x")])

        assert wire.sent() == b""


class TestDefaults:
    DEFAULTS = ((b"date", b"today"), (b"server", b"ours"), (b"alt-svc", b"h3"))

    def test_are_added(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, defaults=self.DEFAULTS)
        wire.receive(GET)

        reply = Client(wire.respond()).read()

        assert reply.headers == [*self.DEFAULTS, (b"content-length", b"0")]

    @pytest.mark.parametrize("name", [b"Date", b"SERVER", b"alt-svc"])
    def test_give_way_to_the_application(self, engine: HTTP1EngineName, name: bytes) -> None:
        wire = Wire(engine, defaults=self.DEFAULTS)
        wire.receive(GET)

        reply = Client(wire.respond(headers=[(name, b"theirs")])).read()

        assert reply.values(name.lower()) == [b"theirs"]
        assert len(reply.headers) == 4

    def test_come_with_errors_too(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, defaults=self.DEFAULTS)
        wire.receive(b"\0")

        reply = Client(wire.sent(), closes=True).read()

        assert reply.status == 400
        assert reply.values(b"date") == [b"today"]
        assert reply.values(b"connection") == [b"close"]


class TestConnectionOptions:
    def test_close(self, engine: HTTP1EngineName) -> None:
        wire = started(engine)

        reply = Client(wire.respond(headers=[(b"Connection", b"Close")])).read()

        assert reply.values(b"connection") == [b"close"]
        assert wire.output_ended()

    def test_others_are_kept(self, engine: HTTP1EngineName) -> None:
        headers = [(b"connection", b"keep-alive, X-Hop"), (b"x-hop", b"1")]

        reply = Client(started(engine).respond(headers=headers)).read()

        assert reply.values(b"connection") == [b"x-hop, keep-alive"]

    def test_keep_alive_needs_no_word(self, engine: HTTP1EngineName) -> None:
        wire = started(engine)

        assert b"connection" not in wire.respond(headers=[(b"connection", b"keep-alive")])


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (200, b"HTTP/1.1 200 OK"),
        (404, b"HTTP/1.1 404 Not Found"),
        (299, b"HTTP/1.1 299 Unknown"),
        (999, b"HTTP/1.1 999 Unknown"),
    ],
)
def test_status_line_has_a_reason(engine: HTTP1EngineName, status: int, line: bytes) -> None:
    """Clients exist that need one."""
    assert started(engine).respond(status=status).startswith(line + b"\r\n")


WRONG_HEADERS = [
    [(b"a", b"b\r\nc: d")],
    [(b"a", b"b\nc: d")],
    [(b"a", b"b\rc")],
    [(b"a", b"b\0")],
    [(b"a", b"\n"), (b"b", b"\r")],
    [(b"a", b"\x01")],
    [(b"a", b"b\x7fc")],
    [(b"a\r\nb", b"c")],
    [(b"a b", b"c")],
    [(b"a:", b"c")],
    [(b"", b"c")],
    [(b":status", b"200")],
    [(b"\xe9", b"c")],
    [(b"content-length", b"")],
    [(b"content-length", b"-1")],
    [(b"content-length", b"+5")],
    [(b"content-length", b"5 ")],
    [(b"content-length", b"1" * 19)],
    [(b"content-length", b"5"), (b"content-length", b"6")],
    [(b"connection", b"close\r\n")],
    [(b"connection", b"")],
    [(b"connection", b"a b")],
    [("a", b"b")],
    [(b"a", "b")],
    [("content-length", "5")],
    [(b"content-length", 5)],
    [(b"content-length", "5")],
    [(b"connection", "close")],
    [(bytearray(b"a"), b"b")],
    [(b"a", None)],
    [(b"a",)],
    [None],
    None,
]


@pytest.mark.parametrize("headers", WRONG_HEADERS)
@pytest.mark.parametrize("method", ["send_response", "send_informational"])
def test_wrong_headers_send_nothing(
    engine: HTTP1EngineName, headers: Headers, method: str
) -> None:
    wire = started(engine)
    status = 200 if method == "send_response" else 103

    with pytest.raises(LocalProtocolError):
        getattr(wire.connection, method)(1, status, headers)

    assert wire.sent() == b""
    assert Client(wire.respond(status=500, body=b"sorry")).read().status == 500


@pytest.mark.parametrize("headers", [*WRONG_HEADERS[:13], [(b"content-length", b"5")]])
def test_wrong_trailers_send_nothing(engine: HTTP1EngineName, headers: Headers) -> None:
    wire = started(engine)
    wire.connection.send_response(1, 200, [], b"x", trailers=True)
    wire.sent()

    with pytest.raises(LocalProtocolError):
        wire.connection.send_trailers(1, headers)

    assert wire.sent() == b""


def test_names_made_up_by_an_application_are_checked_each_time(engine: HTTP1EngineName) -> None:
    headers = [(b"x-%d" % number, b"y") for number in range(3_000)]
    wire = Wire(engine, max_requests=None)
    for stream_id in (1, 2):
        wire.receive(GET)
        assert wire.respond(stream_id, headers=headers).count(b": y\r\n") == 3_000


Send = Callable[[Wire], object]


@pytest.mark.parametrize(
    "send",
    [
        lambda wire: wire.connection.send_response(1, 200, [(b"content-length", b"5")], b"123456"),
        lambda wire: wire.connection.send_response(
            1, 200, [(b"content-length", b"5")], b"1", True
        ),
        lambda wire: wire.connection.send_response(1, 200, [(b"content-length", b"5")], b"", True),
        lambda wire: wire.connection.send_response(1, 99, []),
        lambda wire: wire.connection.send_response(1, 100, []),
        lambda wire: wire.connection.send_response(1, 103, []),
        lambda wire: wire.connection.send_response(1, 1000, []),
        lambda wire: wire.connection.send_response(1, -200, []),
        lambda wire: wire.connection.send_response(1, "200", []),
        lambda wire: wire.connection.send_response(1, 101, [(b"upgrade", b"x")]),
        lambda wire: wire.connection.send_informational(1, 100, []),
        lambda wire: wire.connection.send_informational(1, 101, []),
        lambda wire: wire.connection.send_informational(1, 200, []),
        lambda wire: wire.connection.send_informational(1, 99, []),
        lambda wire: wire.connection.send_body(1, b"x"),
        lambda wire: wire.connection.send_body(1, b"", True),
        lambda wire: wire.connection.send_trailers(1, []),
    ],
)
def test_misuse_before_the_head_sends_nothing(engine: HTTP1EngineName, send: Send) -> None:
    wire = started(engine)

    with pytest.raises(LocalProtocolError):
        send(wire)

    assert wire.sent() == b""
    assert Client(wire.respond(status=500)).read().status == 500


@pytest.mark.parametrize(
    "send",
    [
        lambda wire: wire.connection.send_response(1, 200, []),
        lambda wire: wire.connection.send_informational(1, 103, []),
        lambda wire: wire.connection.send_response(1, 101, [(b"upgrade", b"x")]),
        lambda wire: wire.connection.send_body(1, b"123456"),
        lambda wire: wire.connection.send_body(1, b"1234", True),
        lambda wire: wire.connection.send_trailers(1, []),
    ],
)
def test_misuse_after_the_head_sends_nothing(engine: HTTP1EngineName, send: Send) -> None:
    wire = started(engine)
    wire.connection.send_response(1, 200, [(b"content-length", b"5")])
    wire.sent()

    with pytest.raises(LocalProtocolError):
        send(wire)

    assert wire.sent() == b""
    wire.connection.send_body(1, b"12345", True)
    assert wire.sent() == b"12345"
    assert wire.connection.is_idle


def test_what_is_sent_on_another_stream_is_dropped(engine: HTTP1EngineName) -> None:
    wire = started(engine)
    connection = wire.connection
    for stream_id in (0, 2):
        connection.send_informational(stream_id, 103, [])
        connection.send_response(stream_id, 200, [], b"x", True)
        connection.send_body(stream_id, b"x", True)
        connection.send_trailers(stream_id, [])
        connection.reset_stream(stream_id)

    assert wire.sent() == b""
    assert connection.buffered(1) == 0
    assert wire.respond().startswith(b"HTTP/1.1 200 OK\r\n")


def test_what_is_sent_after_the_end_is_dropped(engine: HTTP1EngineName) -> None:
    wire = started(engine)
    wire.respond()
    connection = wire.connection

    connection.send_informational(1, 103, [])
    connection.send_response(1, 200, [], b"x", True)
    connection.send_response(1, 101, [])
    connection.send_body(1, b"x", True)
    connection.send_trailers(1, [])
    connection.reset_stream(1)

    assert wire.sent() == b""
    assert connection.is_idle
    assert not connection.should_close
