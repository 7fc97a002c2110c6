"""RFC 7541 as HTTP/2 carries it: every representation is read, every broken one ends it all."""

from __future__ import annotations

import pytest

from hypercorn_protocols.events import RequestReceived
from tests.protocols.http2 import frames
from tests.protocols.http2.client import GET, Client, head, literal
from tests.protocols.http2.conformance.errors import assert_connection_error
from tests.protocols.http2.frames import Code

Field = tuple[bytes, bytes]

USER_AGENT = b"\x0auser-agent"
USER_AGENT_HUFFMAN = b"\x87\xb5\x05\xb1\x61\xcc\x5a\x93"
X_TEST = b"\x06x-test"
X_TEST_HUFFMAN = b"\x85\xf2\xb2\x4a\x84\xff"
VALUE = b"\x06h2spec"
VALUE_HUFFMAN = b"\x84\x9c\x48\xac\xa4"
INDEXED, NOT_INDEXED, NEVER_INDEXED = b"\x40", b"\x00", b"\x10"


PLAIN_GET = b"".join(literal(*field) for field in GET)
"""A request that leaves the dynamic table as it is."""


def received(client: Client, block: bytes) -> list[Field]:
    """The fields after those of the request that a block is appended to."""
    [event] = client.receive(frames.headers(client.next_id(), PLAIN_GET + block))
    assert isinstance(event, RequestReceived)
    return event.headers[1:]


class TestRepresentations:
    """Section 6."""

    @pytest.mark.parametrize("kind", [INDEXED, NOT_INDEXED, NEVER_INDEXED])
    @pytest.mark.parametrize("value", [VALUE, VALUE_HUFFMAN])
    @pytest.mark.parametrize(
        ("name", "literal_name"),
        [
            (b"user-agent", USER_AGENT),
            (b"user-agent", USER_AGENT_HUFFMAN),
            (b"x-test", X_TEST),
            (b"x-test", X_TEST_HUFFMAN),
        ],
    )
    def test_literal_with_a_new_name(
        self, client: Client, kind: bytes, name: bytes, literal_name: bytes, value: bytes
    ) -> None:
        assert received(client, kind + literal_name + value) == [(name, b"h2spec")]

    @pytest.mark.parametrize("first", [b"\x7a", b"\x0f\x2b", b"\x1f\x2b"])
    @pytest.mark.parametrize("value", [VALUE, VALUE_HUFFMAN])
    def test_literal_with_an_indexed_name(
        self, client: Client, first: bytes, value: bytes
    ) -> None:
        """Index 58 of the static table is user-agent."""
        assert received(client, first + value) == [(b"user-agent", b"h2spec")]

    def test_indexed_from_the_static_table(self, client: Client) -> None:
        assert received(client, b"\xba\x90") == [
            (b"user-agent", b""),
            (b"accept-encoding", b"gzip, deflate"),
        ]

    def test_indexed_from_the_dynamic_table(self, client: Client) -> None:
        assert received(client, INDEXED + X_TEST + VALUE) == [(b"x-test", b"h2spec")]
        assert received(client, b"\xbe") == [(b"x-test", b"h2spec")]

    def test_index_in_the_block_that_inserts_it(self, client: Client) -> None:
        block = INDEXED + X_TEST + VALUE + b"\xbe\xbe"

        assert received(client, block) == [(b"x-test", b"h2spec")] * 3

    def test_name_from_the_dynamic_table(self, client: Client) -> None:
        received(client, INDEXED + X_TEST + VALUE)

        assert received(client, b"\x0f\x2f\x01y") == [(b"x-test", b"y")]

    @pytest.mark.parametrize("update", [b"\x20", b"\x20\x3f\xe1\x1f", b"\x3f\xe1\x1f", b"\x21"])
    def test_size_update_at_the_beginning(self, client: Client, update: bytes) -> None:
        """Section 4.2: two may be needed, the smallest and the final one."""
        [event] = client.receive(frames.headers(client.next_id(), update + PLAIN_GET))

        assert isinstance(event, RequestReceived)

    def test_size_update_evicts(self, client: Client) -> None:
        received(client, INDEXED + X_TEST + VALUE)
        block = b"\x20" + PLAIN_GET + b"\xbe"

        assert_connection_error(
            client, frames.headers(client.next_id(), block), Code.COMPRESSION_ERROR
        )

    def test_entry_that_is_larger_than_the_table_empties_it(self, client: Client) -> None:
        """Section 4.4: "it is not an error to attempt to add an entry that is larger than the
        maximum size"."""
        received(client, INDEXED + X_TEST + VALUE)
        large = literal(b"x-large", b"v" * 5_000, first=0x40)
        assert received(client, large) == [(b"x-large", b"v" * 5_000)]
        block = PLAIN_GET + b"\xbe"

        assert_connection_error(
            client, frames.headers(client.next_id(), block), Code.COMPRESSION_ERROR
        )


