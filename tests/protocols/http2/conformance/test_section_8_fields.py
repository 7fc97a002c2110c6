"""RFC 9113 section 8.2, HTTP fields: what makes a request malformed (section 8.1.1)."""

from __future__ import annotations

import pytest

from hypercorn_protocols.errors import LocalProtocolError
from hypercorn_protocols.events import BodyEnded, RequestReceived
from tests.protocols.http2 import frames
from tests.protocols.http2.client import GET, Client, head, literal, replies
from tests.protocols.http2.conformance.errors import assert_stream_error
from tests.protocols.http2.frames import Code

Field = tuple[bytes, bytes]

BAD_NAMES = [
    b"X-Upper",
    b"lAst",
    b"",
    b"with space",
    b" leading",
    b"trailing ",
    b"tab\t",
    b"nul\0",
    b"line\nfeed",
    b"carriage\rreturn",
    b"del\x7f",
    b"high\x80",
    b"high\xff",
    b"colon:inside",
    b"paren(",
    b'quote"',
    b"slash/",
    b"at@",
    b"brace{",
]
"""Section 8.2.1: not of the characters of a field name, or not in lower case."""

BAD_VALUES = [
    b"nul\0",
    b"\0",
    b"line\nfeed",
    b"carriage\rreturn",
    b"both\r\nInjected: 1",
    b" leading",
    b"\tleading",
    b"trailing ",
    b"trailing\t",
    b" ",
    b"bell\x07",
    b"del\x7f",
]
"""Section 8.2.1: "A field value MUST NOT contain the zero value (ASCII NUL, 0x00), line feed, or
carriage return at any position ... MUST NOT start or end with an ASCII whitespace character"."""

CONNECTION_SPECIFIC = [
    (b"connection", b"keep-alive"),
    (b"connection", b"close"),
    (b"connection", b""),
    (b"keep-alive", b"timeout=5"),
    (b"proxy-connection", b"keep-alive"),
    (b"transfer-encoding", b"chunked"),
    (b"transfer-encoding", b"identity"),
    (b"upgrade", b"websocket"),
]
"""Section 8.2.2."""

BAD_TE = [b"gzip", b"trailers, deflate", b"trailers;q=0.5", b"", b"trailer"]


