"""How connections end by what happens on them: errors, early answers and resets."""

from __future__ import annotations

import h11
import pytest

from hypercorn_protocols.events import BodyEnded, BodyReceived, StreamReset
from hypercorn_protocols.settings import HTTP1EngineName
from tests.protocols.wire import CHUNKED_POST, GET, HEAD, OLD_GET, Client, Wire, post


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\n\r\n", 417),
        (b"get / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        (b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (b"GET / HTTP/2.0\r\n", 505),
    ],
)
def test_refusal_is_a_whole_answer_that_ends_the_output(
    engine: HTTP1EngineName, data: bytes, status: int
) -> None:
    wire = Wire(engine)

    assert wire.receive(data) == []
    client = Client(wire.sent(), closes=True)
    reply = client.read()

    assert reply.status == status
    assert reply.body
    assert reply.values(b"connection") == [b"close"]
    assert client.rest == b""
    assert wire.output_ended()
    assert not wire.connection.is_idle
    assert wire.receive(GET) == []
    assert wire.sent() == b""


def test_refusal_of_head_has_no_content(engine: HTTP1EngineName) -> None:
    wire = Wire(engine, max_body_size=1)
    wire.receive(b"HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")

    reply = Client(wire.sent(), closes=True).read("HEAD")

    assert (reply.status, reply.body) == (413, b"")


def test_refusal_after_head_has_content(engine: HTTP1EngineName) -> None:
    """It answers what came after HEAD, and that asked for who knows what."""
    wire = Wire(engine)
    wire.receive(HEAD)
    wire.respond()
    wire.receive(b"\0")

    reply = Client(wire.sent(), closes=True).read()

    assert (reply.status, reply.body) == (400, b"Bad Request\n")


class TestMalformedContent:
    WRONG = CHUNKED_POST + b"5\r\nhello\r\nx"

    def test_before_the_answer(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)

        assert wire.receive(self.WRONG)[-1] == StreamReset(1, "malformed line")
        assert wire.sent().startswith(b"HTTP/1.1 400 ")
        assert wire.output_ended()
        assert wire.respond() == b""

    @pytest.mark.parametrize("length", [[], [(b"content-length", b"5")]])
    def test_within_the_answer(
        self, engine: HTTP1EngineName, length: list[tuple[bytes, bytes]]
    ) -> None:
        wire = Wire(engine)
        wire.receive(self.WRONG[:-1])
        wire.connection.send_response(1, 200, length, b"abc")
        wire.sent()

        assert wire.receive(b"x") == [StreamReset(1, "malformed line")]
        assert wire.connection.should_close
        wire.connection.send_body(1, b"de", True)
        assert wire.sent() == b""
        assert not wire.connection.should_abort

    def test_within_an_answer_that_ends_with_the_connection(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(b"POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhel")
        wire.connection.send_response(1, 200, [], b"abc")

        wire.wait(5.0)

        assert wire.connection.should_abort
        assert wire.connection.should_close

    def test_after_the_answer(self, engine: HTTP1EngineName) -> None:
        """The answer must not be lost, and there is nobody to tell."""
        wire = Wire(engine)
        wire.receive(CHUNKED_POST)
        wire.connection.send_response(1, 200, [], b"abc", True)

        assert wire.receive(b"x") == []
        assert Client(wire.sent()).read().body == b"abc"
        assert wire.output_ended()
        assert not wire.connection.should_close


class TestEarlyAnswer:
    def test_small_rest_is_thrown_away(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(post(100) + b"x" * 10)

        assert b"close" not in wire.respond()
        assert wire.receive(b"x" * 80) == []
        idle_before = wire.connection.is_idle
        assert wire.receive(b"x" * 10) == []
        assert (idle_before, wire.connection.is_idle) == (False, True)
        assert wire.time_left == 5.0
        assert wire.request(GET).stream_id == 2

    def test_next_request_may_be_there_already(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(post(10))
        wire.respond()
        wire.receive(b"x" * 10 + GET)

        assert len(wire.take_up()) == 1

    def test_peer_is_read_again(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, max_body_buffer=50)
        wire.receive(post(100) + b"x" * 60)
        assert not wire.reads()

        wire.respond()

        assert wire.reads()
        assert wire.time_left == 5.0

    @pytest.mark.parametrize("request_", [post(100_000), CHUNKED_POST])
    def test_large_rest_ends_the_connection(
        self, engine: HTTP1EngineName, request_: bytes
    ) -> None:
        wire = Wire(engine)
        wire.receive(request_)
        wire.respond()

        assert wire.output_ended()
        assert wire.reads()
        assert wire.receive(b"5\r\n") == []
        assert wire.time_left == 2.0

    def test_of_a_request_that_closes(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(post(10, b"Connection: close"))
        wire.respond()

        assert wire.output_ended()

    def test_end_of_input(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(post(10))
        wire.respond()

        assert wire.receive(b"") == []
        assert wire.connection.should_close

    def test_answer_that_goes_on_gets_the_content(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(post(10))
        wire.connection.send_response(1, 200, [], b"abc")

        assert wire.receive(b"x" * 10) == [BodyReceived(1, b"x" * 10), BodyEnded(1, [])]
        wire.connection.send_body(1, b"def", True)
        assert Client(wire.sent()).read().body == b"abcdef"


class TestReset:
    def test_before_the_answer(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(GET)
        wire.connection.reset_stream(1)

        assert wire.connection.should_close
        assert wire.output_ended()
        assert not wire.connection.should_abort
        assert wire.respond() == b""

    def test_within_chunks(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(GET)
        wire.connection.send_response(1, 200, [], b"abc")
        wire.connection.reset_stream(1)

        with pytest.raises(h11.RemoteProtocolError, match="incomplete chunked read"):
            Client(wire.sent(), closes=True).read()
        assert wire.connection.should_close
        assert not wire.connection.should_abort

    def test_within_an_answer_that_ends_with_the_connection(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(OLD_GET)
        wire.connection.send_response(1, 200, [], b"abc")
        wire.connection.reset_stream(1)

        assert wire.connection.should_close
        assert wire.connection.should_abort

    def test_gives_up_what_waits(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine)
        wire.receive(GET + GET)
        wire.connection.reset_stream(1)

        assert wire.wait(0) == []
        assert wire.sent() == b""
