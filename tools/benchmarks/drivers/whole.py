"""``python -m benchmarks.drivers.whole SERVER KIND COUNT``: that many requests, without sockets.

Each server's protocol is made as the server makes it, with default settings but for the access
log, and given what the event loop would give it. Each connection asks once in a turn of the loop,
so that the turn itself, which a busy server has for many requests at a time, hardly counts.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from benchmarks.applications import raw
from benchmarks.applications.raw import BODY
from benchmarks.drivers.memory_transport import MemoryTransport
from benchmarks.drivers.request import KINDS

# As many as under the load of `http1`.
CONNECTIONS = 32
# In which every server has answered.
MAX_TURNS = 100

ProtocolFactory = Callable[[], asyncio.Protocol]


def hypercorn(loop: asyncio.AbstractEventLoop, app: Any = raw.app) -> ProtocolFactory:
    """Have Hypercorn's worker on asyncio make protocols, with the settings of a default Config."""
    workers = import_module("hypercorn_workers")
    backend = import_module("hypercorn_workers.asyncio")
    settings = import_module("hypercorn.config").Config().to_worker_settings()
    runtime = backend.AsyncioRuntime(loop)
    worker = workers.Worker(app, runtime, settings, workers.NullObserver())
    with socket.socket() as sock:
        listener = workers.Listener(sock)
    return lambda: backend.ConnectionProtocol(worker, listener)


def uvicorn(loop: asyncio.AbstractEventLoop, app: Any = raw.app) -> ProtocolFactory:
    """Have uvicorn make protocols, on httptools."""
    protocol = import_module("uvicorn.protocols.http.httptools_impl").HttpToolsProtocol
    return uvicorn_protocols(protocol, loop, app)


def uvicorn_protocols(
    protocol: Any, loop: asyncio.AbstractEventLoop, app: Any = raw.app
) -> ProtocolFactory:
    """Make one of uvicorn's protocols as its server does."""
    config = import_module("uvicorn.config").Config(app, log_level="warning", access_log=False)
    config.load()
    state = import_module("uvicorn.server").ServerState()
    # Its server makes these anew every second.
    date = b"Thu, 01 Jan 1970 00:00:00 GMT"
    state.default_headers = [(b"date", date), (b"server", b"uvicorn")]
    return lambda: protocol(config=config, server_state=state, app_state={}, _loop=loop)


SERVERS = {"hypercorn": hypercorn, "uvicorn": uvicorn}


async def drive(name: str, requests: Sequence[bytes]) -> None:
    """Connect, and make the requests, whose number is a multiple of CONNECTIONS.

    Raises:
        RuntimeError: a request is not answered.
    """
    factory = SERVERS[name](asyncio.get_running_loop())
    connections = [_connect(factory) for _ in range(CONNECTIONS)]
    for first in range(0, len(requests), CONNECTIONS):
        turn = requests[first : first + CONNECTIONS]
        for (protocol, transport), request in zip(connections, turn, strict=True):
            transport.written = b""
            protocol.data_received(request)
        await _answers([transport for _, transport in connections])
    for protocol, _ in connections:
        protocol.connection_lost(None)


def _connect(factory: ProtocolFactory) -> tuple[asyncio.Protocol, MemoryTransport]:
    """Make a connection as the loop would."""
    protocol, transport = factory(), MemoryTransport()
    protocol.connection_made(transport)
    return protocol, transport


async def _answers(transports: list[MemoryTransport]) -> None:
    """Let the loop turn until all are answered."""
    for _ in range(MAX_TURNS):
        await asyncio.sleep(0)
        # Some servers write a response's head by itself, and its body later.
        if all(transport.written.endswith(BODY) for transport in transports):
            return
    raise RuntimeError(f"not answered, but for {transports[0].written!r}")


def main() -> None:
    """Drive the server that the command line names, with the kind of requests that it names."""
    _, name, kind, count = sys.argv
    asyncio.run(drive(name, KINDS[kind](int(count))))


if __name__ == "__main__":
    main()
