"""The smallest ASGI server that can be driven by hand: lists for a client, real threads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

from hypercorn_asgi.errors import ClientDisconnected
from hypercorn_asgi.typing import (
    ASGIFramework,
    ASGIReceiveCallable,
    ASGISendCallable,
    HTTPScope,
    LifespanScope,
    Scope,
    WebsocketScope,
    WSGIFramework,
)
from hypercorn_asgi.wrappers import WSGIWrapper

T = TypeVar("T")
Message = dict[str, Any]

_COMMON = {
    "asgi": {"version": "3.0", "spec_version": "2.5"},
    "path": "/",
    "raw_path": b"/",
    "query_string": b"",
    "root_path": "",
    "headers": [(b"host", b"example.com")],
    "client": ("192.0.2.7", 4711),
    "server": ("198.51.100.1", 8000),
    "state": {},
    "extensions": {},
}


def http_scope(**changes: Any) -> HTTPScope:
    """Make the scope of a GET, with *changes*."""
    scope = {"type": "http", "http_version": "1.1", "method": "GET", "scheme": "http"}
    return cast(HTTPScope, {**scope, **_COMMON, **changes})


def websocket_scope(**changes: Any) -> WebsocketScope:
    """Make the scope of a WebSocket handshake, with *changes*."""
    scope = {"type": "websocket", "http_version": "1.1", "scheme": "ws", "subprotocols": []}
    return cast(WebsocketScope, {**scope, **_COMMON, **changes})


def lifespan_scope() -> LifespanScope:
    """Make the scope of a lifespan."""
    return {
        "type": "lifespan",
        "asgi": {"version": "3.0", "spec_version": "2.0"},
        "state": {},
    }


def request_messages(*parts: bytes) -> list[Message]:
    """Make the messages of a request whose content comes in *parts*."""
    messages: list[Message] = [
        {"type": "http.request", "body": part, "more_body": True} for part in parts
    ]
    return [*messages, {"type": "http.request", "body": b"", "more_body": False}]


class Client:
    """The other end: what it sends is a list, and what it gets becomes one.

    It leaves after *patience* messages, and then ``send`` raises ClientDisconnected.
    """

    def __init__(self, messages: Sequence[Message] = (), patience: int | None = None) -> None:
        self.unread = list(messages)
        self.sent: list[Message] = []
        self._patience = patience

    async def receive(self) -> Message:
        """Give the next message; past the last one the client is gone."""
        return self.unread.pop(0) if self.unread else {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take a message as long as patience lasts."""
        if self._patience is not None and len(self.sent) >= self._patience:
            raise ClientDisconnected
        self.sent.append(message)

    @property
    def asgi(self) -> tuple[ASGIReceiveCallable, ASGISendCallable]:
        """``receive`` and ``send`` in ASGI's types."""
        return cast(ASGIReceiveCallable, self.receive), cast(ASGISendCallable, self.send)

    @property
    def status(self) -> int:
        """The status that was answered."""
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The header section that was answered."""
        return list(self.sent[0]["headers"])

    @property
    def body(self) -> bytes:
        """The content that was answered, all of it."""
        assert self.sent[-1]["more_body"] is False
        return b"".join(message["body"] for message in self.sent[1:])


class Threads:
    """``sync_spawn`` and ``call_soon`` over asyncio, for as long as a ``with`` block lasts."""

    def __init__(self) -> None:
        self.visits = 0
        self._loop = asyncio.get_running_loop()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="wsgi")

    def __enter__(self) -> Threads:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()

    def sync_spawn(self, function: Callable[..., T], /, *args: Any) -> Awaitable[T]:
        """Run *function* in the one thread."""
        return self._loop.run_in_executor(self._executor, function, *args)

    def call_soon(self, function: Callable[..., Coroutine[Any, Any, T]], /, *args: Any) -> T:
        """Run *function* on the loop and wait for it, counting how often."""
        self.visits += 1
        return asyncio.run_coroutine_threadsafe(function(*args), self._loop).result()


def run_wrapper(wrapper: WSGIWrapper, scope: Scope, client: Client) -> Client:
    """Serve *scope* by *wrapper* on a new event loop; raises what it raises."""

    async def main() -> None:
        with Threads() as threads:
            receive, send = client.asgi
            await wrapper(scope, receive, send, threads.sync_spawn, threads.call_soon)

    asyncio.run(main())
    return client


def run_wsgi(
    app: WSGIFramework,
    scope: Scope | None = None,
    messages: Sequence[Message] | None = None,
    *,
    max_body_size: int = 1_000_000,
    patience: int | None = None,
) -> Client:
    """Serve one request by a WSGI application and return the client that made it."""
    client = Client(request_messages() if messages is None else messages, patience)
    return run_wrapper(WSGIWrapper(app, max_body_size), scope or http_scope(), client)


def run_asgi(
    app: ASGIFramework, scope: Scope, messages: Sequence[Message] = (), **options: Any
) -> Client:
    """Serve *scope* by an ASGI application and return the client."""
    client = Client(messages, **options)

    async def main() -> None:
        await app(scope, *client.asgi)

    asyncio.run(main())
    return client
