"""The wrappers: every kind of scope, for both kinds of application."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import pytest

from hypercorn_asgi.errors import ClientDisconnected
from hypercorn_asgi.typing import AppWrapper, Scope
from hypercorn_asgi.wrappers import ASGIWrapper, WSGIWrapper, wrap_app
from tests.asgi.driving import (
    Client,
    Threads,
    http_scope,
    lifespan_scope,
    request_messages,
    run_wrapper,
    run_wsgi,
    websocket_scope,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def hello(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


async def asgi_app(scope: Any, receive: Any, send: Any) -> None:
    await send({"got": await receive(), "scope": scope["type"]})


def test_wrap_app_by_looks() -> None:
    asgi, wsgi = wrap_app(asgi_app, 10, None), wrap_app(hello, 10, None)

    assert isinstance(asgi, ASGIWrapper)
    assert asgi.app is asgi_app
    assert isinstance(wsgi, WSGIWrapper)
    assert (wsgi.app, wsgi.max_body_size) == (hello, 10)


def test_wrap_app_by_mode() -> None:
    app: Any = lambda *args: None  # noqa: E731

    assert isinstance(wrap_app(app, 10, "asgi"), ASGIWrapper)
    assert isinstance(wrap_app(app, 10, "wsgi"), WSGIWrapper)


def test_wrap_app_refuses_nonsense() -> None:
    with pytest.raises(TypeError, match="callable"):
        wrap_app(cast(Any, 1), 10, None)
    with pytest.raises(ValueError, match="mode"):
        wrap_app(hello, 10, cast(Any, "cgi"))


def test_asgi_wrapper_passes_everything_on() -> None:
    client = Client([{"type": "http.request"}])
    wrapper: AppWrapper = ASGIWrapper(asgi_app)
    unused: Any = None

    asyncio.run(wrapper(http_scope(), *client.asgi, unused, unused))

    assert client.sent == [{"got": {"type": "http.request"}, "scope": "http"}]


def test_request_is_answered_from_another_thread_in_one_visit() -> None:
    threads_seen = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        threads_seen.append(threading.current_thread())
        return hello(environ, start_response)

    client = Client(request_messages())
    visits = 0

    async def main() -> None:
        nonlocal visits
        with Threads() as threads:
            receive, send = client.asgi
            wrapper = WSGIWrapper(app, 10)
            await wrapper(http_scope(), receive, send, threads.sync_spawn, threads.call_soon)
            visits = threads.visits

    asyncio.run(main())

    assert client.status == 200
    assert client.headers == [(b"content-type", b"text/plain")]
    assert client.body == b"hello"
    assert len(client.sent) == 2
    assert visits == 1
    assert threads_seen != [threading.main_thread()]


def test_multiprocess_is_told() -> None:
    seen = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        seen.append(environ["wsgi.multiprocess"])
        return hello(environ, start_response)

    wrapper = WSGIWrapper(app, 10)
    run_wrapper(wrapper, http_scope(), Client())
    wrapper.multiprocess = False
    run_wrapper(wrapper, http_scope(), Client())

    assert seen == [True, False]


def test_websocket_is_refused() -> None:
    client = run_wsgi(hello, websocket_scope())

    assert client.sent == [{"type": "websocket.close"}]


def test_websocket_is_refused_with_a_response_where_that_can_be() -> None:
    client = run_wsgi(hello, websocket_scope(extensions={"websocket.http.response": {}}))

    assert [message["type"] for message in client.sent] == [
        "websocket.http.response.start",
        "websocket.http.response.body",
    ]
    assert client.status == 404


def test_lifespan_is_complete_at_once() -> None:
    client = Client([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    run_wrapper(WSGIWrapper(hello, 10), lifespan_scope(), client)

    assert client.sent == [
        {"type": "lifespan.startup.complete"},
        {"type": "lifespan.shutdown.complete"},
    ]


def test_unknown_scope_is_an_error() -> None:
    with pytest.raises(ValueError, match="carrier pigeon"):
        run_wsgi(hello, cast(Scope, {"type": "carrier pigeon"}))


def test_path_outside_the_root_path_is_not_found() -> None:
    client = run_wsgi(hello, http_scope(root_path="/app", path="/apple"))

    assert client.status == 404
    assert client.body == b""


def test_cancelled_request_is_an_error_of_the_threads_next_write() -> None:
    """The thread cannot be stopped, but it must not talk to a response that is not its own."""
    entered, released = threading.Event(), threading.Event()
    seen: list[BaseException] = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [])
        entered.set()
        released.wait()
        try:
            environ["wsgi.input"].read()
        except OSError as error:
            seen.append(error)
        yield b"too late"

    client = Client(request_messages())

    async def main() -> None:
        with Threads() as threads:
            receive, send = client.asgi
            wrapper = WSGIWrapper(app, 10)
            task = asyncio.ensure_future(
                wrapper(http_scope(), receive, send, threads.sync_spawn, threads.call_soon)
            )
            await asyncio.to_thread(entered.wait)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            released.set()

    asyncio.run(main())

    assert [type(error) for error in seen] == [ClientDisconnected]
    assert client.sent == []
