"""What a trio worker waits for until it is time to stop.

Knows: how to wait for a signal, and for a supervisor's commands, on trio.
Must not know: what happens then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

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
        self._event = trio.Event()
        self._handlers = SignalHandlers(self._received, insist=True)

    def install(self) -> None:
        """Take signals over from the running loop on: before anybody is told that it serves, so
        that whoever is told can stop it. Raises ValueError outside of the main thread."""
        self._token = trio.lowlevel.current_trio_token()
        self._handlers.install()

    async def __call__(self) -> None:
        """Wait for a signal."""
        await self._event.wait()

    def restore(self) -> None:
        """Let signals do what they did before."""
        self._handlers.restore()

    def _received(self) -> None:
        self._token.run_sync_soon(self._event.set, idempotent=True)


async def until_told(obedience: Obedience) -> Ending:
    """Follow the supervisor's commands until there is no supervisor any more, or cancelled."""
    while obedience.follow():
        await trio.lowlevel.wait_readable(obedience.link.sock)
    return Ending.OUTDATED
