"""HTTP/2 as clients that are not ours speak it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re

import httpx
import pytest

from tests.integration.clients import Client, ask_by_curl
from tests.integration.http2_clients import (
    HTTP2_CLIENTS,
    HTTP2_PROGRAMS,
    by_h2load,
    by_nghttp,
    open_httpx,
)
from tests.integration.serving import Endpoint, Server

MEBIBYTE = 2**20
CONTENT = bytes(range(256)) * 700


@pytest.fixture(params=list(HTTP2_CLIENTS))
def client(request: pytest.FixtureRequest) -> Client:
    return HTTP2_CLIENTS[request.param]


class TestRequests:
    def test_get(self, endpoint: Endpoint, client: Client) -> None:
        answer = client(endpoint, "GET", "/", None)

        assert answer.status == 200
        assert answer.body == b"Hello"
        assert answer["content-type"] == "text/plain"
        assert answer["transfer-encoding"] is None
        assert answer["connection"] is None
        assert answer["server"] == "hypercorn-h2"
        assert (answer["date"] or "").endswith(" GMT")

    def test_scope(self, endpoint: Endpoint, client: Client) -> None:
        scope = json.loads(client(endpoint, "GET", "/scope/a%20b?q=%20", None).body)

        assert scope["http_version"] == "2"
        assert scope["scheme"] == endpoint.scheme
        assert scope["method"] == "GET"
        assert scope["path"] == "/scope/a b"
        assert scope["raw_path"] == "/scope/a%20b"
        assert scope["query_string"] == "q=%20"
        assert ["host", endpoint.netloc] in scope["headers"]
        assert not [name for name, _ in scope["headers"] if name.startswith(":")]

    @pytest.mark.parametrize("content", [b"", b"x", CONTENT], ids=len)
    def test_content(self, endpoint: Endpoint, client: Client, content: bytes) -> None:
        assert client(endpoint, "POST", "/echo", content).body == content

    def test_large_upload(self, endpoint: Endpoint, client: Client) -> None:
        content = CONTENT * 6
        seen = json.loads(client(endpoint, "POST", "/digest", content).body)

        assert len(content) > MEBIBYTE
        assert seen == {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}

    def test_answer_before_the_upload_was_read(self, endpoint: Endpoint, client: Client) -> None:
        answer = client(endpoint, "POST", "/no-reader", CONTENT * 6)

        assert answer.status == 403
        assert answer.body == b"unread"

    def test_head_of_several_frames(self, endpoint: Endpoint, client: Client) -> None:
        """A request and a response that need CONTINUATION."""
        value = "x" * 20_000
        answer = client(endpoint, "GET", f"/header?name=x-large&value={value}", None)

        assert answer["x-large"] == value


class TestResponses:
    def test_large_download(self, endpoint: Endpoint, client: Client) -> None:
        answer = client(endpoint, "GET", "/stream?blocks=20", None)

        assert answer.body == bytes(range(256)) * 256 * 20

    @pytest.mark.parametrize("target", ["/", "/stream?blocks=3", "/status?status=404"])
    def test_head(self, endpoint: Endpoint, client: Client, target: str) -> None:
        answer = client(endpoint, "HEAD", target, None)

        assert answer.status in (200, 404)
        assert answer.body == b""

    @pytest.mark.parametrize("status", [204, 304])
    def test_statuses_without_content(
        self, endpoint: Endpoint, client: Client, status: int
    ) -> None:
        answer = client(endpoint, "GET", f"/status?status={status}", None)

        assert answer.status == status
        assert answer.body == b""

    def test_early_hint(self, endpoint: Endpoint, client: Client, gate: str) -> None:
        client(endpoint, "GET", f"/open?gate={gate}", None)

        assert client(endpoint, "GET", f"/early-hint?gate={gate}", None).body == b"final"

    def test_trailers(self, endpoint: Endpoint, client: Client) -> None:
        assert client(endpoint, "GET", "/trailers", None).body == b"content"

    def test_push_to_a_client_that_has_disabled_it(
        self, endpoint: Endpoint, client: Client
    ) -> None:
        assert client(endpoint, "GET", "/push?path=/", None).body == b"pushed"

    @pytest.mark.parametrize("target", ["/raise", "/raise-after-start", "/say-nothing"])
    def test_application_that_fails(self, endpoint: Endpoint, client: Client, target: str) -> None:
        assert client(endpoint, "GET", target, None).status == 500


class TestOneConnection:
    """By httpx, which shares one among all requests to a host."""

    def test_one_after_another(self, endpoint: Endpoint) -> None:
        with open_httpx(endpoint, httpx.Client) as client:
            answers = [client.get(endpoint.url(f"/scope?{number}")).json() for number in range(50)]

        assert [answer["query_string"] for answer in answers] == [str(n) for n in range(50)]
        assert len({tuple(answer["client"]) for answer in answers}) == 1

    def test_at_once(self, endpoint: Endpoint) -> None:
        answers = asyncio.run(get_at_once(endpoint, ["/stream?blocks=8", "/scope", "/"] * 20))

        assert [answer.content for answer in answers[::3]] == [bytes(range(256)) * 2048] * 20
        assert len({tuple(answer.json()["client"]) for answer in answers[1::3]}) == 1
        assert [answer.content for answer in answers[2::3]] == [b"Hello"] * 20


async def get_at_once(endpoint: Endpoint, targets: list[str]) -> list[httpx.Response]:
    # No uploads: httpx may wait for ever for a window whose opening another task has read.
    async with open_httpx(endpoint, httpx.AsyncClient) as client:
        await client.get(endpoint.url("/"))
        return await asyncio.gather(*[client.get(endpoint.url(target)) for target in targets])


if "curl" in HTTP2_PROGRAMS:

    class TestUpgradeByCurl:
        """RFC 7540 section 3.2, which browsers never used and RFC 9113 dropped."""

        def test_get(self, server: Server) -> None:
            answer = ask_by_curl("--http2", server.clear, "GET", "/scope", None)

            assert json.loads(answer.body)["http_version"] == "2"
            assert answer["server"] == "hypercorn-h2"

        def test_download(self, server: Server) -> None:
            answer = ask_by_curl("--http2", server.clear, "GET", "/stream?blocks=20", None)

            assert answer.body == bytes(range(256)) * 256 * 20

        def test_head(self, server: Server) -> None:
            assert ask_by_curl("--http2", server.clear, "HEAD", "/", None).status == 200

        def test_content(self, server: Server) -> None:
            """By whatever version: a server need not take an upgrade that has content."""
            answer = ask_by_curl("--http2", server.clear, "POST", "/echo", CONTENT)

            assert answer.body == CONTENT


if "nghttp" in HTTP2_PROGRAMS:

    class TestNghttp:
        """A client that shows every frame."""

        def test_frames(self, endpoint: Endpoint) -> None:
            shown = by_nghttp("--null-out", endpoint.url("/stream?blocks=2"))

            assert ":status: 200" in shown
            assert "content-type" not in shown.partition("recv HEADERS")[2].partition("END")[0]
            sizes = re.findall(r"recv DATA frame <length=(\d+)", shown)
            assert sum(map(int, sizes)) == 2 * 65_536
            assert "error_code=NO_ERROR" in shown.partition("send GOAWAY")[2]
            assert "recv GOAWAY" not in shown

        def test_trailers(self, endpoint: Endpoint) -> None:
            shown = by_nghttp("--null-out", "--header=te: trailers", endpoint.url("/trailers"))

            assert "digest: abc" in shown
            assert "other: 1" in shown

        def test_trailers_of_a_request(self, endpoint: Endpoint, tmp_path) -> None:
            """They are read and dropped, as ASGI does not know them."""
            (tmp_path / "content").write_bytes(CONTENT)
            data = f"--data={tmp_path / 'content'}"
            shown = by_nghttp("--trailer=x-digest: abc", data, endpoint.url("/digest"))

            assert hashlib.sha256(CONTENT).hexdigest() in shown

        def test_push(self, endpoint: Endpoint) -> None:
            shown = by_nghttp("--null-out", endpoint.url("/push?path=/scope"))

            assert "recv PUSH_PROMISE frame" in shown
            assert ":path: /scope" in shown
            assert shown.count(":status: 200") == 2

        def test_push_that_is_disabled(self, endpoint: Endpoint) -> None:
            shown = by_nghttp("--no-push", "--null-out", endpoint.url("/push?path=/scope"))

            assert "PUSH_PROMISE" not in shown
            assert shown.count(":status: 200") == 1

        def test_early_hint(self, endpoint: Endpoint, client: Client, gate: str) -> None:
            client(endpoint, "GET", f"/open?gate={gate}", None)
            shown = by_nghttp(endpoint.url(f"/early-hint?gate={gate}"))

            assert shown.index(":status: 103") < shown.index(":status: 200")
            assert "link: </a>; rel=preload" in shown

        def test_upgrade(self, server: Server) -> None:
            shown = by_nghttp("--upgrade", server.clear.url("/scope"))

            assert "HTTP/1.1 101" in shown
            assert '"http_version": "2"' in shown

        def test_many_streams(self, endpoint: Endpoint) -> None:
            """More than the server takes at once: the client keeps to what it was told."""
            shown = by_nghttp("--null-out", "--multiply=150", endpoint.url("/"))

            assert shown.count(":status: 200") == 150
            assert "RST_STREAM" not in shown

        @pytest.mark.parametrize(
            "options",
            [
                ["--continuation"],
                ["--padding=255"],
                ["--window-bits=8"],
                ["--header-table-size=0"],
                ["--header-table-size=0", "--header-table-size=65536"],
                ["--encoder-header-table-size=0"],
                ["--no-dep"],
                ["--expect-continue"],
            ],
            ids=" ".join,
        )
        def test_options(self, endpoint: Endpoint, tmp_path, options: list[str]) -> None:
            (tmp_path / "content").write_bytes(CONTENT)
            data = f"--data={tmp_path / 'content'}"
            shown = by_nghttp(*options, data, "--multiply=3", endpoint.url("/digest"))

            assert shown.count(hashlib.sha256(CONTENT).hexdigest()) == 3
            assert "RST_STREAM" not in shown


if "h2load" in HTTP2_PROGRAMS:

    class TestH2load:
        @pytest.mark.parametrize(
            "target", ["/", "/stream?blocks=2", "/status?status=204"], ids=lambda t: t[1:7] or "/"
        )
        def test_many_streams_of_many_connections(self, endpoint: Endpoint, target: str) -> None:
            summary = by_h2load(
                "--requests=500",
                "--clients=5",
                "--max-concurrent-streams=50",
                endpoint.url(target),
            )

            assert "500 succeeded, 0 failed, 0 errored, 0 timeout" in summary
            assert "status codes: 500 2xx" in summary
