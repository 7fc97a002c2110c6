"""Which workers are due to be replaced though nothing is wrong with them.

Knows: how long a worker may serve, how large it may grow, and that it says itself when it has
served enough requests.
Must not know: how it is replaced.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from logging import Logger as StandardLogger
from math import inf

from .handle import Generation, WorkerHandle

__all__ = ["Recycling", "resident_set_size"]

MEMORY_INTERVAL = 5.0
"""Seconds between two looks at how much memory the workers use."""


class Recycling:
    """Marks workers as due. Times are those of the monotonic clock."""

    def __init__(self, log: StandardLogger) -> None:
        self._log = log
        self._look_at_memory_at = 0.0

    def serves(self, worker: WorkerHandle, now: float) -> None:
        """A worker begins to serve."""
        config = worker.generation.config
        if config.worker_max_lifetime is not None:
            jitter = random.uniform(0, config.worker_max_lifetime_jitter)
            worker.expires_at = now + config.worker_max_lifetime + jitter

    def due(self, worker: WorkerHandle, reason: str) -> None:
        """This worker is due."""
        if not worker.is_due:
            worker.is_due = True
            worker.expires_at = inf
            self._log.info("Worker %s %s, starting another", worker.pid, reason)

    def deadline(self, workers: Iterable[WorkerHandle], generation: Generation) -> float:
        """When to look again."""
        look_at = inf if generation.config.worker_max_rss is None else self._look_at_memory_at
        return min([look_at, *(worker.expires_at for worker in workers)])

    def find_due(
        self, workers: Iterable[WorkerHandle], generation: Generation, now: float
    ) -> list[WorkerHandle]:
        """Those of the workers that are due."""
        workers = list(workers)
        for worker in workers:
            if now >= worker.expires_at:
                self.due(worker, "has reached its maximum lifetime")
        ceiling = generation.config.worker_max_rss
        if ceiling is not None and now >= self._look_at_memory_at:
            self._look_at_memory_at = now + MEMORY_INTERVAL
            for worker in workers:
                size = resident_set_size(worker.pid)
                if size > ceiling:
                    self.due(worker, f"uses {size >> 20} MiB of memory")
        return [worker for worker in workers if worker.is_due]


def resident_set_size(pid: int | None) -> int:
    """The resident set size of a process in bytes; 0 if it has ended or may not be asked."""
    import psutil  # as late as this because it takes its time, and few want to know

    try:
        return int(psutil.Process(pid).memory_info().rss) if pid is not None else 0
    except psutil.Error:
        return 0
