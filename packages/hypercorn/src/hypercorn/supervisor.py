"""The supervisor: keeps as many workers serving as there should be, until it is told to stop.

Knows: when a worker is started, replaced or stopped, and what ends the server.
Must not know: how a process is started, what a worker does, or what its application is.

* All workers accept from the same sockets, which this process holds open.
* A worker that ends is replaced; one that ends before it serves, after a pause that doubles.
* Workers that the server starts with must get to serve: if one cannot, the server ends and says
  why. One that was told to stop by a signal could have: who stops a server often tells all of its
  processes, and the supervisor may hear of it last.
* A restart replaces one worker after another. The new one serves before the old one stops; if it
  cannot, the restart is given up and the old ones stay.
* Nothing is polled: signals, the channels and the ends of processes are waited for together.
"""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Iterator
from logging import Logger as StandardLogger
from multiprocessing import connection
from typing import TYPE_CHECKING

from .channel import Ready
from .errors import ExitCode
from .failures import complain
from .observer import running_line
from .processes import WorkerProcess, WorkerState
from .signals import RESTART_SIGNAL, STOP_SIGNALS, SignalInbox

if TYPE_CHECKING:
    from .config import Config
    from .sockets import Sockets

__all__ = ["Supervisor"]

LONGEST_PAUSE = 30.0
SAME_REQUEST = 1.0
"""Seconds in which another signal is the same request to stop: ``timeout`` sends two."""
STOP_SLACK = 2.0
"""Seconds that a worker may take to stop beyond the times that it was given for it."""


