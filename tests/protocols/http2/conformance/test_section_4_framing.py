"""RFC 9113 section 4, HTTP Frames."""

from __future__ import annotations

import pytest

from hypercorn_protocols.events import BodyReceived, RequestReceived
from hypercorn_protocols.settings import HTTP2EngineName
from tests.protocols.http2 import frames
from tests.protocols.http2.client import GET, POST, Client, content, head, literal, replies
from tests.protocols.http2.conformance.errors import (
    assert_connection_error,
    assert_ignored,
    assert_stream_error,
)
from tests.protocols.http2.frames import Code, Flag, Setting, Type, of_kind


class TestFormat:
    """Section 4.1."""

    @pytest.mark.parametrize("kind", [0x0A, 0x0C, 0x16, 0x77, 0xFF])
    @pytest.mark.parametrize("stream_id", [0, 1, 2, 99])
    def test_unknown_types_are_ignored(self, client: Client, kind: int, stream_id: int) -> None:
        """ "Implementations MUST ignore and discard frames of unknown types"."""
        assert_ignored(client, frames.frame(kind, 0xFF, stream_id, b"\0" * 8))

    def test_unknown_type_on_an_open_stream_is_ignored(self, client: Client) -> None:
        stream_id = client.upload()

        assert_ignored(client, frames.frame(0x16, 0xFF, stream_id, b"x"))
        assert client.receive(frames.data(stream_id, b"x")) == [BodyReceived(stream_id, b"x")]

    def test_unused_flags_are_ignored(self, client: Client) -> None:
        """ "Unused flags ... MUST be ignored on receipt"."""
        assert client.receive(frames.frame(Type.PING, 0xFE, 0, b"12345678")) == []
        [ack] = client.frames()
        assert (ack.kind, ack.flags) == (Type.PING, Flag.ACK)

        stream_id = client.upload()
        [event] = client.receive(frames.frame(Type.DATA, 0x16 | 0xC0, stream_id, b"x"))
        assert event == BodyReceived(stream_id, b"x")

    def test_reserved_bit_is_ignored(self, client: Client) -> None:
        """ "The reserved field ... MUST be ignored when receiving"."""
        client.receive(frames.frame(Type.PING, 0, 1 << 31, b"12345678"))

        assert [frame.kind for frame in client.frames()] == [Type.PING]

    def test_reserved_bit_of_a_stream_is_ignored(self, client: Client) -> None:
        stream_id = client.upload()
        events = client.receive(frames.frame(Type.DATA, 0, 1 << 31 | stream_id, b"x"))

        assert events == [BodyReceived(stream_id, b"x")]

    def test_frames_may_come_in_single_bytes(self, client: Client) -> None:
        events = []
        for byte in client.headers(POST, end=False) + frames.data(1, b"hello", end=True):
            events += client.receive(bytes([byte]))

        assert isinstance(events[0], RequestReceived)
        assert content(events, 1) == b"hello"
        client.respond(1)
        assert replies(client.frames())[1].reset is None


