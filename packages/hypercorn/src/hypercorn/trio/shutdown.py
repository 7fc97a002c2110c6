"""What a trio worker waits for until it is time to stop.

Knows: signals on trio, and how to wait for the end of a socket.
Must not know: what happens then.
"""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Awaitable, Callable

import trio

from hypercorn.signals import STOP_SIGNALS

__all__ = ["until_closed_or_signalled", "until_signalled"]


async def until_signalled(*signals: signal.Signals) -> None:
    """Wait for one of these signals, by default SIGINT, SIGTERM and SIGBREAK.

    After the first the former handlers are back, so that a second one ends the process."""
    with trio.open_signal_receiver(*(signals or STOP_SIGNALS)) as received:
        async for _ in received:
            return


async def until_closed_or_signalled(sock: socket.socket) -> None:
    """Wait until the other end of a socket is closed, or for SIGTERM."""

    async def first(wait: Callable[[], Awaitable[None]]) -> None:
        await wait()
        nursery.cancel_scope.cancel()

    async def closed() -> None:
        await _until_closed(sock)

    async def signalled() -> None:
        await until_signalled(signal.SIGTERM)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(first, closed)
        nursery.start_soon(first, signalled)


async def _until_closed(sock: socket.socket) -> None:
    sock.setblocking(False)
    stream = trio.socket.from_stdlib_socket(sock)
    with contextlib.suppress(OSError):
        while await stream.recv(1):
            pass
