"""RFC 9113 sections 8.1.1 and 8.3 to 8.5: requests, their pseudo-header fields, their length."""

from __future__ import annotations

import pytest

from hypercorn_protocols.events import BodyEnded, BodyReceived, RequestReceived
from hypercorn_protocols.settings import HTTP2EngineName
from tests.protocols.http2 import frames
from tests.protocols.http2.client import GET, POST, Client, content, head, literal, replies
from tests.protocols.http2.conformance.errors import assert_stream_error
from tests.protocols.http2.frames import Code, Fields, Flag, Type, of_kind

METHOD, SCHEME, PATH, AUTHORITY = GET
HOST = (b"host", b"example.com")


def with_pseudo(name: bytes, value: bytes) -> Fields:
    """A request with another value of a pseudo-header field."""
    return [(found, value if found == name else old) for found, old in GET]


class TestPseudoHeaderFields:
    """Section 8.3: "Endpoints MUST treat a request or response that contains undefined or invalid
    pseudo-header fields as malformed"."""

    @pytest.mark.parametrize(
        "field",
        [
            (b":unknown", b"1"),
            (b":", b"1"),
            (b":Path", b"/"),
            (b":status", b"200"),
            (b":protocol", b"websocket"),  # RFC 8441, which was not announced
            (b":host", b"example.com"),
        ],
    )
    def test_undefined_one_is_malformed(self, client: Client, field: tuple[bytes, bytes]) -> None:
        assert_stream_error(client, client.headers([*GET, field]), Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("misplaced", GET)
    def test_one_after_a_regular_field_is_malformed(
        self, client: Client, misplaced: tuple[bytes, bytes]
    ) -> None:
        """ "All pseudo-header fields sent in a request MUST appear before all regular field
        lines"."""
        fields = [field for field in GET if field != misplaced]
        data = client.headers([*fields, (b"x", b"y"), misplaced])

        assert_stream_error(client, data, Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("missing", [METHOD, SCHEME, PATH])
    def test_missing_one_is_malformed(self, client: Client, missing: tuple[bytes, bytes]) -> None:
        """Section 8.3.1: "All HTTP/2 requests MUST include exactly one valid value for the
        ":method", ":scheme", and ":path" pseudo-header fields, unless they are CONNECT
        requests"."""
        data = client.headers([field for field in GET if field != missing])

        assert_stream_error(client, data, Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("repeated", GET)
    @pytest.mark.parametrize("same", [True, False])
    def test_repeated_one_is_malformed(
        self, client: Client, repeated: tuple[bytes, bytes], same: bool
    ) -> None:
        """ "The same pseudo-header field name MUST NOT appear more than once"."""
        name, value = repeated
        again = (name, value if same else value + b"x")

        assert_stream_error(client, client.headers([*GET, again]), Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("empty", GET)
    def test_empty_one_is_malformed(self, client: Client, empty: tuple[bytes, bytes]) -> None:
        assert_stream_error(
            client, client.headers(with_pseudo(empty[0], b"")), Code.PROTOCOL_ERROR
        )

    @pytest.mark.parametrize("name", [name for name, _ in GET])
    @pytest.mark.parametrize("bad", [b"\0", b"\n", b"\r", b" ", b"\t", b"\x7f", b"\x01"])
    @pytest.mark.parametrize("where", ["before", "inside", "after"])
    def test_control_characters_and_space_are_malformed(
        self, client: Client, name: bytes, bad: bytes, where: str
    ) -> None:
        value = dict(GET)[name]
        value = {
            "before": bad + value,
            "inside": value[:1] + bad + value[1:],
            "after": value + bad,
        }[where]
        block = b"".join(literal(found, value if found == name else old) for found, old in GET)

        assert_stream_error(client, frames.headers(client.next_id(), block), Code.PROTOCOL_ERROR)

    def test_they_may_come_in_any_order(self, client: Client) -> None:
        [event] = client.receive(client.headers([*reversed(GET), (b"x", b"y")]))

        assert isinstance(event, RequestReceived)
        assert event.headers == [HOST, (b"x", b"y")]

    def test_they_are_not_handed_on(self, client: Client) -> None:
        request = client.request([*GET, (b"x", b"y")])

        assert [name for name, _ in request.headers] == [b"host", b"x"]


class TestMethod:
    """RFC 9110 section 9.1: a method is a token, and case-sensitive."""

    @pytest.mark.parametrize("method", [b"GE T", b"GET ", b"G\xc3\x89T", b"GET/", b"(", b'"GET"'])
    def test_no_token_is_malformed(self, client: Client, method: bytes) -> None:
        data = client.headers(with_pseudo(b":method", method))

        assert_stream_error(client, data, Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("method", [b"get", b"Post", b"head"])
    def test_one_in_lower_case_is_not_the_other(self, client: Client, method: bytes) -> None:
        """Applications see methods in upper case alone, so this cannot be told to them."""
        assert client.receive(client.headers(with_pseudo(b":method", method))) == []

        assert replies(client.frames())[1].status == 501
        assert client.exchange().body == b"alive"


class TestScheme:
    @pytest.mark.parametrize("scheme", [b"1http", b"ht tp", b"http:", b"http://", b"-", b"h\xc3"])
    def test_invalid_one_is_malformed(self, client: Client, scheme: bytes) -> None:
        """RFC 3986 section 3.1."""
        data = client.headers(with_pseudo(b":scheme", scheme))

        assert_stream_error(client, data, Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("scheme", [b"http", b"https"])
    def test_those_of_http_are_taken(self, client: Client, scheme: bytes) -> None:
        assert client.request(with_pseudo(b":scheme", scheme)).target == b"/"


class TestPath:
    """Section 8.3.1."""

    @pytest.mark.parametrize(
        "path",
        [
            b"path",
            b"*",
            b"?query",
            b"http://example.com/",
            b"https://example.com",
            b"//\x80 ",
            b"/a b",
            b"/#fragment",
            b"/path#",
            b"#",
            b"*/",
            b"/\0",
            b"/a\r\nx: y",
        ],
    )
    def test_invalid_one_is_malformed(self, client: Client, path: bytes) -> None:
        block = b"".join(literal(name, path if name == b":path" else value) for name, value in GET)

        assert_stream_error(client, frames.headers(client.next_id(), block), Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize(
        "path",
        [b"/", b"/a/b;c=d", b"/?", b"/a?b=c&d=%20", b"//a//b", b"/%00", b"/a?b?c/d", b"/:@!$'"],
    )
    def test_path_and_query_are_the_target(self, client: Client, path: bytes) -> None:
        assert client.request(head(b"GET", path)).target == path

    def test_asterisk_is_for_options(self, client: Client) -> None:
        """ "an OPTIONS request ... that does not include a path component ... MUST include a
        ":path" pseudo-header field with a value of '*'"."""
        assert client.request(head(b"OPTIONS", b"*")).target == b"*"

    @pytest.mark.parametrize("method", [b"GET", b"POST", b"HEAD", b"X-OWN"])
    def test_asterisk_with_another_method_is_malformed(
        self, client: Client, method: bytes
    ) -> None:
        assert_stream_error(client, client.headers(head(method, b"*")), Code.PROTOCOL_ERROR)


class TestAuthority:
    """Section 8.3.1."""

    @pytest.mark.parametrize(
        "authority",
        [
            b"user@example.com",
            b"user:password@example.com",
            b"@example.com",
            b"example.com/path",
            b"/",
            b"example.com?x",
            b"example.com#x",
            b"example com",
            b"exa\\mple",
            b"a,b",
            b'"example"',
            b"example.com:port",
            b"example.com:80:80",
            b"[::1",
            b"::1]",
            b"http://example.com",
        ],
    )
    def test_invalid_one_is_malformed(self, client: Client, authority: bytes) -> None:
        """ "":authority" MUST NOT include the deprecated userinfo subcomponent for "http" or
        "https" schemed URIs"; else RFC 3986 section 3.2."""
        data = client.headers(with_pseudo(b":authority", authority))

        assert_stream_error(client, data, Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize(
        "authority",
        [b"a", b"example.com:8000", b"127.0.0.1", b"[::1]", b"[::1]:443", b"xn--caf-dma.example"],
    )
    def test_valid_one_is_handed_on_as_host(self, client: Client, authority: bytes) -> None:
        request = client.request(with_pseudo(b":authority", authority))

        assert request.headers == [(b"host", authority)]

    def test_host_is_enough(self, client: Client) -> None:
        """ "... MUST NOT be generated ... if the original request's target ... was in
        origin-form": a request that was HTTP/1.1 may have Host alone."""
        request = client.request([METHOD, SCHEME, PATH, (b"x", b"y"), HOST])

        assert sorted(request.headers) == [HOST, (b"x", b"y")]

    def test_equal_host_is_one(self, client: Client) -> None:
        assert client.request([*GET, HOST, (b"x", b"y")]).headers == [HOST, (b"x", b"y")]

    def test_other_host_is_malformed(self, client: Client) -> None:
        """ "A server SHOULD treat a request as malformed if it contains a Host header field that
        identifies an entity that differs from the entity in the ":authority" pseudo-header
        field"."""
        data = client.headers([*GET, (b"host", b"other.example")])

        assert_stream_error(client, data, Code.PROTOCOL_ERROR)

    def test_two_hosts_are_malformed(self, client: Client) -> None:
        data = client.headers([METHOD, SCHEME, PATH, HOST, (b"host", b"other.example")])

        assert_stream_error(client, data, Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("host", [b"user@a", b"a/b", b"a b", b""])
    def test_invalid_host_is_malformed(self, client: Client, host: bytes) -> None:
        data = client.headers([METHOD, SCHEME, PATH, (b"host", host)])

        assert_stream_error(client, data, Code.PROTOCOL_ERROR)

    def test_neither_is_malformed(self, client: Client) -> None:
        """RFC 9110 section 4.2: http URIs have an authority, which RFC 9110 section 7.2 demands to
        be sent."""
        assert_stream_error(client, client.headers([METHOD, SCHEME, PATH]), Code.PROTOCOL_ERROR)


class TestConnect:
    """Section 8.5. Nothing is connected here, so a valid one is answered 501."""

    def test_valid_one_is_not_implemented(self, client: Client) -> None:
        fields = [(b":method", b"CONNECT"), (b":authority", b"example.com:443")]
        assert client.receive(client.headers(fields, end=False)) == []

        reply = replies(client.frames())[1]
        assert (reply.status, reply.ended) == (501, True)
        assert client.exchange().body == b"alive"

    @pytest.mark.parametrize(
        "fields",
        [
            [SCHEME, AUTHORITY],
            [PATH, AUTHORITY],
            [SCHEME, PATH, AUTHORITY],
            [],
            [HOST],
            [SCHEME, PATH],
        ],
    )
    def test_other_pseudo_header_fields_are_malformed(
        self, client: Client, fields: Fields
    ) -> None:
        """ "The ":scheme" and ":path" pseudo-header fields MUST be omitted. ... A CONNECT request
        that does not conform to these restrictions is malformed". What gives the same code is
        fine, be it an answer or RST_STREAM."""
        data = client.headers([(b":method", b"CONNECT"), *fields])
        assert client.receive(data) == []

        reply = replies(client.frames())[1]
        assert reply.reset == Code.PROTOCOL_ERROR
        assert reply.status == 0
        assert client.exchange().body == b"alive"


class TestContentLength:
    """Section 8.1.1: "A request or response is also malformed if the value of a content-length
    header field does not equal the sum of the DATA frame payload lengths that form the
    content"."""

    @pytest.mark.parametrize("method", [b"GET", b"POST", b"DELETE"])
    def test_some_with_no_content_is_malformed(self, client: Client, method: bytes) -> None:
        data = client.headers(head(method, b"/", (b"content-length", b"5")))

        assert_stream_error(client, data, Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("method", [b"GET", b"POST"])
    def test_none_with_no_content_is_right(self, client: Client, method: bytes) -> None:
        request = client.request(head(method, b"/", (b"content-length", b"0")))

        assert request.headers[-1] == (b"content-length", b"0")

    @pytest.mark.parametrize("sizes", [[4], [2, 2], [0], [1, 0, 1]])
    def test_less_content_is_malformed(self, client: Client, sizes: list[int]) -> None:
        client.upload(length=5)
        for size in sizes[:-1]:
            client.receive(frames.data(1, bytes(size)))
        client.frames()

        assert_stream_error(
            client, frames.data(1, bytes(sizes[-1]), end=True), Code.PROTOCOL_ERROR
        )

    @pytest.mark.parametrize("sizes", [[6], [3, 3], [5, 1], [100]])
    @pytest.mark.parametrize("end", [True, False])
    def test_more_content_is_malformed(self, client: Client, sizes: list[int], end: bool) -> None:
        client.upload(length=5)
        events = []
        for size in sizes[:-1]:
            events += client.receive(frames.data(1, bytes(size)))

        assert len(content(events, 1)) <= 5
        assert_stream_error(client, frames.data(1, bytes(sizes[-1]), end=end), Code.PROTOCOL_ERROR)

    def test_trailers_before_all_content_are_malformed(self, client: Client) -> None:
        client.upload(length=5)
        client.receive(frames.data(1, b"four"))
        data = frames.headers(1, client.block([(b"x-sum", b"1")]))

        assert_stream_error(client, data, Code.PROTOCOL_ERROR)

    def test_exact_content_is_right(self, client: Client) -> None:
        client.upload(length=5)
        events = client.receive(frames.data(1, b"hel", pad=9), frames.data(1, b"lo", end=True))

        assert events == [BodyReceived(1, b"hel"), BodyReceived(1, b"lo"), BodyEnded(1, [])]

    def test_end_may_come_on_its_own(self, client: Client) -> None:
        client.upload(length=5)
        client.receive(frames.data(1, b"hello"))

        assert client.receive(frames.data(1, end=True)) == [BodyEnded(1, [])]

    @pytest.mark.parametrize(
        "value",
        [b"", b"+5", b"-5", b"-0", b"5x", b"0x5", b"5.0", b"5 5", b"5_0", b"\xb2", b"5,6"],
    )
    def test_no_number_is_malformed(self, client: Client, value: bytes) -> None:
        """RFC 9110 section 8.6."""
        data = client.headers([*POST, (b"content-length", value)], end=False)

        assert_stream_error(client, data, Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("values", [(b"5", b"6"), (b"0", b"5"), (b"5", b"5x")])
    def test_differing_ones_are_malformed(
        self, client: Client, values: tuple[bytes, bytes]
    ) -> None:
        fields = [(b"content-length", value) for value in values]

        assert_stream_error(client, client.headers(POST + fields, end=False), Code.PROTOCOL_ERROR)

    def test_limit_is_answered_413(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, max_body_size=10)
        fields = [*POST, (b"content-length", b"11")]
        assert client.receive(client.headers(fields, end=False)) == []

        assert replies(client.frames())[1].status == 413
        assert client.exchange().body == b"alive"

    def test_limit_without_a_length_is_answered_413(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, max_body_size=10)
        client.upload()
        events = client.receive(frames.data(1, bytes(10)), frames.data(1, b"x"))
        reply = replies(client.frames())[1]

        assert len(content(events, 1)) == 10
        assert client.unfinished == set()
        assert (reply.status, reply.ended) == (413, True)
        client.release(1)
        assert client.exchange().body == b"alive"


class TestExpect:
    """RFC 9110 section 10.1.1."""

    CONTINUE = (*POST, (b"expect", b"100-continue"))

    def test_interim_answer_is_sent_when_content_is_wanted(self, client: Client) -> None:
        request = client.request(list(self.CONTINUE), end=False)
        assert request.expects_continue
        assert of_kind(client.frames(), Type.HEADERS) == []
        client.connection.consumed(1, 0, client.now)
        [interim] = of_kind(client.frames(), Type.HEADERS)

        assert interim.fields == [(b":status", b"100")]
        assert not interim.has(Flag.END_STREAM)
        client.connection.consumed(1, 0, client.now)
        assert client.frames() == []

    def test_no_interim_answer_without_content(self, client: Client) -> None:
        request = client.request(list(self.CONTINUE))
        client.connection.consumed(1, 0, client.now)

        assert not request.expects_continue
        assert client.frames() == []

    def test_no_interim_answer_after_content_came(self, client: Client) -> None:
        """ "A server MAY omit sending a 100 (Continue) response if it has already received some or
        all of the content"."""
        client.request(list(self.CONTINUE), end=False)
        client.receive(frames.data(1, b"x"))
        client.connection.consumed(1, 1, client.now)

        assert of_kind(client.frames(), Type.HEADERS) == []

    def test_no_interim_answer_after_the_answer(self, client: Client) -> None:
        client.request(list(self.CONTINUE), end=False)
        client.respond(1, 403)
        client.connection.consumed(1, 0, client.now)

        reply = replies(client.frames())[1]
        assert (reply.status, reply.interim, reply.reset) == (403, [], Code.NO_ERROR)

    def test_another_expectation_is_answered_417(self, client: Client) -> None:
        data = client.headers([*POST, (b"expect", b"the-unexpected")], end=False)
        assert client.receive(data) == []

        assert replies(client.frames())[1].status == 417
        assert client.exchange().body == b"alive"
