"""``python -m benchmarks.drivers.streams SERVER KIND COUNT``: that many requests by HTTP/2.

As :mod:`whole`, but on one connection: so many requests are on it at once, and come in one piece.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from benchmarks.applications.raw import BODY
from benchmarks.drivers import request_frames, whole
from benchmarks.drivers.memory_transport import MemoryTransport
from benchmarks.drivers.request_frames import Client

# Requests on the connection at once.
STREAMS = 16


class CollectingTransport(MemoryTransport):
    """Keeps what is written, since some servers write each answer by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[Any] = []

    def write(self, data: Any) -> None:
        """Take it."""
        self.pieces.append(data)

    def answers(self) -> int:
        """Count the bodies that were written."""
        return b"".join(self.pieces).count(BODY)


def uvicorn(loop: asyncio.AbstractEventLoop) -> whole.ProtocolFactory:
    """Have uvicorn make protocols, on zttp."""
    protocol = import_module("uvicorn.protocols.http.zttp_h2_impl").ZttpH2Protocol
    return whole.uvicorn_protocols(protocol, loop)


# Hypercorn finds out by itself what it is spoken to in.
SERVERS = {"hypercorn": whole.hypercorn, "uvicorn": uvicorn}


async def drive(name: str, client: Client, requests: Sequence[bytes]) -> None:
    """Connect, and make the requests, whose number is a multiple of STREAMS.

    Raises:
        RuntimeError: a request is not answered.
    """
    protocol, transport = SERVERS[name](asyncio.get_running_loop())(), CollectingTransport()
    protocol.connection_made(transport)
    protocol.data_received(client.greeting())
    for first in range(0, len(requests), STREAMS):
        transport.pieces.clear()
        protocol.data_received(b"".join(requests[first : first + STREAMS]))
        await _answers(transport)
    protocol.connection_lost(None)


async def _answers(transport: CollectingTransport) -> None:
    """Let the loop turn until all are answered."""
    for _ in range(whole.MAX_TURNS):
        await asyncio.sleep(0)
        if transport.answers() == STREAMS:
            return
    raise RuntimeError(f"not answered, but for {transport.pieces!r}")


def main() -> None:
    """Drive the server that the command line names, with the kind of requests that it names."""
    _, name, kind, count = sys.argv
    client = Client()
    asyncio.run(drive(name, client, request_frames.KINDS[kind](client, int(count))))


if __name__ == "__main__":
    main()
