"""What an asyncio worker waits for until it is time to stop.

Knows: how to wait for a signal, and for the end of a socket, on asyncio.
Must not know: what happens then.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket

from hypercorn.signals import SignalHandlers

__all__ = ["StopSignal", "until_closed"]


class StopSignal:
    """A shutdown trigger: SIGINT, SIGTERM or SIGBREAK.

    Further signals are ignored until :meth:`restore`, as process managers and terminals may send
    the same one twice."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._handlers = SignalHandlers(self._received)

    def install(self) -> None:
        """Take signals over from the running loop on: before anybody is told that it serves, so
        that whoever is told can stop it. Raises ValueError outside of the main thread."""
        self._loop = asyncio.get_running_loop()
        self._handlers.install()

    async def __call__(self) -> None:
        """Wait for a signal."""
        await self._event.wait()

    def restore(self) -> None:
        """Let signals do what they did before."""
        self._handlers.restore()

    def _received(self) -> None:
        self._loop.call_soon_threadsafe(self._event.set)


async def until_closed(sock: socket.socket) -> None:
    """Wait until the other end of a socket is closed."""
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError):
        while await loop.sock_recv(sock, 1):
            pass
