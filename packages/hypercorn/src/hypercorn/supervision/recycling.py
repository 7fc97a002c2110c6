"""Which workers are due to be replaced though nothing is wrong with them.

Knows: how long a worker may serve, how large it may grow, and that it says itself when it has
served enough requests.
Must not know: how it is replaced.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from logging import Logger as StandardLogger
from math import inf

from .handle import WorkerHandle

__all__ = ["Recycling", "resident_set_size"]

MEMORY_INTERVAL = 5.0
"""Seconds between two looks at how much memory the workers use."""


class Recycling:
    """Marks workers as due. Times are those of the monotonic clock."""

    def __init__(self, log: StandardLogger) -> None:
        self._log = log
        self._look_at_memory_at = inf

    def serves(self, worker: WorkerHandle, now: float) -> None:
        """A worker begins to serve."""
        config = worker.generation.config
        if config.worker_max_lifetime is not None:
            jitter = random.uniform(0, config.worker_max_lifetime_jitter)
            worker.expires_at = now + config.worker_max_lifetime + jitter
        self._look_at_memory_at = min(self._look_at_memory_at, now + MEMORY_INTERVAL)

    def due(self, worker: WorkerHandle, reason: str) -> None:
        """This worker is due."""
        if not worker.is_due:
            worker.is_due = True
            worker.expires_at = inf
            self._log.info("Worker %s %s, starting another", worker.pid, reason)

    def deadline(self, workers: Sequence[WorkerHandle]) -> float:
        """When to look again."""
        look_at = self._look_at_memory_at if any(map(_ceiling, workers)) else inf
        return min([look_at, *(worker.expires_at for worker in workers)])

    def find_due(self, workers: Sequence[WorkerHandle], now: float) -> list[WorkerHandle]:
        """Those of the workers that are due."""
        for worker in workers:
            if now >= worker.expires_at:
                self.due(worker, "has reached its maximum lifetime")
        if now >= self._look_at_memory_at and any(map(_ceiling, workers)):
            self._look_at_memory_at = now + MEMORY_INTERVAL
            self._look_at_memory(workers)
        return [worker for worker in workers if worker.is_due]

    def _look_at_memory(self, workers: Sequence[WorkerHandle]) -> None:
        for worker in workers:
            ceiling = _ceiling(worker)
            if ceiling is not None and (size := resident_set_size(worker.pid)) > ceiling:
                self.due(worker, f"uses {size >> 20} MiB of memory")


def _ceiling(worker: WorkerHandle) -> int | None:
    return worker.generation.config.worker_max_rss


def resident_set_size(pid: int | None) -> int:
    """The resident set size of a process in bytes; 0 if it has ended or may not be asked."""
    import psutil  # as late as this because it takes its time, and few want to know

    try:
        return int(psutil.Process(pid).memory_info().rss) if pid is not None else 0
    except psutil.Error:
        return 0
