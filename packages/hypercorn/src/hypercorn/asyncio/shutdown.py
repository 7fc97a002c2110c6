"""What an asyncio worker waits for until it is time to stop.

Knows: signals on asyncio loops, and how to wait for the end of a socket.
Must not know: what happens then.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType

from hypercorn.signals import STOP_SIGNALS

__all__ = ["until_closed_or_signalled", "until_signalled"]


async def until_signalled(*signals: signal.Signals) -> None:
    """Wait for one of these signals, by default SIGINT, SIGTERM and SIGBREAK.

    After the first the former handlers are back, so that a second one ends the process."""
    event = asyncio.Event()
    with _handled(signals or STOP_SIGNALS, event.set):
        await event.wait()


async def until_closed_or_signalled(sock: socket.socket) -> None:
    """Wait until the other end of a socket is closed, or for SIGTERM."""
    sock.setblocking(False)
    closed = asyncio.ensure_future(_until_closed(sock))
    signalled = asyncio.ensure_future(until_signalled(signal.SIGTERM))
    try:
        await asyncio.wait({closed, signalled}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (closed, signalled):
            task.cancel()
        await asyncio.gather(closed, signalled, return_exceptions=True)


async def _until_closed(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError):
        while await loop.sock_recv(sock, 1):
            pass


@contextlib.contextmanager
def _handled(signals: tuple[signal.Signals, ...], callback: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    former = {number: signal.getsignal(number) for number in signals}

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(callback)

    for number in signals:
        try:
            loop.add_signal_handler(number, callback)
        except NotImplementedError:  # Windows
            signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in former.items():
            with contextlib.suppress(NotImplementedError):
                loop.remove_signal_handler(number)
            signal.signal(number, handler)
