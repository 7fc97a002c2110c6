"""Contents of requests: framing, trailers, back-pressure, and who waits for whom."""

from __future__ import annotations

from math import inf

import pytest

from hypercorn_protocols.events import BodyEnded, BodyReceived, RequestReceived, StreamReset
from hypercorn_protocols.settings import HTTP1EngineName
from tests.protocols.wire import CHUNKED_POST, GET, Wire, post

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
EXPECTING = post(5, b"Expect: 100-continue")


class TestContentLength:
    def test_in_one_piece(self, engine: HTTP1EngineName) -> None:
        request, *content = Wire(engine).receive(post(5) + b"hello")

        assert isinstance(request, RequestReceived)
        assert not request.end_stream
        assert content == [BodyReceived(1, b"hello"), BodyEnded(1, [])]

    def test_in_several_pieces(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(post(5))

        assert wire.receive(b"he") == [BodyReceived(1, b"he")]
        assert wire.receive(b"llo") == [BodyReceived(1, b"llo"), BodyEnded(1, [])]
        assert wire.connection.deadline == inf

    def test_none(self, engine: HTTP1EngineName) -> None:
        assert Wire(engine).request(post(0)).end_stream

    def test_leaves_what_follows(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)

        assert wire.receive(post(5) + b"hello" + GET)[1:] == [
            BodyReceived(1, b"hello"),
            BodyEnded(1, []),
        ]
        wire.respond()
        assert isinstance(wire.take_up()[0], RequestReceived)


class TestChunked:
    def test_chunks_of_one_read_are_one_piece(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)

        assert wire.receive(CHUNKED_POST + b"5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n")[1:] == [
            BodyReceived(1, b"hello world"),
            BodyEnded(1, []),
        ]

    def test_chunk_that_is_there_in_part(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(CHUNKED_POST)

        assert wire.receive(b"5") == []
        assert wire.receive(b"\r\nhe") == [BodyReceived(1, b"he")]
        assert wire.receive(b"llo") == [BodyReceived(1, b"llo")]
        assert wire.receive(b"\r") == []
        assert wire.receive(b"\n5\r\nworld\r\n0") == [BodyReceived(1, b"world")]
        assert wire.receive(b"\r\n\r") == []
        assert wire.receive(b"\n") == [BodyEnded(1, [])]

    def test_empty(self, engine: HTTP1EngineName) -> None:
        request, *content = Wire(engine).receive(CHUNKED_POST + b"0\r\n\r\n")

        assert isinstance(request, RequestReceived)
        assert not request.end_stream
        assert content == [BodyEnded(1, [])]

    def test_leaves_what_follows(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(CHUNKED_POST + b"1\r\nx\r\n0\r\nA: b\r\n\r\n" + GET)
        wire.respond()

        assert isinstance(wire.take_up()[0], RequestReceived)


class TestTrailers:
    def test_come_with_the_end(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)

        events = wire.receive(CHUNKED_POST + b"0\r\nX-Sum: abc \r\nX-Empty:\r\n\r\n")

        assert events[1:] == [BodyEnded(1, [(b"x-sum", b"abc"), (b"x-empty", b"")])]

    def test_in_pieces(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(CHUNKED_POST + b"0\r\nX-S")

        assert wire.receive(b"um: abc\r") == []
        assert wire.receive(b"\n\r") == []
        assert wire.receive(b"\n") == [BodyEnded(1, [(b"x-sum", b"abc")])]

    @pytest.mark.parametrize(
        "name", [b"Content-Length", b"Transfer-Encoding", b"Host", b"Authorization", b"Cookie"]
    )
    def test_of_which_some_are_dropped(self, engine: HTTP1EngineName, name: bytes) -> None:
        """RFC 9110 section 6.5.1: what decides about a request comes before it."""
        events = Wire(engine).receive(CHUNKED_POST + b"0\r\n" + name + b": 5\r\nX: y\r\n\r\n")

        assert events[1:] == [BodyEnded(1, [(b"x", b"y")])]


class TestExpectContinue:
    def test_is_answered_when_the_content_is_asked_for(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)

        assert wire.request(EXPECTING).expects_continue
        assert wire.sent() == b""
        wire.connection.consumed(1, 0, wire.now)
        assert wire.sent() == CONTINUE
        wire.connection.consumed(1, 0, wire.now)
        assert wire.sent() == b""
        assert wire.receive(b"hello") == [BodyReceived(1, b"hello"), BodyEnded(1, [])]
        assert b"close" not in wire.respond()

    def test_waits_for_the_application(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(EXPECTING)

        assert wire.connection.deadline == inf
        wire.now += 1_000
        wire.connection.consumed(1, 0, wire.now)
        assert wire.time_left == 5.0

    def test_is_not_answered_after_content(self, engine: HTTP1EngineName) -> None:
        """RFC 9110 section 10.1.1: the client did not wait."""
        wire = Wire(engine)
        wire.receive(EXPECTING + b"h")

        wire.connection.consumed(1, 0, wire.now)

        assert wire.sent() == b""
        assert wire.time_left == 5.0

    def test_first_byte_that_is_no_content_starts_the_timer(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(
            b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        wire.receive(b"5")

        assert wire.time_left == 5.0

    def test_is_ignored_for_http_1_0(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        event = wire.request(
            b"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        )
        wire.connection.consumed(1, 0, wire.now)

        assert not event.expects_continue
        assert wire.sent() == b""

    def test_is_ignored_without_content(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        event = wire.request(post(0, b"Expect: 100-continue"))
        wire.connection.consumed(1, 0, wire.now)

        assert not event.expects_continue
        assert b"close" not in wire.respond()

    def test_final_answer_without_it_closes(self, engine: HTTP1EngineName) -> None:
        """The client may or may not send the content after it: the framing is lost."""
        wire = Wire(engine)
        wire.receive(EXPECTING)

        assert b"\r\nconnection: close\r\n" in wire.respond(status=403)
        assert wire.output_ended()
        assert wire.receive(b"hello" + GET) == []

    def test_is_too_late_after_the_answer_began(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(EXPECTING)
        wire.connection.send_response(1, 200, [])
        wire.sent()

        wire.connection.consumed(1, 0, wire.now)

        assert wire.sent() == b""

    def test_is_not_answered_twice_by_the_application(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, max_body_size=4)

        assert wire.receive(EXPECTING) == []
        assert wire.sent().startswith(b"HTTP/1.1 413 ")


class TestBackPressure:
    def test_peer_is_not_read_while_too_much_waits(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, max_body_buffer=100)
        wire.receive(post(1_000) + b"x" * 100)
        assert wire.reads()
        wire.receive(b"x")
        assert not wire.reads()
        assert wire.connection.deadline == inf

        wire.connection.consumed(1, 50, wire.now)
        assert not wire.reads()
        wire.connection.consumed(1, 1, wire.now)
        assert wire.reads()
        assert wire.time_left == 5.0

    def test_what_comes_all_the_same_is_handed_out(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, max_body_buffer=10)
        wire.receive(post(100) + b"x" * 20)

        assert wire.receive(b"y" * 20) == [BodyReceived(1, b"y" * 20)]
        assert not wire.reads()
        assert wire.connection.deadline == inf

    def test_chunk_headers_do_not_make_it_wait_for_the_peer(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, max_body_buffer=10)
        wire.receive(CHUNKED_POST + b"14\r\n" + b"x" * 20)
        wire.receive(b"\r\n1")

        assert not wire.reads()
        assert wire.connection.deadline == inf

    def test_ends_with_the_content(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, max_body_buffer=10)

        assert wire.receive(post(20) + b"x" * 20)[-1] == BodyEnded(1, [])
        assert wire.reads()

    def test_what_others_consumed_does_not_count(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, max_body_buffer=10)
        wire.receive(post(100) + b"x" * 20)

        wire.connection.consumed(7, 20, wire.now)

        assert not wire.reads()


class TestMaxBodySize:
    def test_of_a_known_length(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, max_body_size=5)
        assert wire.receive(post(5) + b"hello")[-1] == BodyEnded(1, [])

        wire = Wire(engine, max_body_size=5)
        assert wire.receive(post(6) + b"hello!") == []
        assert wire.sent().startswith(b"HTTP/1.1 413 ")
        assert wire.output_ended()

    def test_of_chunks(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, max_body_size=5)
        wire.receive(CHUNKED_POST + b"5\r\nhello\r\n")

        assert wire.receive(b"1\r\n") == [StreamReset(1, "the content is too large")]
        assert wire.sent().startswith(b"HTTP/1.1 413 ")

    def test_none_at_all(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, max_body_size=0)

        assert wire.request(GET).end_stream
        wire.respond()
        assert wire.receive(CHUNKED_POST + b"0\r\n\r\n")[-1] == BodyEnded(2, [])


class TestEndOfInput:
    @pytest.mark.parametrize("data", [post(5) + b"hell", CHUNKED_POST, CHUNKED_POST + b"0\r\n"])
    def test_within_content(self, engine: HTTP1EngineName, data: bytes) -> None:
        wire = Wire(engine)
        wire.receive(data)

        assert wire.receive(b"") == [StreamReset(1, "the peer left within its request")]
        assert wire.connection.should_close
        assert wire.respond() == b""

    def test_within_content_that_was_there_before(self, engine: HTTP1EngineName) -> None:
        """A pipelined request that the peer did not finish is given up as soon as it is read."""
        wire = Wire(engine)
        wire.receive(GET + post(5) + b"hell")
        wire.receive(b"")
        wire.respond()

        events = wire.take_up()

        assert [type(event) for event in events] == [RequestReceived, BodyReceived, StreamReset]
        assert wire.connection.should_close
