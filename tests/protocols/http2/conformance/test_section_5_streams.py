"""RFC 9113 sections 5.1.1 to 5.3: identifiers of streams, their number and their priorities."""

from __future__ import annotations

import pytest

from hypercorn_protocols.events import BodyReceived, RequestReceived, StreamReset
from hypercorn_protocols.settings import HTTP2EngineName
from tests.protocols.http2 import frames
from tests.protocols.http2.client import GET, Client, replies
from tests.protocols.http2.conformance.errors import (
    assert_connection_error,
    assert_ignored,
    assert_stream_error,
    resets,
)
from tests.protocols.http2.frames import Code, Type, of_kind


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
