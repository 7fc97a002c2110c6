"""The one timer of a connection.

Knows: when it is set for, and that a turn of the loop can be asked for in its place.
Must not know: what is done when it fires.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from hypercorn_workers.port import Cancellable, Runtime

__all__ = ["Timer"]


class Timer:
    """Calls back once at a time.

    Args:
        runtime: the loop.
        callback: called when the time has come, on a turn of the loop's own.
    """

    __slots__ = ("_callback", "_handle", "_runtime", "at")

    def __init__(self, runtime: Runtime, callback: Callable[[], object]) -> None:
        self._runtime = runtime
        self._callback = callback
        self._handle: Cancellable | None = None
        self.at = inf
        """What it is set for, in seconds; ``-inf``: it never fires again."""

    def arm(self, at: float, now: float) -> None:
        """Set it, to the next turn if ``at`` has passed; what it was set for is forgotten."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        elif at <= now and self.at <= now:
            return  # the next turn has been asked for already
        self.at = max(at, now)
        if at <= now:
            self._runtime.call_soon(self._on_next_turn)
        else:
            self._handle = self._runtime.call_later(at - now, self._fire)

    def stop(self) -> None:
        """Never fire again."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self.at = -inf
        self._callback = _do_nothing  # the connection is free to go, without a garbage collector

    def _on_next_turn(self) -> None:
        if self._handle is None:  # or it has been set for later in the meantime
            self._fire()

    def _fire(self) -> None:
        if self.at != -inf:
            self._handle = None
            self.at = inf
            self._callback()


def _do_nothing() -> None:
    """Nobody waits any more."""
