"""``python -m benchmarks.drivers.whole SERVER COUNT``: that many requests, without sockets.

The server is started as people start it from a program, on an asyncio loop, with its default
settings but for the access log; then one connection is made to what it gave the loop.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
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


SERVERS = {"hypercorn": hypercorn, "uvicorn": uvicorn}


async def drive(loop: TellingLoop, name: str, count: int) -> None:
    """Serve, connect, and send request after request, each once the one before is answered."""
    serving = loop.create_task(SERVERS[name]())
    factory = await loop.protocol_factory
    protocol, transport = factory(), MemoryTransport()
    protocol.connection_made(transport)
    for _ in range(count):
        transport.written = b""
        protocol.data_received(REQUEST)
        # Some servers write a response's head by itself, and its body later.
        while not transport.written.endswith(BODY):
            await asyncio.sleep(0)
    protocol.connection_lost(None)
    await _cancel(serving)


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
        loop.run_until_complete(asyncio.wait_for(drive(loop, name, int(count)), 120))
    finally:
        loop.close()


if __name__ == "__main__":
    main()
