"""What the clients of the load have in common: connections, rounds, and what went wrong.

Knows: sockets, and which end of a connection is orderly.
Must not know: protocols, or what is done to the server.

A client makes one round after another. A round is one exchange, or a few at once, on a connection
that may last for many rounds. It is orderly that a server ends a connection between two of them,
or says with an answer that it is the last one: the client connects anew. Anything else has failed.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass

from tests.integration.serving import Endpoint

__all__ = ["Client", "Disorder", "Failure", "Stream", "connect"]

_LIMIT = 65_536  # how much is read at once; twice as much may wait for that
_NO_LIMIT = 2**30


class Disorder(Exception):  # noqa: N818 (it is the server's, and may be excused)
    """The server has broken off, or has answered something else than was asked."""


@dataclass(frozen=True)
class Failure:
    """A round that has failed. Times are those of :func:`time.monotonic`."""

    client: str
    reason: str
    worker: int | None
    """The process that has answered on the connection before, if any has."""
    connected_at: float
    """When the connection was asked for."""
    at: float
    was_refused: bool
    """There was not even a connection."""


class Stream:
    """A connection, and what a client knows of it. Closed by its owner."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @property
    def has_ended(self) -> bool:
        """Whether the server has ended the connection, and nothing is left to read."""
        return self._reader.at_eof()

    def send(self, data: bytes) -> None:
        """Send at once."""
        self._writer.write(data)

    async def receive(self) -> bytes:
        """Wait for bytes; none at the end of the connection."""
        return await self._reader.read(_LIMIT)

    async def close(self) -> None:
        """Leave. Nothing of what was sent is waiting any more: it has been answered."""
        self._writer.transport.abort()
        try:
            await self._writer.wait_closed()
        except OSError:
            pass  # it was broken


async def connect(endpoint: Endpoint, context: ssl.SSLContext | None) -> Stream:
    """Open a connection. Raises OSError."""
    name = None if context is None else endpoint.host
    # By TLS whatever comes is taken: before Python 3.11 a reader that has paused cannot go on if
    # the connection has ended meanwhile.
    limit = _LIMIT if context is None else _NO_LIMIT
    return Stream(
        *await asyncio.open_connection(
            endpoint.host, endpoint.port, ssl=context, server_hostname=name, limit=limit
        )
    )


class Client(ABC):
    """Makes rounds of requests until it is told to stop.

    Args:
        endpoint: of the server.
    """

    kind: str
    """What is special about it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.name = f"{self.kind}, {endpoint.scheme}"
        self.worker: int | None = None
        """Who answers on the present connection, once that is known."""
        self.connected_at = 0.0
        self.answers = 0
        self._number = 0

    @abstractmethod
    async def round(self) -> None:
        """Ask, and see that the answers are right.

        Raises:
            OSError: the connection is refused, or broken.
            Disorder: the answers are not as they should be, or do not come.
        """

    @abstractmethod
    async def leave(self) -> None:
        """Give the connection up, if there is one."""

    def new_target(self, route: str) -> str:
        """A target that no other request has."""
        self._number += 1
        return f"/{route}/{self._number}"

    def answered(self, worker: str | bytes) -> None:
        """An answer is complete, and right."""
        self.met(worker)
        self.answers += 1

    def met(self, worker: str | bytes) -> None:
        """The process is known that serves the present connection."""
        self.worker = int(worker)

    def begin_connection(self) -> None:
        """The present connection, if any, is history."""
        self.worker = None
        self.connected_at = time.monotonic()

    def failure(self, error: BaseException) -> Failure:
        """What has to be told of a round that raised this."""
        reason = f"{type(error).__name__}: {error}"
        refused = isinstance(error, ConnectionRefusedError)
        return Failure(
            self.name, reason, self.worker, self.connected_at, time.monotonic(), refused
        )
