"""``python -m benchmarks.clients.visitors HOST PORT COUNT``: who uses a server while it changes.

That many clients of each kind in `KINDS` ask again and again. Once each has an answer ``open
COUNT`` is printed; when the input ends, what they have met with, as a line of JSON: a `Tally` by
kind. No request is made twice, so that each failure is one that a person would have seen.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

# Seconds: between two requests, after a refusal, of a request, and of the whole program.
PAUSE = 0.01
RECOVERY = 0.05
PATIENCE = 10.0
LIFETIME = 300

REQUEST = b"GET %s HTTP/1.1\r\nHost: %s\r\n\r\n"


@dataclass
class Tally:
    """What clients of one kind have met with."""

    answers: int = 0
    refused: int = 0
    """Connections that could not be opened."""
    lost: int = 0
    """Requests whose connection ended before the answer did, or that took too long."""
    slowest: float = 0.0
    """Seconds from asking, or from connecting where that comes first, to the end of the answer."""


class Visitor:
    """A client, and the connection that it has or is about to open."""

    def __init__(self, address: tuple[str, int], tally: Tally) -> None:
        self.answered = asyncio.Event()
        self._address = address
        self._tally = tally
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, path: bytes, *, stay: bool) -> None:
        """Make one request, on the connection that there is if that is to stay."""
        began_at = time.monotonic()
        try:
            reader, writer = await self._connection()
        except OSError:
            self._tally.refused += 1
            await asyncio.sleep(RECOVERY)
            return
        try:
            stays = await asyncio.wait_for(self._exchange(reader, writer, path), PATIENCE)
        except (OSError, EOFError, asyncio.TimeoutError):
            self._tally.lost += 1
            self.leave()
            return
        self._tally.answers += 1
        self._tally.slowest = max(self._tally.slowest, time.monotonic() - began_at)
        self.answered.set()
        if not (stay and stays):
            self.leave()

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None or self._streams[0].at_eof():
            self.leave()
            self._streams = await asyncio.open_connection(*self._address)
        return self._streams

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: bytes
    ) -> bool:
        """Ask and read the answer; tell whether the connection stays."""
        writer.write(REQUEST % (path, self._address[0].encode()))
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200 "):
            raise ConnectionError(f"the server answered {head!r}")
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        await reader.readexactly(length)
        return b"connection: close" not in head

    def leave(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _regular(visitor: Visitor) -> None:
    await visitor.ask(b"/", stay=True)
    await asyncio.sleep(PAUSE)


async def _passing(visitor: Visitor) -> None:
    await visitor.ask(b"/", stay=False)
    await asyncio.sleep(PAUSE)


async def _waiting(visitor: Visitor) -> None:
    await visitor.ask(b"/pause", stay=False)


KINDS: dict[str, Callable[[Visitor], Awaitable[None]]] = {
    "keep-alive": _regular,
    "new connection": _passing,
    "in progress": _waiting,
}
"""What each does over and over: on one connection, on a new one, on a new one and for long."""


async def visit(address: tuple[str, int], count: int) -> None:
    """Ask until the input ends, and tell of it."""
    tallies = {kind: Tally() for kind in KINDS}
    visitors = {Visitor(address, tallies[kind]): kind for kind in KINDS for _ in range(count)}
    over = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, over.set)
    tasks = [
        asyncio.create_task(_ask_until(over, each, KINDS[kind])) for each, kind in visitors.items()
    ]
    await asyncio.gather(*(each.answered.wait() for each in visitors))
    print(f"open {len(visitors)}", flush=True)
    await asyncio.gather(*tasks)
    print(json.dumps({kind: asdict(tally) for kind, tally in tallies.items()}), flush=True)


async def _ask_until(
    over: asyncio.Event, visitor: Visitor, ask: Callable[[Visitor], Awaitable[None]]
) -> None:
    while not over.is_set():
        await ask(visitor)
    visitor.leave()


if __name__ == "__main__":
    signal.alarm(LIFETIME)
    asyncio.run(visit((sys.argv[1], int(sys.argv[2])), int(sys.argv[3])))
