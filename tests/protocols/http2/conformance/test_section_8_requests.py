"""RFC 9113 section 8.3: requests and their pseudo-header fields."""

from __future__ import annotations

import pytest

from hypercorn_protocols.events import RequestReceived
from tests.protocols.http2 import frames
from tests.protocols.http2.client import GET, Client, head, literal, replies
from tests.protocols.http2.conformance.errors import assert_stream_error
from tests.protocols.http2.frames import Code, Fields

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
            (b":protocol", b"websocket"),  # RFC 8441: with CONNECT alone
            (b":host", b"example.com"),
        ],
    )
    def test_undefined_one_is_malformed(self, client: Client, field: tuple[bytes, bytes]) -> None:
        assert_stream_error(client, client.headers([*GET, field]), Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("misplaced", GET)
    def test_one_after_a_regular_field_is_malformed(
        self, client: Client, misplaced: tuple[bytes, bytes]
    ) -> None:
        """ "All pseudo-header fields MUST appear in a field block before all regular field
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
        """ "An exception to this is an OPTIONS request ... that does not include a path
        component; these MUST include a ":path" pseudo-header field with a value of '*'"."""
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
        """As in a request that an intermediary got by HTTP/1.1."""
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
    def test_anything_but_method_and_authority_is_malformed(
        self, client: Client, fields: Fields
    ) -> None:
        """ "The ":scheme" and ":path" pseudo-header fields MUST be omitted. ... A CONNECT request
        that does not conform to these restrictions is malformed"."""
        data = client.headers([(b":method", b"CONNECT"), *fields])

        assert_stream_error(client, data, Code.PROTOCOL_ERROR)