class TestDecodingErrors:
    """RFC 9113 section 4.3: "a connection error of type COMPRESSION_ERROR"."""

    @pytest.mark.parametrize(
        "block",
        [
            pytest.param(b"\x80", id="6.1-index-0"),
            pytest.param(b"\xc6", id="2.3.3-index-70-of-nothing"),
            pytest.param(b"\xff\xff\xff\xff\x0f", id="2.3.3-enormous-index"),
            pytest.param(b"\x7f\x07\x01x", id="2.3.3-name-index-70-of-nothing"),
            pytest.param(b"\x0f\x37\x01x", id="2.3.3-name-index-70-not-indexed"),
            pytest.param(b"\x21", id="4.2-size-update-at-the-end"),
            pytest.param(b"\x3f\xe2\x1f", id="4.2-too-large-size-update-at-the-end"),
            pytest.param(
                b"\x00\x85\xf2\xb2\x4a\x84\xff\x85\x9c\x48\xac\xa4\xff", id="5.2-padding-of-8-bits"
            ),
            pytest.param(
                b"\x00\x85\xf2\xb2\x4a\x84\xff\x83\x9c\x48\xa8", id="5.2-padding-that-is-not-EOS"
            ),
            pytest.param(
                b"\x00\x85\xf2\xb2\x4a\x84\xff\x88\x9c\x48\xac\xa7\xff\xff\xff\xff", id="5.2-EOS"
            ),
            pytest.param(b"\x00\x06x-test", id="5.2-no-value"),
            pytest.param(b"\x00\x06x-t", id="5.2-half-a-name"),
            pytest.param(b"\x00\x06x-test\x06h2", id="5.2-half-a-value"),
            pytest.param(b"\x40", id="5.2-no-name"),
            pytest.param(b"\xff", id="5.1-half-an-index"),
            pytest.param(b"\xff\x80", id="5.1-index-that-does-not-end"),
            pytest.param(b"\x00\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", id="5.1-overflow"),
            pytest.param(b"\xff" + b"\x80" * 1_000 + b"\x01", id="5.1-endless-number"),
        ],
    )
    def test_is_a_connection_error(self, client: Client, block: bytes) -> None:
        data = frames.headers(client.next_id(), client.block() + block)

        assert_connection_error(client, data, Code.COMPRESSION_ERROR)

    @pytest.mark.parametrize("update", [b"\x3f\xe2\x1f", b"\x3f\xff\xff\xff\x0f"])
    def test_size_update_beyond_the_setting(self, client: Client, update: bytes) -> None:
        """Section 6.3: "The new maximum size MUST be lower than or equal to the limit determined
        by the protocol ... A value that exceeds this limit MUST be treated as a decoding
        error"."""
        data = frames.headers(client.next_id(), update + client.block())

        assert_connection_error(client, data, Code.COMPRESSION_ERROR)

    def test_size_update_between_fields(self, client: Client) -> None:
        block = client.block() + b"\x20" + literal(b"x", b"y")

        assert_connection_error(
            client, frames.headers(client.next_id(), block), Code.COMPRESSION_ERROR
        )

    def test_on_a_closed_stream(self, client: Client) -> None:
        """The block is read although nobody wants it."""
        client.upload()
        client.connection.reset_stream(1)
        client.release(1)
        client.frames()

        assert_connection_error(client, frames.headers(1, b"\x80"), Code.COMPRESSION_ERROR)


class TestBombs:
    """RFC 7541 section 7.3, CVE-2016-6581: few bytes must not become many fields."""

    def test_references_to_a_large_entry(self, client: Client) -> None:
        received(client, literal(b"x-large", b"v" * 3_900, first=0x40))
        block = PLAIN_GET + b"\xbe" * 10_000

        assert_connection_error(
            client, frames.headers(client.next_id(), block), Code.ENHANCE_YOUR_CALM
        )

    def test_empty_fields(self, client: Client) -> None:
        """They cost 32 bytes each (section 4.1)."""
        block = client.block() + literal(b"x", b"", first=0x40) + b"\xbe" * 16_000

        assert_connection_error(
            client, frames.headers(client.next_id(), block), Code.ENHANCE_YOUR_CALM
        )


def test_both_tables_stay_in_step_over_many_requests(client: Client) -> None:
    """Fields that come, repeat, change and push each other out."""
    for number in range(300):
        fields = [
            (b"x-steady", b"always the same"),
            (b"x-number", b"%d" % number),
            (b"x-seldom", b"%d" % (number // 50)),
            (b"x-%d" % (number % 7), b"v" * (number % 97)),
        ]
        stream = client.request(head(b"GET", b"/%d" % number) + fields)
        assert stream.headers[1:] == fields
        assert stream.target == b"/%d" % number
        client.respond(stream.stream_id, 200, fields)
        [headers] = client.frames()
        assert headers.fields[1 : 1 + len(fields)] == fields
