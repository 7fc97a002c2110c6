"""What an asyncio worker waits for until it is time to stop.

Knows: how to wait for a signal, and for a supervisor's commands, on asyncio.
Must not know: what happens then.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

from hypercorn.signals import SignalHandlers
from hypercorn_workers.worker import Ending

if TYPE_CHECKING:
    from hypercorn.supervision.obedience import Obedience

__all__ = ["StopSignal", "until_told"]


class StopSignal:
    """A shutdown trigger: SIGINT, SIGTERM or SIGBREAK.

    Process managers and terminals may send the same one twice at once. One that comes later, until
    :meth:`restore`, ends the process."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._handlers = SignalHandlers(self._received, insist=True)

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


async def until_told(obedience: Obedience) -> Ending:
    """Follow the supervisor's commands until there is no supervisor any more, or cancelled."""
    loop = asyncio.get_running_loop()
    while obedience.follow():
        await _readable(loop, obedience.link.sock)
    return Ending.OUTDATED


async def _readable(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
    readable = loop.create_future()
    try:
        loop.add_reader(sock.fileno(), _set_once, readable)
    except NotImplementedError:  # Windows' proactor, which can wait for nothing to be received
        with contextlib.suppress(OSError):
            await loop.sock_recv(sock, 0)
        return
    try:
        await readable
    finally:
        loop.remove_reader(sock.fileno())


def _set_once(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
