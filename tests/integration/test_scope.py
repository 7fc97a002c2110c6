"""What an application is told of a request (ASGI HTTP connection scope 2.5)."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.clients import curl
from tests.integration.serving import Certificates, Endpoint, Server, serving
from tests.integration.websocket_ways import VERSIONS, HTTP1Connection, Way
from tests.peer import TIMEOUT, Peer


def scope_of(endpoint: Endpoint, target: str, *fields: str, **options: Any) -> Any:
    with endpoint.connect(options.pop("context", None)) as peer:
        peer.request(target, *fields, **options)
        answer = peer.answer()
    assert answer.status == 200
    return json.loads(answer.body)


def test_whole_scope(server: Server) -> None:
    endpoint = server.clear
    with endpoint.connect() as peer:
        client = list(peer.sock.getsockname())
        peer.request("/scope?a=%20b&c", "X-Twice: 1", "x-twice:  2 ", "Cookie: é")
        scope = json.loads(peer.answer().body)

    assert scope == {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/scope",
        "raw_path": "/scope",
        "query_string": "a=%20b&c",
        "root_path": "",
        "headers": [
            ["host", endpoint.netloc],
            ["x-twice", "1"],
            ["x-twice", "2"],
            ["cookie", "é"],
        ],
        "client": client,
        "server": ["127.0.0.1", endpoint.port],
        "extensions": {"http.response.trailers": {}, "http.response.early_hint": {}},
    }


@pytest.mark.parametrize(
    ("target", "path", "raw_path", "query"),
    [
        ("/scope/a%20b%2Fc", "/scope/a b/c", "/scope/a%20b%2Fc", ""),
        ("/scope/%C3%A9?%C3%A9", "/scope/é", "/scope/%C3%A9", "%C3%A9"),
        ("/scope/%ff", "/scope/\ufffd", "/scope/%ff", ""),
        ("/scope/%25", "/scope/%", "/scope/%25", ""),
        ("/scope/a+b;c=1//../d", "/scope/a+b;c=1//../d", "/scope/a+b;c=1//../d", ""),
        ("/scope?", "/scope", "/scope", ""),
        ("/scope??a=b?", "/scope", "/scope", "?a=b?"),
    ],
)
def test_target(server: Server, target: str, path: str, raw_path: str, query: str) -> None:
    scope = scope_of(server.clear, target)

    assert scope["path"] == path
    assert scope["raw_path"] == raw_path
    assert scope["query_string"] == query


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "DELETE", "PROPFIND", "M-SEARCH"])
def test_method(endpoint: Endpoint, method: str) -> None:
    assert scope_of(endpoint, "/scope", method=method)["method"] == method


def test_absolute_form_replaces_host(server: Server) -> None:
    scope = scope_of(server.clear, "http://other.example/scope?q=1")

    assert scope["path"] == "/scope"
    assert scope["raw_path"] == "/scope"
    assert scope["query_string"] == "q=1"
    assert ["host", "other.example"] in scope["headers"]
    assert len(scope["headers"]) == 1


def test_asterisk_form(server: Server) -> None:
    with server.clear.connect() as peer:
        peer.request("*", method="OPTIONS")

        assert json.loads(peer.answer().body)["path"] == "*"


def test_http_1_0(server: Server) -> None:
    with server.clear.connect() as peer:
        peer.send(b"GET /scope HTTP/1.0\r\n\r\n")
        scope = json.loads(peer.answer().body)

    assert scope["http_version"] == "1.0"
    assert scope["headers"] == []


def test_unix_socket(server: Server, unix_path: Path) -> None:
    url = "http://localhost/scope"
    scope = json.loads(curl("--unix-socket", str(unix_path), url))

    assert scope["client"] is None
    assert scope["server"] == [str(unix_path), None]
    assert scope["scheme"] == "http"


def test_unix_socket_by_hand(server: Server, unix_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(TIMEOUT)
        sock.connect(str(unix_path))
        with Peer(sock, "localhost") as peer:
            peer.request("/digest", "Connection: close", method="POST", body=b"x" * 100_000)

            assert json.loads(peer.answer().body)["size"] == 100_000
            assert peer.ended()


class TestTLS:
    def test_without_a_client_certificate(
        self, server: Server, certificates: Certificates
    ) -> None:
        scope = scope_of(server.encrypted, "/scope")
        tls = scope["extensions"]["tls"]

        assert scope["scheme"] == "https"
        assert tls["server_cert"] in Path(certificates.certificate).read_text()
        assert tls["client_cert_chain"] == []
        assert tls["client_cert_name"] is None
        assert tls["client_cert_error"] is None
        assert tls["tls_version"] == 0x0304
        assert tls["cipher_suite"] in (0x1301, 0x1302, 0x1303)

    def test_with_a_client_certificate(self, server: Server, certificates: Certificates) -> None:
        context = certificates.context_with_client_certificate()
        tls = scope_of(server.encrypted, "/scope", context=context)["extensions"]["tls"]

        assert len(tls["client_cert_chain"]) == 1
        assert tls["client_cert_chain"][0] in Path(certificates.client).read_text()
        assert tls["client_cert_name"].startswith("CN=A Client\\, Inc.,")

    def test_tls_1_2(self, server: Server, certificates: Certificates) -> None:
        options = ("--tls-max", "1.2", "--cacert", certificates.authority)
        tls = json.loads(curl(*options, server.encrypted.url("/scope")))["extensions"]["tls"]

        assert tls["tls_version"] == 0x0303
        # ECDHE-RSA or -ECDSA with AES-GCM
        assert tls["cipher_suite"] in (0xC02B, 0xC02C, 0xC02F, 0xC030)

    @pytest.mark.parametrize("offered", [["http/1.1"], ["spdy/3", "http/1.1"]])
    def test_alpn(self, server: Server, certificates: Certificates, offered: list[str]) -> None:
        context = certificates.context_with_client_certificate()
        context.set_alpn_protocols(offered)
        with server.encrypted.connect(context) as peer:
            assert peer.sock.selected_alpn_protocol() == "http/1.1"  # type: ignore[attr-defined]
            assert peer.get("/").body == b"Hello"

    def test_alpn_prefers_http2(self, server: Server, certificates: Certificates) -> None:
        context = certificates.context_with_client_certificate()
        context.set_alpn_protocols(["http/1.1", "h2"])
        with server.encrypted.open(context) as sock:
            assert sock.selected_alpn_protocol() == "h2"  # type: ignore[attr-defined]


def test_state_is_copied_for_each_request(endpoint: Endpoint) -> None:
    """A request gets a copy; what it holds is shared (ASGI lifespan specification, "state")."""
    with endpoint.connect() as peer:
        first = json.loads(peer.get("/state").body)
        second = json.loads(peer.get("/state").body)
        scope = json.loads(peer.get("/scope").body)

    assert first["keys"] == second["keys"] == ["shared"]
    assert len(second["shared"]) == len(first["shared"]) + 1
    # Nor did clearing them there change anything here.
    assert scope["asgi"]["version"] == "3.0"
    assert "http.response.trailers" in scope["extensions"]


@pytest.fixture(scope="module")
def mounted(worker_class: str) -> Iterator[Server]:
    names = ("--server-name", "good.example", "--server-name", "good.example:8080")
    with serving(worker_class, "--root-path", "/mounted/", *names) as running:
        yield running


class TestConfigured:
    def test_root_path(self, mounted: Server) -> None:
        with mounted.clear.connect() as peer:
            peer.host = "good.example"
            scope = json.loads(peer.get("/mounted/scope/%41").body)

        assert scope["root_path"] == "/mounted"
        assert scope["path"] == "/mounted/scope/A"
        assert scope["raw_path"] == "/mounted/scope/%41"

    @pytest.mark.parametrize(
        ("host", "status"),
        [
            ("good.example", 200),
            ("good.example:8080", 200),
            ("GOOD.example", 404),
            ("good.example:80", 404),
            ("bad.example", 404),
            ("", 404),
        ],
    )
    def test_server_names(self, mounted: Server, host: str, status: int) -> None:
        with mounted.clear.connect() as peer:
            peer.host = host

            assert peer.get("/mounted/scope").status == status
            # A refusal is no reason to close.
            peer.host = "good.example"
            assert peer.get("/mounted/scope").status == 200

    @pytest.mark.parametrize("version", VERSIONS)
    def test_server_name_of_a_websocket(self, mounted: Server, version: str) -> None:
        with Way(mounted.clear, version).connect() as connection:
            assert connection.refusal("/mounted/echo").status == 404
            # A refusal is no reason to close.
            if isinstance(connection, HTTP1Connection):
                connection.peer.host = "good.example"
                websocket = connection.open("/mounted/scope")
                assert json.loads(websocket.message())["root_path"] == "/mounted"

    def test_server_name_of_an_upload(self, mounted: Server) -> None:
        with mounted.clear.connect() as peer:
            peer.host = "bad.example"
            peer.request("/mounted/echo", method="POST", body=b"for nobody")

            assert peer.answer().status == 404
