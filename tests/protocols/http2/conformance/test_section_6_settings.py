"""RFC 9113 sections 6.5 and 6.7: SETTINGS and PING."""

from __future__ import annotations

import pytest

from hypercorn_protocols.settings import HTTP2EngineName
from tests.protocols.http2 import frames
from tests.protocols.http2.client import Client, replies
from tests.protocols.http2.conformance.errors import assert_connection_error
from tests.protocols.http2.frames import Code, Flag, Setting, Type, of_kind


class TestSettings:
    """Section 6.5."""

    def test_is_acknowledged_at_once(self, client: Client) -> None:
        """Section 6.5.3: "the recipient MUST immediately emit a SETTINGS frame with the ACK flag
        set"; an empty one too."""
        for values in ([], [(Setting.MAX_CONCURRENT_STREAMS, 0)]):
            assert client.receive(frames.settings(*values)) == []
            [ack] = client.frames()
            assert (ack.kind, ack.flags, ack.payload) == (Type.SETTINGS, Flag.ACK, b"")

    def test_each_is_acknowledged(self, client: Client) -> None:
        client.receive(frames.settings(), frames.settings((0x99, 1)), frames.settings())

        assert len(of_kind(client.frames(), Type.SETTINGS)) == 3

    def test_acknowledgement_is_not_acknowledged(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, handshake=False)
        client.receive(frames.PREFACE, frames.settings())
        client.frames()
        client.receive(frames.SETTINGS_ACK)

        assert client.frames() == []

    def test_acknowledgement_with_a_payload_is_a_connection_error(self, client: Client) -> None:
        data = frames.frame(Type.SETTINGS, Flag.ACK, 0, bytes(6))

        assert_connection_error(client, data, Code.FRAME_SIZE_ERROR)

    def test_on_a_stream_is_a_connection_error(self, client: Client) -> None:
        client.upload()
        data = frames.frame(Type.SETTINGS, 0, 1, bytes([0, 3, 0, 0, 0, 100]))

        assert_connection_error(client, data, Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("size", [1, 3, 5, 7, 13])
    def test_wrong_length_is_a_connection_error(self, client: Client, size: int) -> None:
        """ "A SETTINGS frame with a length other than a multiple of 6 octets"."""
        data = frames.frame(Type.SETTINGS, 0, 0, bytes(size))

        assert_connection_error(client, data, Code.FRAME_SIZE_ERROR)

    @pytest.mark.parametrize(
        ("name", "value", "code"),
        [
            (Setting.ENABLE_PUSH, 2, Code.PROTOCOL_ERROR),
            (Setting.ENABLE_PUSH, 2**32 - 1, Code.PROTOCOL_ERROR),
            (Setting.INITIAL_WINDOW_SIZE, 2**31, Code.FLOW_CONTROL_ERROR),
            (Setting.INITIAL_WINDOW_SIZE, 2**32 - 1, Code.FLOW_CONTROL_ERROR),
            (Setting.MAX_FRAME_SIZE, 2**14 - 1, Code.PROTOCOL_ERROR),
            (Setting.MAX_FRAME_SIZE, 0, Code.PROTOCOL_ERROR),
            (Setting.MAX_FRAME_SIZE, 2**24, Code.PROTOCOL_ERROR),
        ],
    )
    def test_impossible_value_is_a_connection_error(
        self, client: Client, name: Setting, value: int, code: Code
    ) -> None:
        """Section 6.5.2."""
        assert_connection_error(client, frames.settings((name, value)), code)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            (Setting.HEADER_TABLE_SIZE, 0),
            (Setting.HEADER_TABLE_SIZE, 2**32 - 1),
            (Setting.ENABLE_PUSH, 0),
            (Setting.ENABLE_PUSH, 1),
            (Setting.MAX_CONCURRENT_STREAMS, 0),
            (Setting.MAX_CONCURRENT_STREAMS, 2**32 - 1),
            (Setting.INITIAL_WINDOW_SIZE, 2**31 - 1),
            (Setting.MAX_FRAME_SIZE, 2**14),
            (Setting.MAX_FRAME_SIZE, 2**24 - 1),
            (Setting.MAX_HEADER_LIST_SIZE, 2**32 - 1),
        ],
    )
    def test_extreme_value_is_taken(self, client: Client, name: Setting, value: int) -> None:
        client.receive(frames.settings((name, value)))
        client.frames()

        assert client.exchange().body == b"alive"

    def test_values_are_processed_in_order(self, client: Client) -> None:
        """Section 6.5.3: "The values in the SETTINGS frame MUST be processed in the order they
        appear"."""
        client.request()
        client.receive(
            frames.settings((Setting.INITIAL_WINDOW_SIZE, 100), (Setting.INITIAL_WINDOW_SIZE, 1))
        )
        client.respond(1, 200, [], b"hello")

        assert replies(client.frames())[1].body == b"h"

    def test_unasked_acknowledgement_is_harmless(self, client: Client) -> None:
        client.receive(frames.SETTINGS_ACK)

        assert client.exchange().body == b"alive"


