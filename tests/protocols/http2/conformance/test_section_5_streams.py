"""RFC 9113 sections 5.1 and 5.3: states of streams, their identifiers, number and priorities."""

from __future__ import annotations

import pytest

from hypercorn_protocols.events import BodyReceived, RequestReceived, StreamReset
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


class TestIdentifiers:
    """Section 5.1.1."""

    @pytest.mark.parametrize("stream_id", [2, 4, 100])
    def test_even_one_is_a_connection_error(self, client: Client, stream_id: int) -> None:
        """ "Streams initiated by a client MUST use odd-numbered stream identifiers"."""
        data = frames.headers(stream_id, client.block())

        assert_connection_error(client, data, Code.PROTOCOL_ERROR, last_stream_id=0)

    def test_zero_is_a_connection_error(self, client: Client) -> None:
        data = frames.headers(0, client.block())

        assert_connection_error(client, data, Code.PROTOCOL_ERROR)

    def test_smaller_one_is_a_connection_error(self, client: Client) -> None:
        """ "The identifier of a newly established stream MUST be numerically greater than all
        streams that the initiating endpoint has opened"."""
        client.receive(frames.headers(5, client.block()))
        data = frames.headers(3, client.block())

        assert_connection_error(client, data, Code.PROTOCOL_ERROR, last_stream_id=5)

    def test_gaps_are_allowed(self, client: Client) -> None:
        for stream_id in (3, 101, 2**31 - 1):
            [event] = client.receive(frames.headers(stream_id, client.block()))
            assert isinstance(event, RequestReceived)
            assert event.stream_id == stream_id
            client.respond(stream_id, 200, [], b"x")

        assert sorted(replies(client.frames())) == [3, 101, 2**31 - 1]

    @pytest.mark.parametrize("kind", ["DATA", "RST_STREAM", "WINDOW_UPDATE"])
    def test_skipped_ones_are_closed(self, client: Client, kind: str) -> None:
        """ "The first use of a new stream identifier implicitly closes all streams in the "idle"
        state that might have been initiated by that peer with a lower-valued stream
        identifier": no state may be made of them."""
        client.receive(frames.headers(5, client.block()))
        data = {
            "DATA": frames.data(3, b"x"),
            "RST_STREAM": frames.rst_stream(3),
            "WINDOW_UPDATE": frames.window_update(3, 1),
        }[kind]
        client.frames()
        events = client.receive(data)
        errors = of_kind(client.frames(), Type.RST_STREAM, Type.GOAWAY)

        assert [event for event in events if isinstance(event, BodyReceived)] == []
        assert {error.code for error in errors} <= {Code.STREAM_CLOSED, Code.PROTOCOL_ERROR}
        assert errors or kind != "DATA"


