"""``python -m benchmarks.drivers.messages SERVER KIND COUNT``: that many messages by WebSocket.

As :mod:`whole`, but messages of 20 bytes that are sent back, after a handshake on each connection.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.applications.websocket_echo import app
from benchmarks.clients import websocket
from benchmarks.drivers import whole
from benchmarks.drivers.memory_transport import MemoryTransport
from benchmarks.drivers.whole import CONNECTIONS, MAX_TURNS, ProtocolFactory

# How many new messages there are at the most.
NEW = 1024


@dataclass(frozen=True)
class Message:
    """What is sent, and what has to come back at the end of a frame."""

    frame: bytes
    payload: bytes


def message(number: int) -> Message:
    """Make a message."""
    payload = b'{"number":%09d}' % number
    return Message(websocket.message(websocket.TEXT, payload), payload)


# All are made, however many are asked for, so that making them is not counted.


def same(count: int) -> list[Message]:
    """Give the same message that many times."""
    return [message(0) for _ in range(NEW)][:count]


def new(count: int) -> list[Message]:
    """Give that many messages, of which no two are equal."""
    return [message(number) for number in range(NEW)][:count]


KINDS = {"same": same, "new": new}
SERVERS = {"hypercorn": whole.hypercorn, "uvicorn": whole.uvicorn}


async def drive(name: str, messages: Sequence[Message]) -> None:
    """Connect, and send messages, whose number is a multiple of CONNECTIONS.

    Raises:
        RuntimeError: one does not come back.
    """
    factory = SERVERS[name](asyncio.get_running_loop(), app)
    connections = [await _open(factory) for _ in range(CONNECTIONS)]
    for first in range(0, len(messages), CONNECTIONS):
        turn = messages[first : first + CONNECTIONS]
        for (protocol, transport), each in zip(connections, turn, strict=True):
            transport.written = b""
            protocol.data_received(each.frame)
        await _come_back(connections, turn)
    for protocol, _ in connections:
        protocol.connection_lost(None)


async def _open(factory: ProtocolFactory) -> tuple[Any, MemoryTransport]:
    """Make a connection as the loop would, and of that a WebSocket."""
    protocol: Any = factory()
    transport = MemoryTransport()
    protocol.connection_made(transport)
    protocol.data_received(websocket.upgrade("127.0.0.1:8000", is_compressed=False))
    for _ in range(MAX_TURNS):
        await asyncio.sleep(0)
        if transport.written:
            websocket.agreement(transport.written)
            return transport.protocol or protocol, transport
    raise RuntimeError("no answer to the handshake")


async def _come_back(
    connections: list[tuple[Any, MemoryTransport]], messages: Sequence[Message]
) -> None:
    """Let the loop turn until all have come back."""
    for _ in range(MAX_TURNS):
        await asyncio.sleep(0)
        if all(
            transport.written.endswith(each.payload)
            for (_, transport), each in zip(connections, messages, strict=True)
        ):
            return
    raise RuntimeError(f"{messages[0]!r} came back as {connections[0][1].written!r}")


def main() -> None:
    """Drive the server that the command line names, with the kind of messages that it names."""
    _, name, kind, count = sys.argv
    asyncio.run(drive(name, KINDS[kind](int(count))))


if __name__ == "__main__":
    main()
