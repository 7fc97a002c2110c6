"""StatsD on trio: sending a datagram waits for nothing, so it is the common logger.

Knows: that the name exists here.
Must not know: anything about metrics.
"""

from __future__ import annotations

from hypercorn.statsd import StatsdLogger as CommonStatsdLogger

__all__ = ["StatsdLogger"]


class StatsdLogger(CommonStatsdLogger):
    """Sends metrics from an trio worker."""
