"""Whether a worker's event loop still turns: when it is asked, and for how long it says nothing.

Knows: the times of one worker's questions and answers.
Must not know: clocks, channels, or what is done about silence.

A worker is asked again only when it has answered, and its silence counts from the question. So a
loop that was blocked for less than a time is never found silent for that time, and a supervisor
that was itself held up can forgive what it could not have heard.
"""

from __future__ import annotations

from math import inf

__all__ = ["Pulse"]


class Pulse:
    """Of one worker; times are seconds on any clock.

    Args:
        interval: how long after an answer it is asked again.
        now: when it began to serve.
    """

    def __init__(self, interval: float, now: float) -> None:
        self._interval = interval
        self._ask_at = now + interval
        self._asked_at = inf
        self.reported = False
        """Whether somebody has been told of its present silence."""

    def should_ask(self, now: float) -> bool:
        """Whether it is time for a question, which then has to be asked."""
        if now < self._ask_at:
            return False
        self._ask_at = inf
        self._asked_at = now
        return True

    def answered(self, now: float) -> None:
        """It has answered."""
        self._asked_at = inf
        self._ask_at = now + self._interval
        self.reported = False

    def silence(self, now: float) -> float:
        """For how long it has owed an answer."""
        return max(0.0, now - self._asked_at)

    def forgive(self, now: float) -> None:
        """Whoever listens was away until now, and the worker perhaps too: its silence begins
        now."""
        if self._asked_at < now:
            self._asked_at = now

    def deadline(self, *patience: float) -> float:
        """When to look again: at the next question, or when the silence reaches one of these that
        it has not reached."""
        return min(self._ask_at, *(self._asked_at + each for each in patience), inf)
