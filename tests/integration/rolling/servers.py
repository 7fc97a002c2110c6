"""Servers with several worker processes, which come and go under load.

Knows: what the log says of processes, and which failures the end of one excuses.
Must not know: what the load consists of.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.integration.rolling.clients import Failure
from tests.integration.rolling.load import Load
from tests.integration.serving import WORKER_CLASSES, Certificates, Server
from tests.peer import TIMEOUT

__all__ = ["WAYS", "RollingServer", "Run", "under_load"]

WAYS = [
    ("asyncio", "--reuse-port"),
    ("asyncio", "--no-reuse-port"),
    ("uvloop", "--reuse-port"),
    ("trio", "--no-reuse-port"),
]
"""On each loop, and whether each worker has a queue of connections of its own."""
WAYS = [way for way in WAYS if way[0] in WORKER_CLASSES]

_TARGET = "tests.integration.rolling.app:app"
_GRACE = ("--graceful-timeout", "30")


@dataclass(frozen=True)
class _Kill:
    """The violent end of a worker. Times are those of :func:`time.monotonic`."""

    worker: int
    at: float
    noticed_at: float

    def excuses(self, failure: Failure) -> bool:
        """Whether the request may have been inside: on one of the worker's connections, or on one
        where nobody has answered yet. There is always somebody to connect to."""
        if failure.was_refused:
            return False
        if failure.worker is not None:
            return failure.worker == self.worker
        return failure.connected_at < self.noticed_at and failure.at > self.at


class RollingServer(Server):
    """A server whose processes are replaced, the first one included."""

    _kills: tuple[_Kill, ...] = ()
    _successor: int | None = None

    def await_stopped(self, number: int) -> set[int]:
        """Wait until so many workers in all have stopped, for others serve; return them."""
        return set(self._await_processes("Worker (.*) has stopped, another one serves", number))

    def await_successor(self) -> None:
        """Wait until another server has taken this one's place, and this one has ended."""
        (self._successor,) = self._await_processes("Process (.*) has taken over", 1)
        assert self._process.wait(TIMEOUT) == 0

    def kill_worker(self, worker: int) -> None:
        """End a worker as ``kill -9`` does, and wait until that has been noticed."""
        at = time.monotonic()
        os.kill(worker, signal.SIGKILL)
        self.await_log(f"Worker {worker} was killed by SIGKILL")
        self._kills += (_Kill(worker, at, time.monotonic()),)

    def excuses(self, failure: Failure) -> bool:
        """Whether this had to be: the request may have been inside a worker that was killed."""
        return any(kill.excuses(failure) for kill in self._kills)

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal to the process that is the server now."""
        if self._successor is None:
            super().signal(number)
        else:
            os.kill(self._successor, number)

    def kill(self) -> None:
        """End it, whatever its state."""
        with suppress(ProcessLookupError):
            self.signal()
        super().kill()

    def _await_processes(self, line: str, number: int) -> list[int]:
        """Wait until there are so many of these lines in the log; return whom they name."""

        def named() -> list[int]:
            return [int(found) for found in re.findall(line, "".join(self._lines))]

        with self._said:
            self._said.wait_for(lambda: self._ended or len(named()) >= number, TIMEOUT)
            processes = named()
        assert len(processes) >= number, f"{line!r} is not {number} times in the log:\n{self.log}"
        return processes


@dataclass
class Run:
    """A server under load, and the workers that have served it."""

    server: RollingServer
    load: Load
    first: set[int]
    """Those that have answered what was asked at the beginning."""
    last: set[int] = field(default_factory=set)
    """Those that have answered what was asked at the end."""


@contextmanager
def under_load(
    worker_class: str, certificates: Certificates, *options: str, workers: int = 2
) -> Iterator[Run]:
    """Serve under load for as long as a ``with`` block lasts, and see that nothing has failed.

    Each client makes a round before the block begins, and one after it has ended."""
    common = ("--worker-class", worker_class, "--workers", str(workers), *_GRACE)
    server = RollingServer(_TARGET, [*common, *options], certificates)
    with server:
        with Load([server.clear, server.encrypted]) as load:
            run = Run(server, load, load.await_rounds())
            yield run
            run.last = load.await_rounds()
            load.stop()
        unexcused = [failure for failure in load.failures if not server.excuses(failure)]
        assert not unexcused, "\n".join([*map(str, unexcused), server.log])
