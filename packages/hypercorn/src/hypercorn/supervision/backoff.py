"""When the next worker may be started, so that workers which keep dying are no storm.

Knows: how many have died young, one after the other.
Must not know: clocks, or why they died.
"""

from __future__ import annotations

__all__ = ["Backoff"]

GROWN_UP = 10.0
"""Seconds of service after which a worker's end has nothing to do with its start."""
FREE_DEATHS = 5
"""How many workers may die young before the next one has to wait."""
LONGEST_PAUSE = 30.0


class Backoff:
    """Counts deaths; times are seconds on any clock."""

    def __init__(self) -> None:
        self._deaths = 0
        self.until = 0.0
        """No worker is to be started before this time."""

    def died(self, now: float, served_for: float | None) -> float:
        """A worker has ended that was to go on; ``served_for`` None means that it never served.

        Returns the seconds until the next one may start."""
        if served_for is None:
            self._deaths = max(self._deaths, FREE_DEATHS) + 1
        elif served_for >= GROWN_UP:
            self._deaths = 0
        else:
            self._deaths += 1
        excess = self._deaths - FREE_DEATHS
        pause = min(2.0 ** min(excess - 1, 10), LONGEST_PAUSE) if excess > 0 else 0.0
        self.until = now + pause
        return pause

    def forget(self) -> None:
        """What went wrong is mended: start at once."""
        self._deaths = 0
        self.until = 0.0
