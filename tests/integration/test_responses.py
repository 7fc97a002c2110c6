"""What a client gets: framing, interim responses, trailers, and what applications do wrong."""

from __future__ import annotations

from urllib.parse import quote

import httpx
import pytest

from tests.integration.clients import Client, curl
from tests.integration.serving import Endpoint, Server
from tests.peer import Answer, IncompleteAnswer


def get(endpoint: Endpoint, target: str, method: str = "GET") -> Answer:
    with endpoint.connect() as peer:
        peer.request(target, method=method)
        return peer.answer(method)


class TestFraming:
    def test_small_answer(self, endpoint: Endpoint, client: Client) -> None:
        answer = client(endpoint, "GET", "/", None)

        assert answer.body == b"Hello"
        assert answer["content-length"] == "5"
        assert answer["content-type"] == "text/plain"
        assert answer["transfer-encoding"] is None
        assert answer["connection"] is None

    def test_stream(self, endpoint: Endpoint, client: Client) -> None:
        answer = client(endpoint, "GET", "/stream?blocks=20", None)

        assert answer["transfer-encoding"] == "chunked"
        assert answer["content-length"] is None
        assert answer.body == bytes(range(256)) * 256 * 20

    def test_pieces_arrive_as_they_are_sent(self, endpoint: Endpoint, gate: str) -> None:
        with endpoint.connect() as peer, endpoint.connect() as other:
            peer.request(f"/stream-with-gate?gate={gate}")

            assert peer.start()["transfer-encoding"] == "chunked"
            assert peer.chunk() == b"first"
            assert other.get(f"/open?gate={gate}").body == b"open"
            assert peer.chunk() == b"second"
            assert peer.chunk() == b""

    @pytest.mark.parametrize("target", ["/", "/stream?blocks=3", "/status?status=404"])
    def test_head(self, endpoint: Endpoint, client: Client, target: str) -> None:
        answer = client(endpoint, "HEAD", target, None)

        assert answer.status in (200, 404)
        assert answer.body == b""

    def test_head_keeps_the_connection_in_step(self, endpoint: Endpoint) -> None:
        with endpoint.connect() as peer:
            peer.request("/stream?blocks=1", method="HEAD")
            assert peer.answer("HEAD").status == 200
            peer.request("/length?length=4&size=4", method="HEAD")
            assert peer.answer("HEAD")["content-length"] == "4"

            assert peer.get("/").body == b"Hello"

    @pytest.mark.parametrize("status", [204, 304])
    def test_statuses_without_content(
        self, endpoint: Endpoint, client: Client, status: int
    ) -> None:
        answer = client(endpoint, "GET", f"/status?status={status}", None)

        assert answer.status == status
        assert answer.body == b""
        assert answer["transfer-encoding"] is None

    def test_statuses_without_content_keep_the_connection_in_step(
        self, endpoint: Endpoint
    ) -> None:
        with endpoint.connect() as peer:
            statuses = [peer.get(f"/status?status={code}").status for code in (204, 304, 205, 200)]

        assert statuses == [204, 304, 205, 200]

    def test_further_messages_are_ignored(self, endpoint: Endpoint) -> None:
        with endpoint.connect() as peer:
            assert peer.get("/say-too-much").body == b"content"
            assert peer.get("/").body == b"Hello"


class TestEarlyHint:
    def test_by_hand(self, endpoint: Endpoint, gate: str) -> None:
        with endpoint.connect() as peer, endpoint.connect() as other:
            peer.request(f"/early-hint?gate={gate}")
            hint = peer.raw_answer()

            assert hint.status == 103
            assert hint.headers == [("link", "</a>; rel=preload"), ("link", "</b>")]
            # The final answer had not begun when the hint was here.
            assert other.get(f"/open?gate={gate}").body == b"open"
            assert peer.raw_answer().body == b"final"

    @pytest.mark.parametrize("client", ["httpx", "aiohttp", "curl"], indirect=True)
    def test_clients(self, endpoint: Endpoint, client: Client, gate: str) -> None:
        """The standard library's client takes 103 for the final answer."""
        get(endpoint, f"/open?gate={gate}")

        answer = client(endpoint, "GET", f"/early-hint?gate={gate}", None)
        assert answer.body == b"final"

    def test_not_for_http_1_0(self, server: Server) -> None:
        get(server.clear, "/open?gate=1.0")
        with server.clear.connect() as peer:
            peer.send(b"GET /early-hint?gate=1.0 HTTP/1.0\r\n\r\n")

            assert peer.raw_answer().body == b"final"


