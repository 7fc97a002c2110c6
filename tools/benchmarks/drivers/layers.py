"""``python -m benchmarks.drivers.layers LAYER COUNT``: one layer of ours, that many times.

Each layer is driven by itself through what its package exports, with the least that it needs
around it. What stands around it is another layer, whose count is to be taken off.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.applications.raw import BODY, LENGTH, app
from benchmarks.drivers.request import REQUEST
from hypercorn_asgi import HTTPExchange, ScopeTemplate
from hypercorn_protocols import DefaultHeaders, HTTP1Connection, HTTP1Settings, RequestReceived
from hypercorn_workers.asyncio import AsyncioRuntime

HEADERS = [(b"content-type", b"text/plain"), (b"content-length", LENGTH)]
SETTINGS = HTTP1Settings()
DEFAULTS = DefaultHeaders(
    [(b"date", b"Thu, 01 Jan 1970 00:00:00 GMT"), (b"server", b"hypercorn-h11")]
)
# Tasks that are started in one turn of the loop, so that the turn itself hardly counts.
TASKS_IN_A_TURN = 32

Layer = Callable[[int], Awaitable[None]]


class NullServer:
    """The server's side of an exchange, with nothing behind it."""

    observer: Any = None
    observes_requests = False

    def send_response(
        self, stream_id: int, status: int, headers: Any, body: bytes, end: bool, trailers: bool
    ) -> None:
        """Throw it away."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"an exchange of this application has no use for {name}")


def connect() -> HTTP1Connection:
    """Make the protocol's side of a new connection."""
    return HTTP1Connection(SETTINGS, DEFAULTS, 0.0)


def receive(connection: HTTP1Connection) -> RequestReceived:
    """Have it read a request."""
    (event,) = connection.receive_data(REQUEST, 0.0)
    if not isinstance(event, RequestReceived):
        raise TypeError(event)
    return event


def scopes() -> ScopeTemplate:
    """Make what the scopes of a connection have in common."""
    return ScopeTemplate(
        scheme="http",
        client=("127.0.0.1", 50_000),
        server=("127.0.0.1", 8000),
        root_path="",
        state={},
        extensions={"http.response.trailers": {}, "http.response.early_hint": {}},
    )


async def connection_only(count: int) -> None:
    """A new connection."""
    for _ in range(count):
        connect()


async def with_request(count: int) -> None:
    """A new connection, and a request read on it."""
    for _ in range(count):
        receive(connect())


async def with_response(count: int) -> None:
    """A new connection, a request read and answered on it."""
    for _ in range(count):
        connection = connect()
        stream_id = receive(connection).stream_id
        connection.send_response(stream_id, 200, HEADERS, BODY, True)
        connection.data_to_send(0.0)


async def scope(count: int) -> None:
    """The scope of a request."""
    template = scopes()
    event = receive(connect())
    for _ in range(count):
        template.http(event.http_version, event.method, event.target, event.headers)


async def task(count: int) -> None:
    """A task whose coroutine ends at once: created, run and done."""
    runtime = AsyncioRuntime(asyncio.get_running_loop())
    for _ in range(count // TASKS_IN_A_TURN):
        tasks = [runtime.spawn(_nothing()) for _ in range(TASKS_IN_A_TURN)]
        await asyncio.sleep(0)
        tasks.clear()


async def exchange(count: int) -> None:
    """An exchange, made and run with an application, without a task and the protocol."""
    server: Any = NullServer()
    event = receive(connect())
    request = scopes().http(event.http_version, event.method, event.target, event.headers)
    for _ in range(count):
        await HTTPExchange(server, 1, request, False).run(app)


async def application(count: int) -> None:
    """The application, with a ``send`` that does nothing."""
    for _ in range(count):
        await app({"type": "http"}, _nothing, _ignore)


async def _nothing() -> None:
    pass


async def _ignore(message: Any) -> None:
    pass


LAYERS: dict[str, Layer] = {
    "connection": connection_only,
    "request": with_request,
    "response": with_response,
    "scope": scope,
    "task": task,
    "exchange": exchange,
    "application": application,
}


def main() -> None:
    """Run the layer that the command line names."""
    _, name, count = sys.argv
    asyncio.run(run(LAYERS[name], int(count)))


async def run(layer: Layer, count: int) -> None:
    """Run a layer; asyncio.run takes coroutines alone."""
    await layer(count)


if __name__ == "__main__":
    main()
