"""RFC 9113 section 5.1: what may come in which state of a stream."""

from __future__ import annotations

import pytest

from hypercorn_protocols.events import RequestReceived, StreamReset
from hypercorn_protocols.settings import HTTP2EngineName
from tests.protocols.http2 import frames
from tests.protocols.http2.client import GET, POST, Client, replies
from tests.protocols.http2.conformance.errors import (
    assert_connection_error,
    assert_ignored,
    assert_stream_error,
    resets,
)
from tests.protocols.http2.frames import Code, Type, of_kind


class TestIdle:
    """Section 5.1, idle: "Receiving any frame other than HEADERS or PRIORITY on a stream in this
    state MUST be treated as a connection error of type PROTOCOL_ERROR"."""

    @pytest.mark.parametrize("stream_id", [1, 2, 7])
    @pytest.mark.parametrize("kind", ["DATA", "RST_STREAM", "WINDOW_UPDATE", "CONTINUATION"])
    def test_frame_is_a_connection_error(self, client: Client, kind: str, stream_id: int) -> None:
        data = {
            "DATA": frames.data(stream_id, b"test", end=True),
            "RST_STREAM": frames.rst_stream(stream_id),
            "WINDOW_UPDATE": frames.window_update(stream_id, 100),
            "CONTINUATION": frames.continuation(stream_id, b"\x82"),
        }[kind]

        assert_connection_error(client, data, Code.PROTOCOL_ERROR, last_stream_id=0)

    def test_priority_is_taken(self, client: Client) -> None:
        assert_ignored(client, frames.priority(99, 0, 256))

    def test_priority_of_a_later_stream_opens_nothing(self, client: Client) -> None:
        """A lower identifier may still be used after it."""
        client.receive(frames.priority(9))

        assert client.request().stream_id == 1

    def test_priority_update_is_taken(self, client: Client) -> None:
        """RFC 9218 section 7.1."""
        assert_ignored(client, frames.priority_update(1, b"u=0, i"))


class TestHalfClosedRemote:
    """Section 5.1, half-closed (remote): "If an endpoint receives additional frames, other than
    WINDOW_UPDATE, PRIORITY, or RST_STREAM, for a stream that is in this state, it MUST respond
    with a stream error of type STREAM_CLOSED"."""

    @pytest.mark.parametrize("content", [b"", b"test"])
    def test_data_is_a_stream_error(self, client: Client, content: bytes) -> None:
        client.request()

        assert_stream_error(client, frames.data(1, content, end=True), Code.STREAM_CLOSED)

    def test_data_returns_credit_of_the_connection(self, client: Client) -> None:
        """Section 5.1 and 6.9: it counts nevertheless."""
        for _ in range(20):
            stream_id = client.request().stream_id
            client.receive(frames.data(stream_id, bytes(16_000)))
            client.frames()

        assert client.observer.upload.connection >= 32_000

    def test_headers_are_a_stream_error(self, client: Client) -> None:
        client.request()

        assert_stream_error(client, frames.headers(1, client.block()), Code.STREAM_CLOSED)

    def test_headers_after_the_end_of_content_are_a_stream_error(self, client: Client) -> None:
        client.upload()
        client.receive(frames.data(1, b"x", end=True))

        assert_stream_error(client, frames.headers(1, client.block()), Code.STREAM_CLOSED)

    def test_continuation_is_a_connection_error(self, client: Client) -> None:
        """Section 6.10 has the last word: no block is open."""
        client.request()

        assert_connection_error(
            client, frames.continuation(1, client.block()), Code.PROTOCOL_ERROR
        )

    def test_window_update_is_taken(self, client: Client) -> None:
        client.request()

        assert_ignored(client, frames.window_update(1, 100))
        client.respond(1)
        assert replies(client.frames())[1].ended

    def test_priority_is_taken(self, client: Client) -> None:
        client.request()

        assert_ignored(client, frames.priority(1) + frames.priority_update(1))

    def test_rst_stream_ends_it(self, client: Client) -> None:
        client.request()
        [event] = client.receive(frames.rst_stream(1))

        assert isinstance(event, StreamReset)
        assert client.frames() == []
        assert client.exchange().body == b"alive"


