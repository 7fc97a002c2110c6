"""Redirects to the same place with TLS."""

from __future__ import annotations

from typing import Any

import pytest

from hypercorn_asgi.middleware import HTTPToHTTPSRedirectMiddleware
from tests.asgi.driving import Client, http_scope, run_asgi, websocket_scope


async def app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "reached", "scheme": scope.get("scheme")})


def redirect(scope: Any, host: str | None = "secure.example") -> Client:
    return run_asgi(HTTPToHTTPSRedirectMiddleware(app, host), scope)


def location(client: Client) -> str:
    return dict(client.headers)[b"location"].decode("latin-1")


def test_request_is_redirected() -> None:
    client = redirect(http_scope(path="/a b", raw_path=b"/a%20b", query_string=b"c=%C3%A9"))

    assert client.status == 307
    assert client.headers == [
        (b"location", b"https://secure.example/a%20b?c=%C3%A9"),
        (b"content-length", b"0"),
    ]
    assert client.body == b""


def test_host_of_the_request() -> None:
    headers = [(b"accept", b"*/*"), (b"Host", b"example.com")]

    assert location(redirect(http_scope(headers=headers), None)) == "https://example.com/"


@pytest.mark.parametrize("headers", [[], [(b"host", b"")]])
def test_no_host_at_all(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(ValueError, match="host"):
        redirect(http_scope(headers=headers), None)


@pytest.mark.parametrize(
    ("root_path", "raw_path", "url"),
    [
        # As ASGI has it, root_path is a part of raw_path; behind a proxy that strips it, not.
        ("/app", b"/app/x", "https://secure.example/app/x"),
        ("/app", b"/app", "https://secure.example/app"),
        ("/app", b"/x", "https://secure.example/app/x"),
        ("/app", b"/apple", "https://secure.example/app/apple"),
        ("/\xfc", b"/%C3%BC/x", "https://secure.example/%C3%BC/x"),
    ],
)
def test_root_path_is_there_once(root_path: str, raw_path: bytes, url: str) -> None:
    assert location(redirect(http_scope(root_path=root_path, raw_path=raw_path))) == url


def test_server_that_gives_no_raw_path() -> None:
    scope: Any = http_scope(path="/é x")
    del scope["raw_path"]

    assert location(redirect(scope)) == "https://secure.example/%C3%A9%20x"


@pytest.mark.parametrize(
    ("http_version", "scheme"), [("1.1", "wss"), ("2", "https"), ("3", "https")]
)
def test_websocket_is_redirected(http_version: str, scheme: str) -> None:
    client = redirect(
        websocket_scope(
            http_version=http_version,
            raw_path=b"/ws",
            extensions={"websocket.http.response": {}},
        )
    )

    assert client.sent[0]["type"] == "websocket.http.response.start"
    assert client.status == 307
    assert location(client) == f"{scheme}://secure.example/ws"
    assert client.sent[1]["type"] == "websocket.http.response.body"


@pytest.mark.parametrize("extensions", [{}, None])
def test_websocket_is_refused_where_it_cannot_be_redirected(extensions: Any) -> None:
    assert redirect(websocket_scope(extensions=extensions)).sent == [{"type": "websocket.close"}]


@pytest.mark.parametrize(
    "scope",
    [http_scope(scheme="https"), websocket_scope(scheme="wss"), {"type": "lifespan"}],
    ids=["https", "wss", "lifespan"],
)
def test_the_rest_reaches_the_application(scope: Any) -> None:
    assert redirect(scope).sent == [{"type": "reached", "scheme": scope.get("scheme")}]
