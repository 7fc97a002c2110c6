"""RFC 9113 sections 6.1 to 6.4, 6.6, 6.8 and 6.10: frames of streams, and GOAWAY."""

from __future__ import annotations

import pytest

from hypercorn_protocols.events import BodyEnded, BodyReceived, RequestReceived, StreamReset
from tests.protocols.http2 import frames
from tests.protocols.http2.client import GET, Client, head, replies
from tests.protocols.http2.conformance.errors import (
    assert_connection_error,
    assert_ended,
    assert_ignored,
    assert_stream_error,
    resets,
)
from tests.protocols.http2.frames import Code, Flag, Type, of_kind


class TestData:
    """Section 6.1."""

    def test_stream_zero_is_a_connection_error(self, client: Client) -> None:
        """ "If a DATA frame is received whose Stream Identifier field is 0x00, the recipient MUST
        respond with a connection error of type PROTOCOL_ERROR"."""
        assert_connection_error(client, frames.data(0, b"x"), Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("pad", [0, 1, 255])
    def test_padding_is_no_content(self, client: Client, pad: int) -> None:
        client.upload(length=5)
        events = client.receive(frames.data(1, b"hello", pad=pad, end=True))

        assert events == [BodyReceived(1, b"hello"), BodyEnded(1, [])]

    def test_nothing_but_padding(self, client: Client) -> None:
        client.upload()

        assert client.receive(frames.data(1, b"", pad=255)) == []
        assert client.receive(frames.data(1, b"", pad=10, end=True)) == [BodyEnded(1, [])]

    def test_padding_returns_credit(self, client: Client) -> None:
        """ "The entire DATA frame payload is included in flow control"; nobody else gives that
        of padding back."""
        client.upload()
        for _ in range(500):
            assert client.observer.upload.stream(1) >= 256
            assert client.receive(frames.data(1, b"", pad=255)) == []
            client.frames()

    @pytest.mark.parametrize(
        "payload", [b"\x05four", b"\x01", b"\xff" + b"x" * 254], ids=["5", "1", "255"]
    )
    def test_too_much_padding_is_a_connection_error(self, client: Client, payload: bytes) -> None:
        """ "If the length of the padding is the length of the frame payload or greater, the
        recipient MUST treat this as a connection error of type PROTOCOL_ERROR"."""
        client.upload()
        data = frames.frame(Type.DATA, Flag.PADDED, 1, payload)

        assert_connection_error(client, data, Code.PROTOCOL_ERROR)

    def test_no_pad_length_is_a_connection_error(self, client: Client) -> None:
        client.upload()
        data = frames.frame(Type.DATA, Flag.PADDED, 1, b"")

        assert_connection_error(client, data, Code.FRAME_SIZE_ERROR, Code.PROTOCOL_ERROR)

    def test_empty_data_ends_a_request(self, client: Client) -> None:
        client.upload()

        assert client.receive(frames.data(1)) == []
        assert client.receive(frames.data(1, end=True)) == [BodyEnded(1, [])]


class TestHeaders:
    """Section 6.2."""

    def test_stream_zero_is_a_connection_error(self, client: Client) -> None:
        assert_connection_error(client, frames.headers(0, client.block()), Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("pad", [0, 1, 255])
    @pytest.mark.parametrize("priority", [b"", frames.dependency(7, 200, exclusive=True)])
    def test_padding_and_priority_are_no_fields(
        self, client: Client, pad: int, priority: bytes
    ) -> None:
        [event] = client.receive(client.headers(pad=pad, priority=priority))

        assert isinstance(event, RequestReceived)
        assert event.headers == [(b"host", b"example.com")]

    def test_too_much_padding_is_a_connection_error(self, client: Client) -> None:
        block = client.block()
        payload = bytes([len(block) + 1]) + block
        flags = Flag.PADDED | Flag.END_HEADERS | Flag.END_STREAM
        data = frames.frame(Type.HEADERS, flags, 1, payload)

        assert_connection_error(client, data, Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("payload", [b"", b"\0\0\0\0"])
    def test_no_room_for_priority_is_a_connection_error(
        self, client: Client, payload: bytes
    ) -> None:
        data = frames.frame(Type.HEADERS, Flag.PRIORITY | Flag.END_HEADERS, 1, payload)

        assert_connection_error(client, data, Code.FRAME_SIZE_ERROR, Code.PROTOCOL_ERROR)

    def test_no_pad_length_is_a_connection_error(self, client: Client) -> None:
        data = frames.frame(Type.HEADERS, Flag.PADDED | Flag.END_HEADERS, 1, b"")

        assert_connection_error(client, data, Code.FRAME_SIZE_ERROR, Code.PROTOCOL_ERROR)

    def test_content_may_follow(self, client: Client) -> None:
        [event] = client.receive(client.headers(end=False))

        assert isinstance(event, RequestReceived)
        assert not event.end_stream

    def test_end_of_stream_may_precede_the_end_of_the_block(self, client: Client) -> None:
        """ "A HEADERS frame with the END_STREAM flag set can be followed by CONTINUATION frames
        on the same stream"."""
        block = client.block()
        data = frames.headers(1, block[:3], end=True, end_headers=False)
        [event] = client.receive(data, frames.continuation(1, block[3:]))

        assert isinstance(event, RequestReceived)
        assert event.end_stream


class TestPriority:
    """Section 6.3."""

    def test_stream_zero_is_a_connection_error(self, client: Client) -> None:
        assert_connection_error(client, frames.priority(0), Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("size", [0, 4, 6])
    def test_wrong_length_is_a_stream_error(self, client: Client, size: int) -> None:
        """ "A PRIORITY frame with a length other than 5 octets MUST be treated as a stream error
        of type FRAME_SIZE_ERROR"."""
        client.upload()
        data = frames.frame(Type.PRIORITY, 0, 1, bytes(size))

        assert_stream_error(client, data, Code.FRAME_SIZE_ERROR)

    def test_wrong_length_on_an_idle_stream_is_a_connection_error(self, client: Client) -> None:
        data = frames.frame(Type.PRIORITY, 0, 1, b"\x80\0\0\1")

        assert_connection_error(client, data, Code.FRAME_SIZE_ERROR)


class TestPriorityUpdate:
    """RFC 9218 section 7.1."""

    def test_is_taken(self, client: Client) -> None:
        client.upload()

        assert_ignored(client, frames.priority_update(1, b"u=0, i"))

    def test_unusable_value_is_ignored(self, client: Client) -> None:
        client.upload()

        assert_ignored(client, frames.priority_update(1, b"\xff(((u=9;;"))

    @pytest.mark.parametrize("size", [0, 3])
    def test_too_short_is_a_connection_error(self, client: Client, size: int) -> None:
        data = frames.frame(Type.PRIORITY_UPDATE, 0, 0, bytes(size))

        assert_connection_error(client, data, Code.FRAME_SIZE_ERROR)

    def test_on_a_stream_is_a_connection_error(self, client: Client) -> None:
        """ "The Stream Identifier field ... MUST be zero ... receiving a PRIORITY_UPDATE frame
        with a field of any other value MUST be treated as a connection error of type
        PROTOCOL_ERROR"."""
        client.upload()
        data = frames.frame(Type.PRIORITY_UPDATE, 0, 1, b"\0\0\0\1u=1")

        assert_connection_error(client, data, Code.PROTOCOL_ERROR)

    def test_of_stream_zero_is_a_connection_error(self, client: Client) -> None:
        """ "If a server receives a PRIORITY_UPDATE with a Prioritized Stream ID of 0x0, it MUST
        respond with a connection error of type PROTOCOL_ERROR"."""
        assert_connection_error(client, frames.priority_update(0), Code.PROTOCOL_ERROR)

    def test_of_a_push_that_was_not_promised_is_a_connection_error(self, client: Client) -> None:
        """A client may prioritize requests that it will make, but no pushes to come."""
        assert_connection_error(client, frames.priority_update(2), Code.PROTOCOL_ERROR)


class TestRstStream:
    """Section 6.4."""

    def test_stream_zero_is_a_connection_error(self, client: Client) -> None:
        assert_connection_error(client, frames.rst_stream(0), Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("size", [0, 3, 5, 8])
    def test_wrong_length_is_a_connection_error(self, client: Client, size: int) -> None:
        """ "A RST_STREAM frame with a length other than 4 octets MUST be treated as a connection
        error of type FRAME_SIZE_ERROR"."""
        client.upload()
        data = frames.frame(Type.RST_STREAM, 0, 1, bytes(size))

        assert_connection_error(client, data, Code.FRAME_SIZE_ERROR)

    @pytest.mark.parametrize("code", Code)
    def test_ends_a_request(self, client: Client, code: Code) -> None:
        client.upload()
        [event] = client.receive(frames.rst_stream(1, code))

        assert isinstance(event, StreamReset)
        assert client.frames() == []
        client.release(1)
        assert client.exchange().body == b"alive"


class TestPushPromise:
    """Section 6.6 and 8.4: "A client cannot push. Thus, servers MUST treat the receipt of a
    PUSH_PROMISE frame as a connection error of type PROTOCOL_ERROR"."""

    @pytest.mark.parametrize("stream_id", [0, 1, 3])
    def test_is_a_connection_error(self, client: Client, stream_id: int) -> None:
        client.upload()
        data = frames.push_promise(stream_id, 2, client.block())

        assert_connection_error(client, data, Code.PROTOCOL_ERROR)


class TestGoaway:
    """Section 6.8."""

    def test_on_a_stream_is_a_connection_error(self, client: Client) -> None:
        client.upload()
        data = frames.frame(Type.GOAWAY, 0, 1, bytes(8))

        assert_connection_error(client, data, Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("size", [0, 7])
    def test_too_short_is_a_connection_error(self, client: Client, size: int) -> None:
        data = frames.frame(Type.GOAWAY, 0, 0, bytes(size))

        assert_connection_error(client, data, Code.FRAME_SIZE_ERROR)

    def test_of_an_idle_connection_closes_it(self, client: Client) -> None:
        client.exchange()
        assert client.receive(frames.goaway()) == []
        client.frames()

        assert client.ended

    def test_requests_are_still_answered(self, client: Client) -> None:
        """Those of the client, which says by it that the server shall open no more."""
        client.request()
        client.upload()
        assert client.receive(frames.goaway(0, Code.NO_ERROR, b"bye")) == []
        assert not client.ended
        assert client.receive(frames.data(3, b"x", end=True)) == [
            BodyReceived(3, b"x"),
            BodyEnded(3, []),
        ]
        client.respond(1, 200, [], bytes(50_000))
        assert not client.ended
        client.respond(3, 200, [], bytes(50_000))
        sent = client.frames()
        assert not client.ended
        sent += _opened(client, 1, 3)

        found = replies(of_kind(sent, Type.HEADERS, Type.DATA))
        assert {key: (len(reply.body), reply.ended) for key, reply in found.items()} == {
            1: (50_000, True),
            3: (50_000, True),
        }
        assert_ended(client)

    def test_requests_that_follow_are_not_lost_in_silence(self, client: Client) -> None:
        """GOAWAY stops the one who receives it from opening streams, not who sends it; a server
        that wants no more of them either says so with a GOAWAY of its own."""
        client.request()
        client.receive(frames.goaway())
        client.receive(client.headers())
        client.respond(1)

        sent = client.frames()
        assert replies(of_kind(sent, Type.HEADERS, Type.DATA))[1].ended
        last = [frame.last_stream_id for frame in of_kind(sent, Type.GOAWAY)]
        assert 3 in client.unfinished or resets(sent) == [(3, Code.REFUSED_STREAM)] or last == [1]

    def test_more_of_them_are_taken(self, client: Client) -> None:
        client.request()
        assert client.receive(frames.goaway(2**31 - 1), frames.goaway(0)) == []
        client.respond(1, 200, [], b"x")

        assert replies(of_kind(client.frames(), Type.HEADERS, Type.DATA))[1].body == b"x"


class TestContinuation:
    """Section 6.10."""

    def test_several_are_taken(self, client: Client) -> None:
        block = client.block(head(b"GET", b"/", (b"x", b"y")))
        data = frames.headers(1, block[:1], end_headers=False)
        data += frames.continuation(1, block[1:2], end_headers=False)
        [event] = client.receive(data, frames.continuation(1, block[2:]))

        assert isinstance(event, RequestReceived)
        assert event.headers[-1] == (b"x", b"y")

    def test_stream_zero_is_a_connection_error(self, client: Client) -> None:
        data = client.headers(end_headers=False) + frames.continuation(0, b"")

        assert_connection_error(client, data, Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("before", ["HEADERS", "CONTINUATION", "DATA"])
    def test_without_an_open_block_is_a_connection_error(
        self, client: Client, before: str
    ) -> None:
        """ "A CONTINUATION frame MUST be preceded by a HEADERS, PUSH_PROMISE or CONTINUATION frame
        without the END_HEADERS flag set"."""
        block = client.block()
        data = {
            "HEADERS": frames.headers(1, block, end=False),
            "CONTINUATION": frames.headers(1, block[:2], end=False, end_headers=False)
            + frames.continuation(1, block[2:]),
            "DATA": frames.headers(1, block, end=False) + frames.data(1, b"x"),
        }[before]
        client.receive(data)
        client.frames()

        assert_connection_error(
            client, frames.continuation(1, client.block(GET)), Code.PROTOCOL_ERROR
        )

    def test_of_trailers(self, client: Client) -> None:
        client.upload()
        block = client.block([(b"x-sum", b"1")])
        data = frames.headers(1, block[:1], end_headers=False)

        assert client.receive(data) == []
        assert client.receive(frames.continuation(1, block[1:])) == [
            BodyEnded(1, [(b"x-sum", b"1")])
        ]


def _opened(client: Client, *stream_ids: int) -> list[frames.Frame]:
    """What is sent once the windows are wide open."""
    for stream_id in (0, *stream_ids):
        client.receive(frames.window_update(stream_id, 2**20))
    return client.frames()
