"""How fast a transfer has to be: the guard against peers that trickle or stall.

Knows: when a transfer has become too slow, from byte counts and times that it is told.
Must not know: what is transferred, or in which direction.
"""

from __future__ import annotations

from math import inf

__all__ = ["TransferGuard"]


class TransferGuard:
    """Judges one transfer by its longest pause and by its average rate.

    Only time in which the peer is waited for counts: call :meth:`pause` while it is not.

    Args:
        now: when the transfer began, in seconds.
        idle: the longest pause in seconds, or None.
        rate: the slowest average in bytes a second; 0 for any.
        grace: seconds before the rate is judged.
    """

    __slots__ = ("_grace", "_idle", "_last", "_paused_at", "_rate", "_start", "_transferred")

    def __init__(self, now: float, *, idle: float | None, rate: int, grace: float) -> None:
        self._idle = inf if idle is None else idle
        self._rate = rate
        self._grace = grace
        self._start = now
        self._last = now
        self._transferred = 0
        self._paused_at: float | None = None

    def progress(self, size: int, now: float) -> None:
        """``size`` more bytes have been transferred."""
        self._transferred += size
        self._last = now

    def pause(self, now: float) -> None:
        """The peer is not waited for any more."""
        if self._paused_at is None:
            self._paused_at = now

    def resume(self, now: float) -> None:
        """The peer is waited for again."""
        if self._paused_at is not None:
            self._start += now - self._paused_at
            self._last = now
            self._paused_at = None

    @property
    def is_paused(self) -> bool:
        """The peer is not waited for."""
        return self._paused_at is not None

    @property
    def deadline(self) -> float:
        """When the transfer will have become too slow if nothing more comes; ``inf``: never."""
        if self._paused_at is not None:
            return inf
        deadline = self._last + self._idle
        if self._rate:
            slow_at = self._start + max(self._grace, self._transferred / self._rate)
            deadline = min(deadline, slow_at)
        return deadline
