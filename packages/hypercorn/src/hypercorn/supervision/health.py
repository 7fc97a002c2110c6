"""Whether workers' event loops turn: when they are asked, and what becomes of the silent.

Knows: how long which silence may last, and what is logged about it.
Must not know: how workers are started or replaced.
"""

from __future__ import annotations

from logging import Logger as StandardLogger
from math import inf

from .channel import Ping
from .handle import WorkerHandle, WorkerState
from .pulse import Pulse

__all__ = ["HealthCheck"]

LONG_SILENCE = 30.0
"""Seconds of silence of a worker that are worth a line in the log."""
SHORT_SILENCE = 1.0
"""Seconds of silence after which others look after a worker's sockets."""
HEARTBEAT = 10.0
BALANCED_HEARTBEAT = 1.0
"""Seconds between two questions whether a worker is alive; often where its sockets matter."""


class HealthCheck:
    """Of workers that serve or start. Times are those of the monotonic clock."""

    def __init__(self, log: StandardLogger) -> None:
        self._log = log

    def heartbeat(self, worker: WorkerHandle) -> float:
        """How often a worker is asked, in seconds."""
        generation = worker.generation
        usual = BALANCED_HEARTBEAT if generation.sockets.are_balanced else HEARTBEAT
        timeout = generation.config.worker_healthcheck_timeout
        return usual if timeout is None else min(usual, timeout / 4)

    def deadline(self, worker: WorkerHandle) -> float:
        """When there is something to do about this worker."""
        if worker.state is WorkerState.STARTING and not worker.is_late:
            return worker.started_at + LONG_SILENCE
        if worker.pulse is None or worker.state is not WorkerState.SERVING:
            return inf
        patience = [] if worker.pulse.reported else [LONG_SILENCE]
        timeout = worker.generation.config.worker_healthcheck_timeout
        if timeout is not None:
            patience.append(timeout)
        if not worker.is_neglected:
            patience.append(SHORT_SILENCE)
        return worker.pulse.deadline(*patience)

    def answered(self, worker: WorkerHandle, now: float) -> None:
        """A worker has answered."""
        pulse = worker.pulse
        if pulse is None:
            return
        if pulse.reported:
            silence = pulse.silence(now)
            self._log.info("Worker %s answers again, after %.0f s", worker.pid, silence)
        pulse.answered(now)
        worker.is_neglected = False

    def check(self, worker: WorkerHandle, now: float) -> None:
        """Ask, or see to it that it is not waited for any more. One that starts is waited for:
        an import may take its time."""
        if worker.state is WorkerState.STARTING:
            self._report_late(worker, now)
        if worker.state is WorkerState.SERVING and worker.pulse is not None:
            self._check_pulse(worker, worker.pulse, now)

    def _report_late(self, worker: WorkerHandle, now: float) -> None:
        if worker.is_late or now < worker.started_at + LONG_SILENCE:
            return
        worker.is_late = True
        self._log.warning(
            "Worker %s has been starting for %.0f s and does not serve yet",
            worker.pid or worker.number,
            now - worker.started_at,
        )

    def serves(self, worker: WorkerHandle, now: float) -> None:
        """A worker begins to serve."""
        if worker.is_late:
            seconds = now - worker.started_at
            self._log.info("Worker %s serves, after %.0f s", worker.pid, seconds)

    def _check_pulse(self, worker: WorkerHandle, pulse: Pulse, now: float) -> None:
        if pulse.should_ask(now):
            worker.link.send(Ping())
        silence = pulse.silence(now)
        timeout = worker.generation.config.worker_healthcheck_timeout
        worker.is_neglected = silence >= SHORT_SILENCE
        if timeout is not None and silence >= timeout:
            self._end(worker, silence, now)
        elif silence >= LONG_SILENCE and not pulse.reported:
            pulse.reported = True
            self._log.warning(
                "Worker %s has not answered for %.0f s: its event loop is blocked, or the machine "
                "is overloaded (worker_healthcheck_timeout would have it replaced)",
                worker.pid,
                silence,
            )

    def _end(self, worker: WorkerHandle, silence: float, now: float) -> None:
        self._log.error(
            "Worker %s has not answered for %.1f s (worker_healthcheck_timeout): its event loop "
            "is blocked, it is killed",
            worker.pid,
            silence,
        )
        worker.abort(now)