class TestConcurrency:
    """Section 5.1.2."""

    def test_one_too_many_is_refused(self, engine: HTTP2EngineName) -> None:
        """ "An endpoint that receives a HEADERS frame that causes its advertised concurrent stream
        limit to be exceeded MUST treat this as a stream error"."""
        client = Client(engine, max_concurrent_streams=2)
        client.upload()
        client.request()

        assert client.receive(client.headers()) == []
        assert resets(client.frames()) == [(5, Code.REFUSED_STREAM)]
        client.respond(3, 200, [], b"x")
        assert replies(client.frames())[3].ended
        assert client.exchange().body == b"alive"

    def test_streams_that_are_over_do_not_count(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, max_concurrent_streams=1)
        for _ in range(3):
            assert client.exchange().body == b"alive"

    def test_streams_that_the_application_works_on_count(self, engine: HTTP2EngineName) -> None:
        """CVE-2023-44487: those that the client has reset are work still."""
        client = Client(engine, max_concurrent_streams=1)
        client.request()
        client.receive(frames.rst_stream(1))

        assert client.receive(client.headers()) == []
        assert resets(client.frames()) == [(3, Code.REFUSED_STREAM)]
        client.release(1)
        assert client.exchange().body == b"alive"

    @pytest.mark.parametrize(
        "mistake",
        [
            frames.window_update(1, 0),
            frames.window_update(1, 2**31 - 1),
            frames.data(1, b"x"),
            frames.frame(Type.PRIORITY, 0, 1, b""),
        ],
        ids=["WINDOW_UPDATE-0", "WINDOW_UPDATE-overflow", "DATA", "PRIORITY"],
    )
    def test_streams_that_the_client_has_reset_by_a_mistake_count(
        self, engine: HTTP2EngineName, mistake: bytes
    ) -> None:
        """CVE-2025-8671: the application works on them still."""
        client = Client(engine, max_concurrent_streams=1)
        client.request()
        assert [type(event) for event in client.receive(mistake)] == [StreamReset]

        assert client.receive(client.headers()) == []
        assert (3, Code.REFUSED_STREAM) in resets(client.frames())
        client.release(1)
        assert client.exchange().body == b"alive"

    def test_streams_whose_answer_is_not_sent_count(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, max_concurrent_streams=1)
        client.request()
        client.respond(1, 200, [], bytes(100_000))
        client.frames()

        assert client.receive(client.headers()) == []
        assert resets(client.frames()) == [(3, Code.REFUSED_STREAM)]
        client.receive(frames.window_update(0, 2**20), frames.window_update(1, 2**20))
        assert replies(client.frames())[1].ended
        assert client.exchange().body == b"alive"


class TestPriority:
    """Section 5.3, which deprecates the scheme of RFC 7540 but keeps its frames."""

    def test_headers_with_priority_are_taken(self, client: Client) -> None:
        for weight in (1, 256):
            data = client.headers(priority=frames.dependency(0, weight, exclusive=True))
            [event] = client.receive(data)
            assert isinstance(event, RequestReceived)

    @pytest.mark.parametrize("depends_on", [0, 3, 2, 2**31 - 1])
    @pytest.mark.parametrize("weight", [1, 256])
    def test_priority_is_taken(self, client: Client, depends_on: int, weight: int) -> None:
        client.upload()

        assert_ignored(client, frames.priority(1, depends_on, weight))

    def test_headers_that_depend_on_themselves_are_a_stream_error(self, client: Client) -> None:
        """RFC 7540 section 5.3.1: "A stream cannot depend on itself. An endpoint MUST treat this
        as a stream error of type PROTOCOL_ERROR"."""
        data = client.headers(priority=frames.dependency(1))

        assert_stream_error(client, data, Code.PROTOCOL_ERROR)

    def test_headers_that_depend_on_themselves_are_decoded(self, client: Client) -> None:
        """Section 4.3: every field block is."""
        block = client.block([*GET, (b"x-mark", b"remember me")])
        data = frames.headers(
            client.next_id(), block[:5], end_headers=False, priority=frames.dependency(1)
        )
        assert_stream_error(client, data + frames.continuation(1, block[5:]), Code.PROTOCOL_ERROR)

        fields = [*GET, (b"x-mark", b"remember me")]
        assert client.request(fields).headers[-1] == fields[-1]

    def test_trailers_that_depend_on_themselves_are_a_stream_error(self, client: Client) -> None:
        client.upload()
        block = client.block([(b"x-sum", b"1")])
        data = frames.headers(1, block, priority=frames.dependency(1))

        assert_stream_error(client, data, Code.PROTOCOL_ERROR)

    def test_priority_that_depends_on_itself_is_a_stream_error(self, client: Client) -> None:
        client.upload()

        assert_stream_error(client, frames.priority(1, 1), Code.PROTOCOL_ERROR)

    def test_priority_of_an_idle_stream_on_itself_is_a_connection_error(
        self, client: Client
    ) -> None:
        """Section 6.4: an idle stream cannot be reset."""
        assert_connection_error(client, frames.priority(1, 1), Code.PROTOCOL_ERROR)