class TestTrailers:
    def test_by_hand(self, endpoint: Endpoint) -> None:
        with endpoint.connect() as peer:
            peer.request("/trailers", "TE: trailers")
            answer = peer.answer()

            assert answer["trailer"] == "digest, other"
            assert answer.body == b"content"
            assert answer.trailers == [("digest", "abc"), ("other", "1")]
            assert peer.get("/").body == b"Hello"

    def test_clients(self, endpoint: Endpoint, client: Client) -> None:
        assert client(endpoint, "GET", "/trailers", None).body == b"content"

    def test_not_for_http_1_0(self, server: Server) -> None:
        with server.clear.connect() as peer:
            peer.send(b"GET /trailers HTTP/1.0\r\n\r\n")

            assert peer.answer().body == b"content"
            assert peer.ended()


class TestApplicationErrors:
    @pytest.mark.parametrize("target", ["/raise", "/raise-after-start"])
    def test_raised_before_anything_was_sent(
        self, endpoint: Endpoint, client: Client, server: Server, target: str
    ) -> None:
        answer = client(endpoint, "GET", target, None)

        assert answer.status == 500
        assert b"raised for" not in answer.body
        log = server.await_log(f"RuntimeError: raised for {target}")
        assert "Traceback (most recent call last):" in log

    def test_connection_persists_after_a_500(self, endpoint: Endpoint) -> None:
        with endpoint.connect() as peer:
            assert peer.get("/raise").status == 500
            assert peer.get("/").body == b"Hello"

    def test_said_nothing(self, endpoint: Endpoint, client: Client) -> None:
        assert client(endpoint, "GET", "/say-nothing", None).status == 500

    def test_body_first(self, endpoint: Endpoint, server: Server) -> None:
        assert get(endpoint, "/body-first").status == 500
        server.await_log("UnexpectedMessageError")

    @pytest.mark.parametrize("target", ["/raise-after-body", "/stop-halfway"])
    def test_stopped_within_the_answer(self, endpoint: Endpoint, target: str) -> None:
        """The client can tell: the last chunk is missing (RFC 9112 section 8)."""
        with endpoint.connect() as peer:
            peer.request(target)

            assert peer.start().status == 200
            assert peer.chunk() == b"begun"
            with pytest.raises((IncompleteAnswer, ConnectionResetError)):
                peer.chunk()

    def test_stopped_within_the_answer_as_clients_see_it(self, endpoint: Endpoint) -> None:
        with (
            httpx.Client(verify=endpoint.context or True, trust_env=False) as client,
            pytest.raises(httpx.RemoteProtocolError),
        ):
            client.get(endpoint.url("/stop-halfway"))

    def test_stopped_within_an_answer_to_http_1_0(self, server: Server) -> None:
        """A plain close would pass for the end: the connection is reset."""
        with server.clear.connect() as peer:
            peer.send(b"GET /stop-halfway HTTP/1.0\r\n\r\n")

            assert peer.end() == "reset"

    @pytest.mark.parametrize("size", [2, 6])
    def test_wrong_content_length(self, endpoint: Endpoint, server: Server, size: int) -> None:
        """Never a corrupted stream: no more than was announced, and no second answer."""
        with endpoint.connect() as peer:
            peer.request(f"/length?length=4&size={size}")
            answer = peer.start()
            rest = peer.rest()

        assert answer.status == 200
        assert answer["content-length"] == "4"
        assert len(rest) < 4
        assert set(rest) <= {ord("x")}
        server.await_log("than Content-Length says")

    def test_malformed_content_length(self, endpoint: Endpoint) -> None:
        assert get(endpoint, "/length?length=4x&size=4").status == 500

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            (b"x-header", b"a\r\nx-injected: 1"),
            (b"x-header", b"a\nx-injected: 1"),
            (b"x-header", b"a\rb"),
            (b"x-header", b"a\x00b"),
            (b"x-header: 1\r\nx-injected", b"2"),
            (b"x header", b"a"),
            (b"", b"a"),
        ],
    )
    def test_header_injection(self, endpoint: Endpoint, name: bytes, value: bytes) -> None:
        answer = get(endpoint, f"/header?name={quote(name)}&value={quote(value)}")

        assert answer.status == 500
        assert answer["x-injected"] is None

    def test_unusual_headers_that_are_allowed(self, endpoint: Endpoint) -> None:
        target = f"/header?name=X-Header&value={quote('é'.encode('latin-1'))}"

        assert get(endpoint, target)["x-header"] == "é"


def test_default_headers(endpoint: Endpoint) -> None:
    answer = get(endpoint, "/")

    assert answer["server"] == "hypercorn-h11"
    assert (answer["date"] or "").endswith(" GMT")


def test_default_headers_give_way(endpoint: Endpoint) -> None:
    assert get(endpoint, "/header?name=server&value=mine")["server"] == "mine"


def test_curl_verbose_shows_the_interim_response(server: Server) -> None:
    get(server.clear, "/open?gate=curl")

    shown = curl("--include", server.clear.url("/early-hint?gate=curl"))
    assert shown.startswith(b"HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n")
