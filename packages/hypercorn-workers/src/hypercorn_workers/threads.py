"""Threads for blocking applications, which no stuck one of them keeps the process alive with.

Knows: how to run functions in a bounded number of threads.
Must not know: event loops, or what is run.

The standard library's pool joins its threads when the interpreter ends; a server that promises to
stop in bounded time cannot wait for an application that blocks for ever.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from threading import Lock, Thread
from typing import ParamSpec, TypeVar

__all__ = ["DaemonThreads"]

P = ParamSpec("P")
T = TypeVar("T")

_Job = Callable[[], None]


class DaemonThreads(Executor):
    """An executor whose threads end with the process, whatever they do.

    Args:
        size: how many run at the most; as many as the standard library's would by default.
    """

    def __init__(self, size: int | None = None) -> None:
        self._size = size or min(32, (os.cpu_count() or 1) + 4)
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._lock = Lock()
        self._threads = 0
        self._idle = 0

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a function in a thread."""
        future: Future[T] = Future()

        def job() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(function(*args, **kwargs))
            except BaseException as error:
                future.set_exception(error)

        with self._lock:
            self._jobs.put(job)
            if self._idle:
                self._idle -= 1
            elif self._threads < self._size:
                self._threads += 1
                Thread(target=self._work, name="hypercorn-thread", daemon=True).start()
        return future

    def shutdown(self, wait: bool = False, *, cancel_futures: bool = False) -> None:
        """Let the threads end once they have nothing to do. Never waits for them."""
        for _ in range(self._threads):
            self._jobs.put(None)

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            if job is None:
                return
            job()
            del job
            with self._lock:
                self._idle += 1
