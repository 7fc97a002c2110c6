"""``python -m benchmarks.drivers.whole SERVER COUNT``: that many requests, without sockets.

The server is started as people start it from a program, on an asyncio loop, with its default
settings but for the access log; then connections are made to what it gave the loop. Each of them
asks once in a turn of the loop, so that the turn itself, which a busy server has for many requests
at a time, hardly counts.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from importlib import import_module
from typing import Any

from benchmarks.applications.raw import BODY, app
from benchmarks.drivers.memory_transport import MemoryTransport, TellingLoop
from benchmarks.drivers.request import REQUEST


def hypercorn() -> Coroutine[Any, Any, None]:
    """Serve with Hypercorn, of this tree or 0.18, which are embedded in the same way."""
    serve = import_module("hypercorn.asyncio").serve
    config = import_module("hypercorn.config").Config()
    config.bind = ["127.0.0.1:0"]
    config.loglevel = "WARNING"
    never = asyncio.Event()
    served: Coroutine[Any, Any, None] = serve(app, config, shutdown_trigger=never.wait)
    return served


def uvicorn() -> Coroutine[Any, Any, None]:
    """Serve with uvicorn on httptools."""
    module = import_module("uvicorn")
    config = module.Config(app, port=0, http="httptools", log_level="warning", access_log=False)
    served: Coroutine[Any, Any, None] = module.Server(config).serve()
    return served


# As many as under the load of `http1`.
CONNECTIONS = 32
# In which every server has answered.
MAX_TURNS = 100

SERVERS = {"hypercorn": hypercorn, "uvicorn": uvicorn}


async def drive(loop: TellingLoop, name: str, count: int) -> None:
    """Serve, connect, and ask until `count` requests, a multiple of CONNECTIONS, are answered."""
    serving = loop.create_task(SERVERS[name]())
    factory = await loop.protocol_factory
    connections = [_connect(factory) for _ in range(CONNECTIONS)]
    loop.stop_time()
    for _ in range(count // CONNECTIONS):
        for protocol, transport in connections:
            transport.written = b""
            protocol.data_received(REQUEST)
        await _answers([transport for _, transport in connections])
    for protocol, _ in connections:
        protocol.connection_lost(None)
    await _cancel(serving)


def _connect(factory: Callable[[], Any]) -> tuple[Any, MemoryTransport]:
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


async def _cancel(serving: asyncio.Task[None]) -> None:
    """End the server, and what it has started."""
    serving.cancel()
    await asyncio.wait([serving])
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


def main() -> None:
    """Drive the server that the command line names."""
    _, name, count = sys.argv
    loop = TellingLoop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(drive(loop, name, int(count)))
    finally:
        loop.close()


if __name__ == "__main__":
    main()
