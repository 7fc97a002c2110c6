"""A worker whose whole life a test drives by hand, from its start to its end.

Knows: listeners, acceptors, and the clients that connect.
Must not know: what is served.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from hypercorn_workers import Connection, Listener, WorkerSettings
from tests.workers.by_hand import (
    PEER,
    App,
    HandRuntime,
    HandTransport,
    Notes,
    Receive,
    Send,
    make_worker,
)


async def lifespan(scope: Any, receive: Receive, send: Send) -> None:
    """Take part in a lifespan as applications should."""
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


def with_lifespan(http: App, life: App = lifespan) -> App:
    async def app(scope: Any, receive: Receive, send: Send) -> None:
        await (life if scope["type"] == "lifespan" else http)(scope, receive, send)

    return app


class Acceptor:
    """Notes whether it has been closed."""

    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


class Serving:
    """A worker that serves, as far as the runtime is turned."""

    def __init__(self, app: App, early: float = 0.0, **options: Any) -> None:
        options.setdefault("graceful_timeout", 10.0)
        self.settings = WorkerSettings(response_headers=lambda protocol: (), **options)
        self.runtime = HandRuntime(early=early)
        self.notes = Notes()
        self.worker = make_worker(app, self.runtime, self.settings, self.notes)
        self.stop = self.runtime.create_wakeup()
        self.acceptors: list[Acceptor] = []
        self.listeners: list[Listener] = []
        self.addresses: list[str] = []
        self.ended_at: float | None = None
        self.error: BaseException | None = None
        self.runtime.spawn(self._serve())
        self.runtime.settle()

    async def _serve(self) -> None:
        try:
            await self.worker.serve(
                self._open_listeners, self._accept, self.stop.wait, self.addresses.extend
            )
        except BaseException as error:
            self.error = error
        self.ended_at = self.runtime.now()

    def _open_listeners(self) -> list[Listener]:
        self.listeners = [Listener(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        return self.listeners

    async def _accept(self, listener: Listener) -> Acceptor:
        self.acceptors.append(Acceptor())
        return self.acceptors[-1]

    def has_ended(self) -> bool:
        """Whether serve() has returned or raised."""
        return self.ended_at is not None

    def connect(self, data: bytes = b"", **options: Any) -> HandTransport:
        """Connect a client and have it send something."""
        transport = HandTransport(self.runtime, self.settings.write_buffer, **options)
        transport.connection = Connection(self.worker, transport, PEER)
        if data:
            transport.connection.data_received(data)
        self.runtime.settle()
        return transport

    def shut_down(self) -> float:
        """Ask it to stop; return the time."""
        self.stop.set()
        self.runtime.settle()
        return self.runtime.now()


Serve = Callable[..., Serving]