class TestHeaderTableSize:
    """Section 4.3.1, RFC 7541 section 4.2: the size that the client's decoder has."""

    FIELDS = ((b"x-long", b"some value that is worth an entry"), (b"x-other", b"another one"))

    def answer(self, client: Client) -> int:
        """Send an answer with a few fields; returns the size of its header block."""
        stream_id = client.request().stream_id
        client.respond(stream_id, 200, self.FIELDS)
        [headers, *_] = client.frames()
        assert headers.fields[1:3] == list(self.FIELDS)
        return len(headers.payload)

    def test_repeated_fields_are_compressed(self, client: Client) -> None:
        first = self.answer(client)

        assert self.answer(client) < first / 4

    def test_nothing_is_indexed_with_no_table(self, engine: HTTP2EngineName) -> None:
        """The observer's decoder fails if a table is used or its new size is not signalled."""
        client = Client(engine, values=[(Setting.HEADER_TABLE_SIZE, 0)])
        first = self.answer(client)

        assert self.answer(client) in (first, first - 1)  # but for the signal

    def test_table_goes_and_comes_again(self, client: Client) -> None:
        first = self.answer(client)
        client.receive(frames.settings((Setting.HEADER_TABLE_SIZE, 0)))
        client.frames()
        without = self.answer(client)
        assert without >= first
        client.receive(frames.settings((Setting.HEADER_TABLE_SIZE, 4_096)))
        client.frames()
        self.answer(client)

        assert self.answer(client) < first / 4

    def test_both_changes_between_two_blocks(self, client: Client) -> None:
        """RFC 7541 section 4.2: "the smallest maximum table size that occurs in that interval
        MUST be signaled", and the entries are gone."""
        first = self.answer(client)
        client.receive(
            frames.settings((Setting.HEADER_TABLE_SIZE, 0)),
            frames.settings((Setting.HEADER_TABLE_SIZE, 4_096)),
        )
        client.frames()

        assert self.answer(client) >= first
        assert self.answer(client) < first / 4

    def test_both_changes_in_one_frame(self, client: Client) -> None:
        first = self.answer(client)
        client.receive(
            frames.settings((Setting.HEADER_TABLE_SIZE, 0), (Setting.HEADER_TABLE_SIZE, 4_096))
        )
        client.frames()
        assert self.answer(client) >= first

    def test_small_table_is_not_overfilled(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, values=[(Setting.HEADER_TABLE_SIZE, 64)])

        for _ in range(5):
            self.answer(client)


class TestMaxConcurrentStreams:
    def test_of_the_client_is_about_pushes_alone(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, values=[(Setting.MAX_CONCURRENT_STREAMS, 0)])

        assert client.exchange().body == b"alive"


class TestPing:
    """Section 6.7."""

    @pytest.mark.parametrize("payload", [b"12345678", bytes(8), b"\xff" * 8])
    def test_is_answered_with_the_same_payload(self, client: Client, payload: bytes) -> None:
        """ "Receivers of a PING frame that does not include an ACK flag MUST send a PING frame
        with the ACK flag set in response, with an identical frame payload"."""
        client.receive(frames.ping(payload))
        [ack] = client.frames()

        assert (ack.kind, ack.flags, ack.payload) == (Type.PING, Flag.ACK, payload)

    def test_acknowledgement_is_not_answered(self, client: Client) -> None:
        client.receive(frames.ping(b"unasked!", ack=True))

        assert client.frames() == []
        assert client.exchange().body == b"alive"

    def test_comes_before_content(self, client: Client) -> None:
        """ "PING responses SHOULD be given higher priority than any other frame": no content that
        waited already is sent first."""
        client.request()
        client.respond(1, 200, [], bytes(60_000))
        client.receive(frames.ping())

        kinds = [frame.kind for frame in client.frames()]
        assert Type.DATA not in kinds[: kinds.index(Type.PING)]

    def test_on_a_stream_is_a_connection_error(self, client: Client) -> None:
        client.upload()
        data = frames.frame(Type.PING, 0, 1, bytes(8))

        assert_connection_error(client, data, Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("size", [0, 6, 7, 9, 16])
    @pytest.mark.parametrize("flags", [0, Flag.ACK])
    def test_wrong_length_is_a_connection_error(
        self, client: Client, size: int, flags: int
    ) -> None:
        data = frames.frame(Type.PING, flags, 0, bytes(size))

        assert_connection_error(client, data, Code.FRAME_SIZE_ERROR)
