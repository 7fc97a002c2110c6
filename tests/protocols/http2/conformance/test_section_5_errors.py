"""RFC 9113 sections 5.4, 5.5 and 7: error handling, extensions, error codes."""

from __future__ import annotations

import pytest

from hypercorn_protocols.events import RequestReceived, StreamReset
from tests.protocols.http2 import frames
from tests.protocols.http2.client import GET, POST, Client, replies
from tests.protocols.http2.conformance.errors import (
    assert_connection_error,
    assert_ignored,
    assert_stream_error,
    reset_ids,
    resets,
)
from tests.protocols.http2.frames import Code, Setting, Type, of_kind


class TestConnectionErrors:
    """Section 5.4.1."""

    def test_goaway_then_end(self, client: Client) -> None:
        """ "SHOULD first send a GOAWAY frame with the stream identifier of the last stream that
        it successfully received ... After sending the GOAWAY frame for an error condition, the
        endpoint MUST close the TCP connection"."""
        assert_connection_error(
            client, frames.ping(b"short"), Code.FRAME_SIZE_ERROR, last_stream_id=0
        )

    def test_goaway_names_the_last_stream(self, client: Client) -> None:
        for _ in range(3):
            client.exchange()

        assert_connection_error(client, frames.ping(b""), Code.FRAME_SIZE_ERROR, last_stream_id=5)

    def test_applications_hear_of_it(self, client: Client) -> None:
        client.request()
        client.upload()
        client.request()
        client.respond(5, 200, [], b"x")
        events = client.receive(frames.ping(b""))

        assert sorted(reset_ids(events)) == [1, 3]

    def test_answers_that_are_begun_are_cut_off(self, client: Client) -> None:
        client.request()
        client.respond(1, 200, [], b"begun", end=False)
        assert replies(client.frames())[1].body == b"begun"
        events = client.receive(frames.ping(b""))
        client.connection.send_body(1, b"more", True)

        assert reset_ids(events) == [1]
        assert [frame.kind for frame in client.frames()] == [Type.GOAWAY]

    def test_what_comes_after_it_is_ignored(self, client: Client) -> None:
        events = client.receive(
            frames.ping(b""), client.headers(), frames.ping(), frames.settings()
        )

        assert events == []
        assert [frame.kind for frame in client.frames()] == [Type.GOAWAY]

    def test_requests_before_it_in_the_same_data_are_announced_and_reset(
        self, client: Client
    ) -> None:
        """Or not announced at all: the application must not wait for ever."""
        events = client.receive(client.headers(POST, end=False), frames.ping(b""))

        announced = [event for event in events if not isinstance(event, StreamReset)]
        assert len(announced) == len(reset_ids(events))


class TestStreamErrors:
    """Section 5.4.2."""

    def test_rst_stream_and_no_more(self, client: Client) -> None:
        """ "The endpoint that sends a RST_STREAM frame MUST be prepared to receive any frames that
        were sent or enqueued for sending by the remote peer"."""
        client.upload(length=3)
        data = frames.data(1, b"four") + frames.data(1, b"more") + frames.rst_stream(1)

        assert_stream_error(client, data, Code.PROTOCOL_ERROR)

    def test_other_streams_go_on(self, client: Client) -> None:
        client.upload()
        client.upload(length=1)
        client.receive(frames.data(3, b"two"))
        client.receive(frames.data(1, b"x", end=True))
        client.respond(1, 200, [], b"hello")

        found = replies(client.frames())
        assert (found[1].body, found[1].ended) == (b"hello", True)
        assert found[3].reset == Code.PROTOCOL_ERROR

    def test_what_follows_in_the_same_data_is_read(self, client: Client) -> None:
        bad = [*GET, (b"te", b"gzip")]
        events = client.receive(
            client.headers(bad), client.headers(), client.headers(bad), client.headers()
        )

        assert [event.stream_id for event in events] == [3, 7]
        assert resets(client.frames()) == [
            (1, Code.PROTOCOL_ERROR),
            (5, Code.PROTOCOL_ERROR),
        ]

    def test_request_and_reset_in_the_same_data(self, client: Client) -> None:
        first, second = client.receive(client.headers(), frames.rst_stream(1))

        assert isinstance(first, RequestReceived)
        assert isinstance(second, StreamReset)

    def test_rst_stream_is_not_answered_with_rst_stream(self, client: Client) -> None:
        """ "To avoid looping, an endpoint MUST NOT send a RST_STREAM in response to a
        RST_STREAM"."""
        client.upload()
        client.receive(frames.rst_stream(1, Code.PROTOCOL_ERROR))
        client.connection.reset_stream(1)

        assert client.frames() == []


class TestConnectionTermination:
    """Section 5.4.3: "If the TCP connection is closed or reset while streams remain in the "open"
    or "half-closed" states, then the affected streams cannot be automatically retried"."""

    def test_end_of_input_ends_every_unfinished_request(self, client: Client) -> None:
        client.upload()
        client.receive(client.headers(), frames.data(1, b"x"))
        events = client.receive(b"")

        assert 1 in reset_ids(events)

    def test_end_of_input_of_an_idle_connection_closes_it(self, client: Client) -> None:
        client.exchange()
        assert client.receive(b"") == []

        client.frames()
        assert client.connection.should_close

    def test_half_a_frame_and_the_end_of_input(self, client: Client) -> None:
        assert client.receive(client.headers()[:-1]) == []
        assert client.receive(b"") == []

        client.frames()
        assert client.connection.should_close


class TestExtensions:
    """Section 5.5."""

    def test_unknown_frame_is_ignored(self, client: Client) -> None:
        """ "Implementations MUST ignore unknown or unsupported values in all extensible protocol
        elements"."""
        assert_ignored(client, frames.frame(0x16, 0, 0, b"\0" * 8))

    def test_unknown_frame_in_a_field_block_is_a_connection_error(self, client: Client) -> None:
        """ "extension frames that appear in the middle of a field block are not permitted; these
        MUST be treated as a connection error of type PROTOCOL_ERROR"."""
        data = client.headers(end_headers=False) + frames.frame(0x16, 0, 0, b"\0" * 8)

        assert_connection_error(client, data, Code.PROTOCOL_ERROR)

    def test_unknown_setting_is_ignored(self, client: Client) -> None:
        client.receive(frames.settings((0xFF, 1), (0x10, 2**32 - 1), (0, 0)))

        assert [frame.kind for frame in client.frames()] == [Type.SETTINGS]
        assert client.exchange().body == b"alive"

    @pytest.mark.parametrize("value", [0, 1])
    def test_no_rfc7540_priorities(self, client: Client, value: int) -> None:
        """RFC 9218 section 2.1."""
        client.receive(frames.settings((Setting.NO_RFC7540_PRIORITIES, value)))

        assert client.exchange().body == b"alive"


class TestErrorCodes:
    """Section 7: "Unknown or unsupported error codes MUST NOT trigger any special behavior"."""

    def test_unknown_code_in_rst_stream(self, client: Client) -> None:
        client.upload()
        assert reset_ids(client.receive(frames.rst_stream(1, 0xFFFF_FFFF))) == [1]

        client.release(1)
        assert client.exchange().body == b"alive"

    def test_unknown_code_in_goaway(self, client: Client) -> None:
        client.request()
        client.receive(frames.goaway(0, 0xFF))
        client.respond(1, 200, [], b"still")

        sent = client.frames()
        assert replies(of_kind(sent, Type.HEADERS, Type.DATA))[1].body == b"still"