class TestClosedByTheClient:
    """Section 5.1, closed: "An endpoint that receives any frame other than PRIORITY after
    receiving a RST_STREAM MUST treat that as a stream error of type STREAM_CLOSED" (RFC 7540),
    "MAY treat ... as a connection error of type STREAM_CLOSED" (RFC 9113)."""

    @pytest.fixture
    def reset(self, client: Client) -> Client:
        """A client that has reset stream 1."""
        client.upload()
        client.receive(frames.rst_stream(1))
        client.release(1)
        assert client.frames() == []
        return client

    @pytest.mark.parametrize("kind", ["DATA", "HEADERS"])
    def test_frame_is_an_error(self, reset: Client, kind: str) -> None:
        block = reset.block(POST)
        data = frames.data(1, b"x") if kind == "DATA" else frames.headers(1, block)
        assert reset.receive(data) == []

        [error] = of_kind(reset.frames(), Type.RST_STREAM, Type.GOAWAY)
        assert error.code == Code.STREAM_CLOSED
        if error.kind == Type.RST_STREAM:
            assert reset.exchange().body == b"alive"

    def test_continuation_is_a_connection_error(self, reset: Client) -> None:
        data = frames.continuation(1, b"\x82")

        assert_connection_error(reset, data, Code.STREAM_CLOSED, Code.PROTOCOL_ERROR)

    def test_priority_is_taken(self, reset: Client) -> None:
        assert_ignored(reset, frames.priority(1) + frames.priority_update(1))

    def test_window_update_is_ignored(self, reset: Client) -> None:
        assert_ignored(reset, frames.window_update(1, 100))

    def test_second_rst_stream_is_ignored(self, reset: Client) -> None:
        assert_ignored(reset, frames.rst_stream(1) + frames.rst_stream(1, Code.NO_ERROR))

    def test_answer_is_dropped(self, client: Client) -> None:
        """The application may not know yet."""
        client.request()
        client.receive(frames.rst_stream(1))
        client.connection.send_response(1, 200, [], b"hello")
        client.connection.send_body(1, b" world", True)
        client.connection.send_trailers(1, [])
        client.connection.send_informational(1, 103, [])
        client.connection.consumed(1, 10, client.now)
        client.connection.reset_stream(1)

        assert client.connection.buffered(1) == 0
        assert client.frames() == []
        client.release(1)
        assert client.exchange().body == b"alive"

    def test_answer_that_waits_is_dropped(self, client: Client) -> None:
        client.request()
        client.respond(1, 200, [], bytes(200_000))
        client.frames()
        client.receive(frames.rst_stream(1))

        assert client.connection.buffered(1) == 0
        assert client.frames() == []
        client.receive(frames.window_update(0, 100_000))
        assert client.exchange().body == b"alive"


class TestClosedByBoth:
    """Section 5.1, closed: "A stream enters the "closed" state after an endpoint both sends and
    receives a frame with an END_STREAM flag set"."""

    @pytest.fixture
    def closed(self, client: Client) -> Client:
        """A client whose stream 1 is over."""
        client.exchange()
        return client

    @pytest.mark.parametrize("kind", ["DATA", "HEADERS"])
    def test_frame_is_a_connection_error(self, closed: Client, kind: str) -> None:
        data = frames.data(1, b"x") if kind == "DATA" else frames.headers(1, closed.block())

        assert_connection_error(closed, data, Code.STREAM_CLOSED, last_stream_id=1)

    def test_continuation_is_a_connection_error(self, closed: Client) -> None:
        data = frames.continuation(1, b"\x82")

        assert_connection_error(closed, data, Code.STREAM_CLOSED, Code.PROTOCOL_ERROR)

    def test_priority_is_taken(self, closed: Client) -> None:
        assert_ignored(closed, frames.priority(1) + frames.priority_update(1))

    def test_window_update_and_rst_stream_are_ignored(self, closed: Client) -> None:
        """ "might receive a WINDOW_UPDATE or RST_STREAM frame from its peer in the time before the
        peer receives and processes the frame that closes the stream"."""
        assert_ignored(closed, frames.window_update(1, 100))
        assert_ignored(closed, frames.rst_stream(1) + frames.rst_stream(1))


class TestClosedByTheServer:
    """Section 5.1, closed: "An endpoint that sends a RST_STREAM frame ... could receive any type
    of frame. ... MUST minimally process and then discard any frames it receives"."""

    @pytest.fixture
    def refused(self, client: Client) -> Client:
        """A client whose stream 1 the server has reset."""
        client.upload()
        client.connection.reset_stream(1)
        client.release(1)
        assert [key for key, _ in resets(client.frames())] == [1]
        return client

    @pytest.mark.parametrize(
        "data",
        [
            frames.data(1, b"x"),
            frames.data(1, b"x", end=True),
            frames.window_update(1, 1),
            frames.rst_stream(1),
            frames.priority(1),
            frames.data(1, b"x") + frames.rst_stream(1),
        ],
        ids=["DATA", "DATA-end", "WINDOW_UPDATE", "RST_STREAM", "PRIORITY", "DATA-RST_STREAM"],
    )
    def test_frames_are_ignored(self, refused: Client, data: bytes) -> None:
        assert_ignored(refused, data)

    def test_trailers_are_ignored_and_decoded(self, refused: Client) -> None:
        refused.receive(frames.headers(1, refused.block([(b"x-sum", b"remember")])))
        assert resets(refused.frames()) == []
        [event] = refused.receive(refused.headers([*GET, (b"x-sum", b"remember")]))

        assert isinstance(event, RequestReceived)
        assert event.headers[-1] == (b"x-sum", b"remember")

    def test_data_returns_credit_of_the_connection(self, refused: Client) -> None:
        for _ in range(4):
            assert refused.receive(frames.data(1, bytes(16_000))) == []
            refused.frames()

        assert refused.observer.upload.connection >= 32_000

    def test_stream_of_a_malformed_request_is_ignored(self, client: Client) -> None:
        data = client.headers([*POST, (b"te", b"gzip")], end=False)
        assert_stream_error(client, data, Code.PROTOCOL_ERROR)

        assert_ignored(client, frames.data(1, b"x") + frames.data(1, b"y", end=True))

    def test_refused_stream_is_ignored(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, max_concurrent_streams=1)
        client.request()
        client.receive(client.headers(POST, end=False))
        assert resets(client.frames()) == [(3, Code.REFUSED_STREAM)]
        client.respond(1)
        client.frames()

        assert_ignored(client, frames.data(3, b"x") + frames.data(3, b"y", end=True))
