"""The load: clients that go on and on in a thread, and what becomes of them.

Knows: how far each client is, who answers, and what has failed.
Must not know: protocols, or what is done to the server.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence

from tests.integration.rolling.clients import Client, Disorder, Failure
from tests.integration.rolling.http1 import HTTP1_CLIENTS
from tests.integration.rolling.http2 import HTTP2_CLIENTS
from tests.integration.rolling.websocket import WEBSOCKET_CLIENTS
from tests.integration.serving import Endpoint
from tests.peer import TIMEOUT

__all__ = ["Load"]

_KINDS: tuple[type[Client], ...] = (*HTTP1_CLIENTS, *HTTP2_CLIENTS, *WEBSOCKET_CLIENTS)

_PAUSE = 0.05  # seconds before the round after one that failed


class Load:
    """Clients of every kind at each of these endpoints, for as long as a ``with`` block lasts."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self.failures: list[Failure] = []
        self._clients = [kind(endpoint) for endpoint in endpoints for kind in _KINDS]
        self._rounds_began_at = dict.fromkeys(self._clients, 0.0)
        self._served_at: dict[int, float] = {}
        self._changed = threading.Condition()
        self._stopping = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stopping = True
        self._thread.join()

    @property
    def answers(self) -> dict[str, int]:
        """How many answers each client has got."""
        return {client.name: client.answers for client in self._clients}

    def stop(self) -> None:
        """Let the clients finish their rounds and leave. Raises what the load itself did wrong."""
        self._stopping = True
        self._thread.join()
        if self._error is not None:
            raise self._error

    def await_rounds(self) -> set[int]:
        """Wait until each client has made a whole round, and return the processes that served."""
        since = time.monotonic()
        self._await(lambda: all(at > since for at in self._rounds_began_at.values()))
        return self._workers_since(since)

    def await_another(self, *workers: int) -> int:
        """Wait for an answer by a process that is none of these, and return its id."""
        since = time.monotonic()
        self._await(lambda: bool(self._workers_since(since) - {*workers}))
        return (self._workers_since(since) - {*workers}).pop()

    def _workers_since(self, time: float) -> set[int]:
        return {worker for worker, asked_at in list(self._served_at.items()) if asked_at > time}

    def _await(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            reached = self._changed.wait_for(
                lambda: condition() or self._error is not None, 2 * TIMEOUT
            )
        if self._error is not None:
            raise self._error
        assert reached, f"some clients make no progress: {self.failures}\n{self.answers}"

    def _run(self) -> None:
        asyncio.run(self._go_on())

    async def _go_on(self) -> None:
        await asyncio.gather(*map(self._be, self._clients))

    async def _be(self, client: Client) -> None:
        try:
            while not self._stopping:
                await self._make_round(client)
            await client.leave()
        except Exception as error:  # for the test's own thread
            with self._changed:
                self._error = error
                self._stopping = True
                self._changed.notify_all()

    async def _make_round(self, client: Client) -> None:
        began_at = time.monotonic()
        try:
            await asyncio.wait_for(client.round(), TIMEOUT)
            self._answered(client, began_at)
        except (OSError, Disorder, asyncio.TimeoutError) as error:
            self.failures.append(client.failure(error))
            await client.leave()
            await asyncio.sleep(_PAUSE)
        with self._changed:
            self._rounds_began_at[client] = began_at
            self._changed.notify_all()

    def _answered(self, client: Client, began_at: float) -> None:
        worker = client.worker
        if worker is not None:
            self._served_at[worker] = max(began_at, self._served_at.get(worker, 0.0))
