"""The WSGI middlewares, each on its own event loop library."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import trio

from hypercorn_asgi.middleware import AsyncioWSGIMiddleware, TrioWSGIMiddleware
from hypercorn_asgi.middleware.wsgi import MAX_BODY_SIZE, _WSGIMiddleware
from hypercorn_asgi.typing import ASGIFramework, Scope
from tests.asgi.driving import Client, http_scope, request_messages, websocket_scope

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def echo(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    assert threading.current_thread() is not threading.main_thread()
    content = environ["wsgi.input"].read()
    write = start_response("200 OK", [("Content-Length", str(len(content) + 1))])
    write(content)
    return [b"!"]


Serve = Callable[[ASGIFramework, Scope, Client], None]


def serve_on_asyncio(app: ASGIFramework, scope: Scope, client: Client) -> None:
    async def main() -> None:
        await app(scope, *client.asgi)

    asyncio.run(main())


def serve_on_trio(app: ASGIFramework, scope: Scope, client: Client) -> None:
    trio.run(app, scope, *client.asgi)


BOTH = pytest.mark.parametrize(
    ("middleware", "serve"),
    [(AsyncioWSGIMiddleware, serve_on_asyncio), (TrioWSGIMiddleware, serve_on_trio)],
    ids=["asyncio", "trio"],
)


@BOTH
def test_request(middleware: Any, serve: Serve) -> None:
    client = Client(request_messages(b"con", b"tent"))

    serve(middleware(echo), http_scope(method="POST"), client)

    assert client.status == 200
    assert client.body == b"content!"


@BOTH
def test_attributes_and_defaults(middleware: Any, serve: Serve) -> None:
    assert (middleware(echo).wsgi_app, middleware(echo).max_body_size) == (echo, 65_536)
    assert middleware(echo, 10).max_body_size == middleware(echo, max_body_size=10).max_body_size
    assert MAX_BODY_SIZE == 65_536


@BOTH
def test_content_limit(middleware: Any, serve: Serve) -> None:
    client = Client(request_messages(b"con", b"tent"))

    serve(middleware(echo, 5), http_scope(method="POST"), client)

    assert client.status == 413


@BOTH
def test_error_of_the_application(middleware: Any, serve: Serve) -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        serve(middleware(app), http_scope(), Client(request_messages()))


@BOTH
def test_client_that_leaves(middleware: Any, serve: Serve) -> None:
    client = Client(request_messages(b"content"), patience=1)

    with pytest.raises(OSError, match="disconnected"):
        serve(middleware(echo), http_scope(method="POST"), client)


@BOTH
def test_websocket(middleware: Any, serve: Serve) -> None:
    client = Client()

    serve(middleware(echo), websocket_scope(), client)

    assert client.sent == [{"type": "websocket.close"}]


def test_base_knows_no_event_loop() -> None:
    app = _WSGIMiddleware(echo)

    assert (app.wsgi_app, app.max_body_size) == (echo, MAX_BODY_SIZE)
    with pytest.raises(NotImplementedError):
        serve_on_asyncio(app, http_scope(), Client())
