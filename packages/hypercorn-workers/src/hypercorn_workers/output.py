"""How a peer takes what it is sent.

Knows: what was written, what still waits, and when that has become too slow.
Must not know: what is sent, or what is done about slow peers.
"""

from __future__ import annotations

from math import inf

from hypercorn_protocols.progress import TransferGuard
from hypercorn_workers.settings import WorkerSettings

__all__ = ["OutputWatch"]

# How often the output is looked at while the peer does not take it, in seconds.
_INTERVAL = 5.0


class OutputWatch:
    """Judges one connection's output, whenever it is asked to.

    Args:
        settings: the timers.
    """

    __slots__ = ("_guard", "_sent", "_settings", "written")

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._guard: TransferGuard | None = None
        self._sent = 0
        self.written = 0
        """Bytes that were handed to the transport; for whoever writes to count."""

    @property
    def is_waiting(self) -> bool:
        """When last looked at, there was something that the peer had not taken."""
        return self._guard is not None

    def judge(self, waiting: int, now: float) -> float:
        """When to look again: ``inf`` if nothing is waiting, ``-inf`` if the peer is too slow.

        Args:
            waiting: bytes that wait in the transport.
            now: in seconds.
        """
        if not waiting:
            self._guard = None
            return inf
        sent = self.written - waiting
        guard = self._guard
        if guard is None:
            settings = self._settings
            guard = self._guard = TransferGuard(
                now,
                idle=settings.write_idle_timeout,
                rate=settings.write_min_rate,
                grace=settings.http1.rate_grace,
            )
        elif sent > self._sent:
            guard.progress(sent - self._sent, now)
        self._sent = sent
        return -inf if guard.deadline <= now else min(guard.deadline, now + _INTERVAL)