class TestRequests:
    @pytest.mark.parametrize("name", BAD_NAMES)
    def test_bad_name_is_malformed(self, client: Client, name: bytes) -> None:
        data = frames.headers(client.next_id(), client.block() + literal(name, b"1"))

        assert_stream_error(client, data, Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("value", BAD_VALUES)
    @pytest.mark.parametrize("name", [b"x-any", b"cookie", b"user-agent"])
    def test_bad_value_is_malformed(self, client: Client, name: bytes, value: bytes) -> None:
        data = frames.headers(client.next_id(), client.block() + literal(name, value))

        assert_stream_error(client, data, Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("field", CONNECTION_SPECIFIC)
    def test_connection_specific_field_is_malformed(self, client: Client, field: Field) -> None:
        """ "Any message containing connection-specific header fields MUST be treated as
        malformed"."""
        assert_stream_error(client, client.headers([*GET, field]), Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("value", BAD_TE)
    def test_te_other_than_trailers_is_malformed(self, client: Client, value: bytes) -> None:
        """ "The only exception to this is the TE header field, which ... MUST NOT contain any
        value other than "trailers""."""
        data = client.headers([*GET, (b"te", value)])

        assert_stream_error(client, data, Code.PROTOCOL_ERROR)

    def test_te_trailers_is_handed_on(self, client: Client) -> None:
        assert (b"te", b"trailers") in client.request([*GET, (b"te", b"trailers")]).headers

    @pytest.mark.parametrize(
        "field",
        [
            (b"x-empty", b""),
            (b"x-inside", b"a b\tc"),
            (b"x-text", b"caf\xc3\xa9 \x80\xff"),
            (b"!#$%&'*+-.^_`|~09az", b"token"),
            (b"x-colon", b":value:"),
        ],
    )
    def test_unusual_field_is_handed_on(self, client: Client, field: Field) -> None:
        block = client.block() + literal(*field)
        [event] = client.receive(frames.headers(client.next_id(), block))

        assert isinstance(event, RequestReceived)
        assert event.headers[-1] == field

    def test_fields_keep_their_order(self, client: Client) -> None:
        fields = [(b"b", b"1"), (b"a", b"2"), (b"b", b"3"), (b"a", b"")]

        assert client.request(GET + fields).headers[1:] == fields

    def test_indexed_field_is_checked_each_time(self, client: Client) -> None:
        """What is wrong once must not be right when it comes from the table."""
        fields = [*GET, (b"x-any", b"bad ")]
        for _ in range(3):
            data = client.headers(fields)
            stream_id = client.next_id() - 2
            assert_stream_error(client, data, Code.PROTOCOL_ERROR, stream_id)


class TestTrailers:
    """Section 8.1: the same rules hold."""

    @pytest.mark.parametrize("name", BAD_NAMES)
    def test_bad_name_is_malformed(self, client: Client, name: bytes) -> None:
        client.upload()
        data = frames.headers(1, literal(name, b"1"))

        assert_stream_error(client, data, Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("value", BAD_VALUES)
    def test_bad_value_is_malformed(self, client: Client, value: bytes) -> None:
        client.upload()
        data = frames.headers(1, literal(b"x-any", value))

        assert_stream_error(client, data, Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("field", CONNECTION_SPECIFIC)
    def test_connection_specific_field_is_malformed(self, client: Client, field: Field) -> None:
        client.upload()

        assert_stream_error(client, frames.headers(1, client.block([field])), Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("field", [*GET, (b":status", b"200"), (b":unknown", b"1")])
    def test_pseudo_header_field_is_malformed(self, client: Client, field: Field) -> None:
        """Section 8.1: "Trailers MUST NOT include pseudo-header fields"."""
        client.upload()
        data = frames.headers(1, client.block([(b"x-sum", b"1"), field]))

        assert_stream_error(client, data, Code.PROTOCOL_ERROR)

    def test_without_end_of_stream_are_malformed(self, client: Client) -> None:
        """Section 8.1: "a HEADERS frame without the END_STREAM flag set after receiving the
        HEADERS frame that opens a request ... MUST be treated as malformed"."""
        client.upload()
        data = frames.headers(1, client.block([(b"x-sum", b"1")]), end=False)

        assert_stream_error(client, data, Code.PROTOCOL_ERROR)

    def test_after_content_without_end_of_stream_are_malformed(self, client: Client) -> None:
        client.upload()
        client.receive(frames.data(1, b"x"))
        data = frames.headers(1, client.block([(b"x-sum", b"1")]), end=False)

        assert_stream_error(client, data, Code.PROTOCOL_ERROR)

    def test_second_ones_are_an_error(self, client: Client) -> None:
        client.upload()
        client.receive(frames.headers(1, client.block([(b"x-sum", b"1")])))
        data = frames.headers(1, client.block([(b"x-sum", b"1")]))

        assert_stream_error(client, data, Code.STREAM_CLOSED)

    def test_empty_ones_end_a_request(self, client: Client) -> None:
        client.upload()

        assert client.receive(frames.headers(1, b"")) == [BodyEnded(1, [])]

    def test_too_large_ones_do_not_reach_the_application(self, client: Client) -> None:
        client.upload()
        block = b"".join(literal(b"x-%d" % number, b"1") for number in range(200))
        events = client.receive(frames.headers(1, block))
        client.frames()

        assert not any(isinstance(event, BodyEnded) for event in events)
        client.release(1)
        assert client.exchange().body == b"alive"


class TestCookies:
    """Section 8.2.3: "If there are multiple Cookie header fields after decompression, these MUST
    be concatenated into a single octet string using the two-octet delimiter of 0x3b, 0x20"."""

    def test_crumbs_are_joined(self, client: Client) -> None:
        fields = [(b"cookie", b"a=b"), (b"x", b"y"), (b"cookie", b"c=d"), (b"cookie", b"e=f")]
        request = client.request(GET + fields)

        cookies = [value for name, value in request.headers if name == b"cookie"]
        assert cookies == [b"a=b; c=d; e=f"]
        assert (b"x", b"y") in request.headers

    def test_single_one_is_untouched(self, client: Client) -> None:
        request = client.request([*GET, (b"cookie", b"a=b; c=d")])

        assert request.headers[1:] == [(b"cookie", b"a=b; c=d")]


class TestResponses:
    """Section 8.2 binds the server too: what the application does wrong never reaches the wire."""

    def test_names_are_sent_in_lower_case(self, client: Client) -> None:
        client.request()
        client.respond(1, 200, [(b"X-Upper", b"Value")])

        assert replies(client.frames())[1].values(b"x-upper") == [b"Value"]

    @pytest.mark.parametrize("field", CONNECTION_SPECIFIC)
    def test_connection_specific_fields_are_not_sent(self, client: Client, field: Field) -> None:
        """ "An endpoint MUST NOT generate an HTTP/2 message containing connection-specific header
        fields"."""
        client.request()
        client.respond(1, 200, [field, (b"x", b"y")])

        reply = replies(client.frames())[1]
        assert reply.values(field[0]) == []
        assert reply.values(b"x") == [b"y"]

    @pytest.mark.parametrize(
        "field",
        [
            (b"", b""),
            (b"with space", b""),
            (b":status", b"200"),
            (b":path", b"/"),
            (b"nul\0", b""),
            (b"x", b"line\nfeed"),
            (b"x", b"a\r\nb: c"),
            (b"x", b"nul\0"),
        ],
    )
    def test_invalid_field_is_refused(self, client: Client, field: Field) -> None:
        client.request()
        with pytest.raises(LocalProtocolError):
            client.connection.send_response(1, 200, [field], b"", True)
        with pytest.raises(LocalProtocolError):
            client.connection.send_informational(1, 103, [field])

        assert client.frames() == []
        client.respond(1, 500)
        assert replies(client.frames())[1].status == 500

    @pytest.mark.parametrize("field", [(b":status", b"200"), (b"x", b"a\nb"), (b"", b"")])
    def test_invalid_trailer_is_refused(self, client: Client, field: Field) -> None:
        client.request()
        client.respond(1, 200, [], b"x", end=False, trailers=True)
        with pytest.raises(LocalProtocolError):
            client.connection.send_trailers(1, [field])
        client.connection.send_trailers(1, [])

        assert replies(client.frames())[1].ended

    @pytest.mark.parametrize("status", [0, 99, 1000, -200])
    def test_impossible_status_is_refused(self, client: Client, status: int) -> None:
        client.request()
        with pytest.raises(LocalProtocolError):
            client.connection.send_response(1, status, [], b"", True)

        assert client.frames() == []

    def test_surrounding_space_of_values_is_not_sent(self, client: Client) -> None:
        """Stripped or refused; the observer would object to it."""
        client.request()
        try:
            client.connection.send_response(1, 200, [(b"x", b" y\t")], b"", True)
        except LocalProtocolError:
            client.respond(1)

        assert replies(client.frames())[1].values(b"x") in ([b"y"], [])

    def test_sensitive_fields_are_never_indexed(self, client: Client) -> None:
        """RFC 7541 section 7.1.3."""
        client.request(head(b"GET", b"/"))
        client.respond(1, 200, [(b"set-cookie", b"id=1")])
        [headers, *_] = client.frames()

        at = headers.payload.find(b"id=1")
        assert at != -1 or b"\x1f\x28" in headers.payload  # name 55 of the table, never indexed
