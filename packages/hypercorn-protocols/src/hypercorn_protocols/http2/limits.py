"""How often a peer may do what costs more than it brings: budgets against floods.

Knows: counting, and how a budget fills up again with time.
Must not know: what is counted, or what happens to a peer that has used its budget up.
"""

from __future__ import annotations

__all__ = ["Budget"]


class Budget:
    """So many at once, and so many more each second.

    Args:
        size: the most that can have been saved up.
        per_second: what comes back each second.
        now: in seconds.
    """

    __slots__ = ("_left", "_per_second", "_size", "_updated")

    def __init__(self, size: int, per_second: float, now: float) -> None:
        self._size = size
        self._per_second = per_second
        self._left = float(size)
        self._updated = now

    def spend(self, now: float, amount: float = 1.0) -> bool:
        """Take from it; False if there is not enough."""
        self._left -= amount
        if self._left >= 0.0:
            return True
        self.earn((now - self._updated) * self._per_second)
        self._updated = now
        return self._left >= 0.0

    def earn(self, amount: float) -> None:
        """Put back what was not wasted after all."""
        self._left = min(self._left + amount, self._size)