class TestSize:
    """Section 4.2."""

    def test_data_of_2_to_the_14_is_taken(self, client: Client) -> None:
        """ "All implementations MUST be capable of receiving and minimally processing frames up
        to 2^14 octets in length"."""
        stream_id = client.upload()
        events = client.receive(frames.data(stream_id, bytes(2**14), end=True))

        assert len(content(events, stream_id)) == 2**14

    def test_headers_of_2_to_the_14_are_taken(self, client: Client) -> None:
        block = client.block()
        block += literal(b"x", b"v" * (2**14 - len(block) - 6))
        assert len(block) == 2**14
        [event] = client.receive(frames.headers(client.next_id(), block))

        assert isinstance(event, RequestReceived)

    def test_too_large_data_is_an_error(self, client: Client) -> None:
        """ "MUST send an error code of FRAME_SIZE_ERROR if a frame exceeds the size defined in
        SETTINGS_MAX_FRAME_SIZE"; of the stream at least."""
        stream_id = client.upload()
        client.frames()

        assert_connection_error(
            client, frames.data(stream_id, bytes(2**14 + 1), end=True), Code.FRAME_SIZE_ERROR
        )

    @pytest.mark.parametrize(
        "kind", [Type.HEADERS, Type.SETTINGS, Type.PING, Type.CONTINUATION, Type.GOAWAY, 0x77]
    )
    def test_too_large_frame_of_another_type_is_a_connection_error(
        self, client: Client, kind: int
    ) -> None:
        """ "A frame size error in a frame that could alter the state of the entire connection
        MUST be treated as a connection error"."""
        stream_id = 1 if kind == Type.HEADERS else 0
        data = frames.frame(kind, 0, stream_id, bytes(2**14 + 1))

        assert_connection_error(client, data, Code.FRAME_SIZE_ERROR)

    def test_too_large_frame_is_refused_before_its_payload_has_come(self, client: Client) -> None:
        """Nothing that is refused anyway may have to be held in memory."""
        data = frames.frame(Type.DATA, 0, 1, bytes(2**20))[:9]

        assert_connection_error(client, data, Code.FRAME_SIZE_ERROR, Code.PROTOCOL_ERROR)

    def test_own_limit_may_be_larger(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, max_frame_size=20_000)
        stream_id = client.upload()
        events = client.receive(frames.data(stream_id, bytes(20_000)))
        assert len(content(events, stream_id)) == 20_000

        data = frames.data(stream_id, bytes(20_001))
        assert_connection_error(client, data, Code.FRAME_SIZE_ERROR)

    def test_limit_of_the_client_is_kept(self, engine: HTTP2EngineName) -> None:
        """Of DATA as of HEADERS and CONTINUATION."""
        client = Client(engine, values=[(Setting.MAX_FRAME_SIZE, 2**14)])
        stream_id = client.request().stream_id
        client.respond(stream_id, 200, [(b"x", b"\\" * 40_000)], bytes(40_000))
        sent = client.frames()

        assert len(of_kind(sent, Type.CONTINUATION)) >= 2
        assert len(replies(sent)[stream_id].body) == 40_000

    def test_limit_of_the_client_may_be_larger(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, values=[(Setting.MAX_FRAME_SIZE, 2**15)])
        stream_id = client.request().stream_id
        client.respond(stream_id, 200, [(b"x", b"\\" * 20_000)], bytes(40_000))

        assert len(replies(client.frames())[stream_id].body) == 40_000

    def test_limit_of_the_client_may_change(self, client: Client) -> None:
        stream_id = client.request().stream_id
        client.receive(frames.settings((Setting.MAX_FRAME_SIZE, 2**16)))
        client.respond(stream_id, 200, [], bytes(30_000), end=False)
        client.receive(frames.settings((Setting.MAX_FRAME_SIZE, 2**14)))
        client.send_body(stream_id, bytes(30_000), end=True)

        assert len(replies(client.frames())[stream_id].body) == 60_000