class Supervisor:
    """Runs ``config.workers`` workers on these sockets, which the caller closes."""

    def __init__(self, config: Config, sockets: Sockets, log: StandardLogger) -> None:
        self._config = config
        self._sockets = sockets
        self._log = log
        self._workers: list[WorkerProcess] = []
        self._outdated: deque[WorkerProcess] = deque()
        self._exit_code: int = ExitCode.OK
        self._stopping = False
        self._announced = False
        self._failed_starts = 0
        self._pause_until = 0.0
        self._impatient_from = 0.0

    def run(self) -> int:
        """Supervise until a signal or a failure ends it; returns the exit code."""
        restart = () if RESTART_SIGNAL is None else (RESTART_SIGNAL,)
        with SignalInbox((*STOP_SIGNALS, *restart)) as signals:
            try:
                for _ in range(self._config.workers):
                    self._start(initial=True)
                while self._workers or not self._stopping:
                    self._wait(signals)
                    self._act(signals)
            finally:
                self._end_all()
        return self._exit_code

    def _wait(self, signals: SignalInbox) -> None:
        waited_for: list[object] = [signals]
        for worker in self._workers:
            waited_for.append(worker.sentinel)
            if worker.link.is_open:
                waited_for.append(worker.link)
        connection.wait(waited_for, self._seconds_to_next_deadline())  # type: ignore[arg-type]

    def _seconds_to_next_deadline(self) -> float | None:
        deadlines = [worker.deadline for worker in self._workers if worker.deadline is not None]
        if self._missing():
            deadlines.append(self._pause_until)
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def _act(self, signals: SignalInbox) -> None:
        for number in signals.take():
            self._signalled(number)
        for worker in list(self._workers):
            self._listen_to(worker)
            if worker.exit_code is not None:
                self._ended(worker)
            else:
                worker.hurry(time.monotonic())
        self._fill_up()
        self._go_on_restarting()

    def _signalled(self, number: int) -> None:
        if number == RESTART_SIGNAL:
            if not self._stopping:
                self._log.info("Restarting the workers")
                self._outdated = deque(self._workers)
        elif not self._stopping:
            self._log.info("Stopping (%s)", signal.Signals(number).name)
            self._stop()
        elif time.monotonic() >= self._impatient_from:
            self._log.warning("Told to stop again: ending the workers at once")
            for worker in self._workers:
                worker.kill()

    def _stop(self) -> None:
        self._stopping = True
        self._impatient_from = time.monotonic() + SAME_REQUEST
        for worker in self._workers:
            worker.stop(self._stop_deadline())

    def _stop_deadline(self) -> float:
        config = self._config
        return time.monotonic() + config.graceful_timeout + config.shutdown_timeout + STOP_SLACK

    def _start(self, *, initial: bool = False, replaces: WorkerProcess | None = None) -> None:
        self._workers.append(
            WorkerProcess(self._config, self._sockets, initial=initial, replaces=replaces)
        )

    def _listen_to(self, worker: WorkerProcess) -> None:
        for message in worker.link.receive() if worker.link.is_open else ():
            if isinstance(message, Ready):
                self._ready(worker, message.addresses)
            else:
                worker.failure = (message.code, message.reason)

    def _ready(self, worker: WorkerProcess, addresses: list[str]) -> None:
        if worker.state is WorkerState.STARTING:
            worker.state = WorkerState.SERVING
        self._failed_starts = 0
        if worker.replaces is not None:
            worker.replaces.stop(self._stop_deadline())
            worker.replaces = None
        if not self._announced:
            self._announced = True
            for address in addresses:
                self._log.info(running_line(address))

    def _ended(self, worker: WorkerProcess) -> None:
        self._workers.remove(worker)
        for successor in self._workers:
            if successor.replaces is worker:
                successor.replaces = None
        if worker.state is WorkerState.SERVING:
            self._log_replacement(worker)
        elif worker.state is WorkerState.STARTING:
            self._failed_to_start(worker)
        elif worker.exit_code != ExitCode.OK and not worker.is_discarded:
            self._log.error("Worker %s %s instead of stopping", worker.pid, worker.end)
            self._exit_code = self._exit_code or ExitCode.CRASHED
        elif not self._stopping:
            self._log.info("Worker %s has stopped, another one serves", worker.pid)
        worker.close()

    def _log_replacement(self, worker: WorkerProcess) -> None:
        log = self._log.info if worker.exit_code == ExitCode.OK else self._log.error
        log("Worker %s %s, starting another", worker.pid, worker.end)

    def _failed_to_start(self, worker: WorkerProcess) -> None:
        code, reason = worker.failure or (
            ExitCode.APPLICATION_FAILED,
            f"worker {worker.pid} {worker.end} before it served",
        )
        if worker.initial and not _was_told_to_stop(worker):
            # The others will fail for the same reason: it is told once.
            complain(reason)
            self._exit_code = code
            self._stop()
        elif worker.replaces is not None:
            self._log.error("The restart is given up, the workers go on: %s", reason)
            self._outdated.clear()
        else:
            self._pause(reason)

    def _pause(self, reason: object) -> None:
        pause = min(2.0**self._failed_starts, LONGEST_PAUSE)
        self._failed_starts += 1
        self._pause_until = time.monotonic() + pause
        self._log.error("A worker did not start, next try in %.0f s: %s", pause, reason)

    def _lasting(self) -> Iterator[WorkerProcess]:
        """The workers that are to go on."""
        return (
            worker
            for worker in self._workers
            if worker.state is not WorkerState.STOPPING and worker.replaces is None
        )

    def _missing(self) -> int:
        return 0 if self._stopping else self._config.workers - len(list(self._lasting()))

    def _fill_up(self) -> None:
        if time.monotonic() >= self._pause_until:
            for _ in range(self._missing()):
                self._start_later_one()

    def _go_on_restarting(self) -> None:
        if self._stopping or any(worker.replaces is not None for worker in self._workers):
            return
        while self._outdated:
            worker = self._outdated.popleft()
            if worker in self._lasting():
                self._start_later_one(replaces=worker)
                return

    def _start_later_one(self, replaces: WorkerProcess | None = None) -> None:
        """Start a worker in a server that serves already: no error may end it."""
        try:
            self._start(replaces=replaces)
        except OSError as error:
            self._outdated.clear()
            self._pause(error)

    def _end_all(self) -> None:
        """Leave no process behind, whatever happened."""
        for worker in self._workers:
            worker.kill()
            worker.close()
        self._workers.clear()


def _was_told_to_stop(worker: WorkerProcess) -> bool:
    """Whether it was a signal to stop that ended it."""
    return -(worker.exit_code or 0) in STOP_SIGNALS