class TestFieldSectionCompression:
    """Section 4.3."""

    def test_decoding_error_is_a_connection_error(self, client: Client) -> None:
        """ "A decoding error in a field block MUST be treated as a connection error of type
        COMPRESSION_ERROR"."""
        # A literal field with incremental indexing without its name and value.
        data = frames.headers(1, b"\x40")

        assert_connection_error(client, data, Code.COMPRESSION_ERROR)

    def test_decoding_error_in_trailers(self, client: Client) -> None:
        stream_id = client.upload()

        assert_connection_error(client, frames.headers(stream_id, b"\x80"), Code.COMPRESSION_ERROR)

    @pytest.mark.parametrize(
        "between",
        [
            frames.priority(1),
            frames.data(1, b"x"),
            frames.ping(),
            frames.settings(),
            frames.window_update(0, 1),
            frames.rst_stream(1),
            frames.goaway(),
            frames.priority_update(1),
            frames.frame(0x77, 0, 0, b"unknown"),
            frames.continuation(3, b""),
            frames.headers(3, b"\x82"),
        ],
        ids=[
            "PRIORITY",
            "DATA",
            "PING",
            "SETTINGS",
            "WINDOW_UPDATE",
            "RST_STREAM",
            "GOAWAY",
            "PRIORITY_UPDATE",
            "unknown",
            "CONTINUATION-of-another-stream",
            "HEADERS-of-another-stream",
        ],
    )
    def test_no_frame_comes_between_those_of_a_block(self, client: Client, between: bytes) -> None:
        """ "Each field block is processed as a discrete unit ... with no interleaved frames of
        any other type or from any other stream"."""
        data = client.headers(end_headers=False) + between

        assert_connection_error(client, data, Code.PROTOCOL_ERROR, last_stream_id=0)

    def test_headers_of_the_same_stream_between_those_of_a_block(self, client: Client) -> None:
        data = client.headers(end_headers=False)

        assert_connection_error(client, data + data, Code.PROTOCOL_ERROR)

    def test_block_may_be_cut_anywhere(self, client: Client) -> None:
        block = client.block(head(b"GET", b"/cut", (b"x-long", b"value" * 20)))
        pieces = [block[at : at + 7] for at in range(0, len(block), 7)]
        data = frames.headers(client.next_id(), pieces[0], end_headers=False)
        data += b"".join(frames.continuation(1, piece, end_headers=False) for piece in pieces[1:])
        assert client.receive(data) == []
        [event] = client.receive(frames.continuation(1, b""))

        assert isinstance(event, RequestReceived)
        assert (event.target, event.headers[-1]) == (b"/cut", (b"x-long", b"value" * 20))

    def test_empty_block_is_a_malformed_request(self, client: Client) -> None:
        assert_stream_error(client, frames.headers(client.next_id(), b""), Code.PROTOCOL_ERROR)

    def test_block_of_a_refused_stream_changes_the_compression_state(
        self, engine: HTTP2EngineName
    ) -> None:
        """ "An endpoint receiving HEADERS, PUSH_PROMISE, or CONTINUATION frames needs to
        reassemble field blocks and perform decompression even if the frames are to be
        discarded"."""
        client = Client(engine, max_concurrent_streams=1)
        client.upload()
        marked = head(b"GET", b"/marked", (b"x-mark", b"remember me"))
        assert client.receive(client.headers(marked)) == []
        client.receive(frames.rst_stream(1))
        client.release(1)
        block = client.block(marked)
        assert b"remember me" not in block, "the client's table holds the field"
        [event] = client.receive(frames.headers(client.next_id(), block))

        assert isinstance(event, RequestReceived)
        assert event.headers[-1] == (b"x-mark", b"remember me")

    def test_block_of_a_malformed_request_changes_the_compression_state(
        self, client: Client
    ) -> None:
        fields = [*GET, (b"X-Upper", b"1"), (b"x-after", b"still indexed")]
        assert client.receive(client.headers(fields)) == []
        [event] = client.receive(client.headers([*GET, (b"x-after", b"still indexed")]))

        assert isinstance(event, RequestReceived)
        assert event.headers[-1] == (b"x-after", b"still indexed")

    @pytest.mark.parametrize("names", [1, 3])
    def test_list_that_is_too_large_is_answered_431(
        self, engine: HTTP2EngineName, names: int
    ) -> None:
        """Section 10.5.1: "A server that receives a larger field block than it is willing to
        handle can send an HTTP 431 status code"."""
        client = Client(engine, max_header_list_size=1_000)
        fields = [(b"x-%d" % number, b"v" * (1_200 // names)) for number in range(names)]
        assert client.receive(client.headers(GET + fields)) == []
        reply = replies(client.frames())[1]

        assert (reply.status, reply.ended) == (431, True)
        assert client.exchange().body == b"alive"

    def test_too_many_fields_are_answered_431(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, max_headers=10)
        fields = [(b"x", b"%d" % number) for number in range(11)]
        assert client.receive(client.headers(GET + fields)) == []

        assert replies(client.frames())[1].status == 431
        assert client.exchange().body == b"alive"

    def test_list_that_is_far_too_large_ends_the_connection(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, max_header_list_size=1_000)
        data = client.headers([*GET, *[(b"x", b"v" * 1_000)] * 4])

        assert_connection_error(client, data, Code.ENHANCE_YOUR_CALM)

    def test_endless_block_ends_the_connection(self, engine: HTTP2EngineName) -> None:
        """Section 10.5.1, CVE-2024-27316: it is not kept until it ends."""
        client = Client(engine, max_header_list_size=1_000)
        data = client.headers(end_headers=False)
        for _ in range(1_000):
            assert client.receive(data) == []
            if client.ended:
                break
            data = frames.continuation(1, literal(b"x", b"v" * 99), end_headers=False)

        assert client.frames()[-1].code in (Code.ENHANCE_YOUR_CALM, Code.COMPRESSION_ERROR)

    def test_empty_continuations_end_the_connection(self, client: Client) -> None:
        data = client.headers(end_headers=False)
        data += frames.continuation(1, b"", end_headers=False) * 10_000

        assert_connection_error(client, data, Code.ENHANCE_YOUR_CALM)
