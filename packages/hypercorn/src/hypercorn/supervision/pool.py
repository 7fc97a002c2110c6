"""The workers: as many as there should be, replaced when they end, and when they are due.

Knows: which worker is started, replaced or stopped next, and what is logged about it.
Must not know: signals, or what ends the server.

* A worker that ends is replaced at once; those that keep dying young, after pauses that grow.
* A worker that is due (the code or the configuration is new, it has served for long enough, it has
  grown too large) is replaced by one that serves before it stops, ``max_surge`` at a time. If that
  one cannot serve, the replacing is given up and the old ones stay.

Who is due is in :mod:`.recycling`, who answers in :mod:`.health`, who looks after whose sockets in
:mod:`.sharing`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from logging import Logger as StandardLogger
from math import inf

from hypercorn.errors import ConfigError, ExitCode, too_many_workers
from hypercorn_workers.worker import Ending

from .backoff import Backoff
from .channel import Alive, Due, Failed, Message, Ready
from .handle import Generation, WorkerHandle, WorkerState
from .health import HealthCheck
from .listening import ListeningSockets
from .recycling import Recycling
from .sharing import share_queues

__all__ = ["Pool"]


class Pool:
    """Keeps ``generation.config.workers`` workers."""

    def __init__(self, generation: Generation, log: StandardLogger) -> None:
        self.generation = generation
        self.target = generation.config.workers
        self.workers: list[WorkerHandle] = []
        self.addresses: list[str] | None = None
        """Where the first worker that served accepts; None until then."""
        self.failure: tuple[int, str] | None = None
        """Why a worker that the server starts with could not serve, if so: code and reason."""
        self.exit_code: int = ExitCode.OK
        self.waits_for_changes = generation.config.use_reloader
        """Whether a worker that does not start is tried again only when somebody has done
        something about it."""
        self._log = log
        self._former: Generation | None = None
        self._former_target = self.target
        self._retired: list[Generation] = []
        self._outdated: deque[WorkerHandle] = deque()
        self._ending = Ending.REPLACED
        self._has_given_up = False
        self._backoff = Backoff()
        self._health = HealthCheck(log)
        self._recycling = Recycling(log)
        self._stopping = False

    # What it is told.

    def start(self) -> None:
        """Start the first workers. Raises ConfigError."""
        try:
            for number in range(1, self.target + 1):
                self._start(number, initial=True)
        except OSError as error:
            raise too_many_workers(self.target, error) from None

    def replace_all(self, ending: Ending = Ending.REPLACED) -> None:
        """Replace every worker by a new one."""
        self._ending = ending
        self._has_given_up = False
        self._backoff.forget()
        self.generation.starter.renew()
        self._outdated = deque(worker for worker in self.workers if worker.is_lasting)
        self._call_off_successors()  # they were begun too early to be new

    def hold(self) -> None:
        """Start no worker until :meth:`replace_all`."""
        self._backoff.until = inf

    @property
    def _max_surge(self) -> int:
        # Nobody who waits for new code needs the old one.
        is_patient = self._ending is Ending.REPLACED
        return self.generation.config.max_surge if is_patient else self.target

    def renew(self, generation: Generation) -> None:
        """Replace every worker by one of another configuration; the former one is kept until one
        of the new has served."""
        if self._former is None:
            self._former, self._former_target = self.generation, self.target
        else:
            self._retired.append(self.generation)
        self.generation = generation
        self.target = generation.config.workers
        self.replace_all()

    def stop(self, ending: Ending) -> None:
        """Stop all workers, gracefully."""
        self._stopping = True
        for worker in self.workers:
            worker.stop(ending)
        # So that clients are refused, rather than left waiting, once the workers accept no more.
        for generation in self._generations():
            generation.sockets.close()

    def kill(self) -> None:
        """End all workers now."""
        self._stopping = True
        for worker in self.workers:
            worker.is_discarded = True
            worker.kill()

    def reopen_logs(self) -> None:
        """Have the workers open their log files anew."""
        for worker in self.workers:
            worker.reopen_logs()

    def close(self) -> None:
        """Leave no process behind, whatever happened."""
        self.kill()
        for worker in self.workers:
            worker.close()
        self.workers.clear()
        for generation in self._generations():
            generation.close()

    def _generations(self) -> list[Generation]:
        former = [] if self._former is None else [self._former]
        return [self.generation, *former, *self._retired]

    # What it says.

    @property
    def held_sockets(self) -> list[ListeningSockets]:
        """All that are open, those of the present configuration first."""
        return [generation.sockets for generation in self._generations()]

    @property
    def serving(self) -> int:
        """How many workers serve."""
        return sum(worker.state is WorkerState.SERVING for worker in self.workers)

    @property
    def is_complete(self) -> bool:
        """Whether as many serve as should, and nothing is being replaced."""
        lasting = [worker for worker in self.workers if worker.is_lasting]
        return (
            not self._outdated
            and len(lasting) == self.target
            and all(worker.state is WorkerState.SERVING for worker in lasting)
            and all(worker.replaces is None for worker in self.workers)
        )

    def waited_for(self) -> list[object]:
        """What tells that there is something to do."""
        return [each for worker in self.workers for each in worker.waited_for()]

    def deadline(self) -> float:
        """When there is something to do in any case, on the monotonic clock."""
        deadlines = [worker.deadline for worker in self.workers]
        if self._stopping:
            return min(deadlines, default=inf)
        candidates = self._candidates()
        deadlines += [self._health.deadline(worker) for worker in self.workers]
        deadlines.append(self._recycling.deadline(candidates))
        waits = next(self._missing(), None) is not None
        if waits or any(worker.is_due for worker in candidates):
            deadlines.append(self._backoff.until)
        return min(deadlines, default=inf)

    # What it does.

    def act(self, late: float) -> None:
        """Do what there is to do; ``late`` is for how many seconds nobody could."""
        now = time.monotonic()
        for worker in list(self.workers):
            if late > 0 and worker.pulse is not None:
                worker.pulse.forgive(now)
            self._attend_to(worker, now)
        if self._stopping:
            return
        due = self._recycling.find_due(self._candidates(), now)
        if now >= self._backoff.until:
            self._outdated += due
        self._fill_up(now)
        self._stop_surplus()
        self._go_on_replacing()
        share_queues(self.workers, self.generation.sockets)
        self._close_unused()

    def _attend_to(self, worker: WorkerHandle, now: float) -> None:
        exit_code = worker.exit_code()  # before it is listened to: nothing comes after its end
        for message in worker.listen():
            self._heard(worker, message, now)
        if exit_code is not None:
            self._ended(worker, exit_code, now)
            return
        worker.hurry(now)
        if not self._stopping:
            self._health.check(worker, now)

    def _heard(self, worker: WorkerHandle, message: Message, now: float) -> None:
        match message:
            case Ready(addresses):
                self._ready(worker, addresses, now)
            case Failed(code, reason):
                worker.failure = (code, reason)
            case Alive(lacks):
                worker.adopted.difference_update(lacks)
                self._health.answered(worker, now)
            case Due(reason):
                self._recycling.due(worker, reason)

    def _ready(self, worker: WorkerHandle, addresses: list[str], now: float) -> None:
        if worker.is_discarded:
            return
        self._has_given_up = False
        worker.serves(now, self._health.heartbeat(worker))
        self._health.serves(worker, now)
        self._recycling.serves(worker, now)
        if worker.generation is self.generation and self._former is not None:
            self._retired.append(self._former)
            self._former = None
        if worker.replaces is not None:
            worker.replaces.stop(self._ending)
            worker.replaces = None
        if self.addresses is None:
            self.addresses = addresses

    def _candidates(self) -> list[WorkerHandle]:
        """The workers that serve and that nobody is to replace yet."""
        replaced = [worker.replaces for worker in self.workers]
        return [
            worker
            for worker in self.workers
            if worker.state is WorkerState.SERVING
            and worker not in self._outdated
            and worker not in replaced
        ]

    # Workers that end.

    def _ended(self, worker: WorkerHandle, exit_code: int, now: float) -> None:
        self.workers.remove(worker)
        is_outdated = worker in self._outdated
        if is_outdated:
            self._outdated.remove(worker)
        for successor in self.workers:
            if successor.replaces is worker:
                successor.replaces = None
        if worker.state is WorkerState.SERVING:
            self._died(worker, exit_code, now)
        elif worker.state is WorkerState.STARTING and is_outdated and self.waits_for_changes:
            pass  # something has been done about it since
        elif worker.state is WorkerState.STARTING:
            self._failed_to_start(worker, now)
        elif worker.is_stuck:
            self._died(worker, exit_code, now)
        elif worker.is_discarded:
            pass  # nobody needs to know how it ended, or that it was there
        elif exit_code != ExitCode.OK:
            self._log.error("Worker %s %s instead of stopping", worker.pid, worker.end())
            self.exit_code = self.exit_code or ExitCode.CRASHED
        elif not self._stopping:
            self._log.info("Worker %s has stopped, another one serves", worker.pid)
        worker.close()

    def _died(self, worker: WorkerHandle, exit_code: int, now: float) -> None:
        served_for = now - (worker.serving_since or now)
        pause = 0.0 if self._stopping else self._backoff.died(now, served_for)
        next_step = f"starting another in {pause:.0f} s" if pause else "starting another"
        log = self._log.info if exit_code == ExitCode.OK else self._log.error
        stacks = f"; it was here:\n{worker.stacks}" if worker.stacks else ""
        log("Worker %s %s, %s%s", worker.pid, worker.end(), next_step, stacks)

    def _failed_to_start(self, worker: WorkerHandle, now: float) -> None:
        code, reason = worker.failure or (
            ExitCode.APPLICATION_FAILED,
            f"worker {worker.pid or worker.number} {worker.end()} before it served",
        )
        if worker.stacks:
            reason = f"{reason}\n{worker.stacks}"
        if worker.initial and not (worker.failure is None and worker.was_told_to_stop):
            # Who stops a server often tells all of its processes, and this one perhaps last.
            self.failure = self.failure or (code, reason)
            self._backoff.died(now, None)  # whoever is told decides what comes next
        elif worker.replaces is not None or self._is_on_trial(worker.generation):
            self._give_up_replacing(reason, now)
        else:
            self._pause(reason, now)

    def _is_on_trial(self, generation: Generation) -> bool:
        """Whether no worker of this configuration has served, but some of the one before have."""
        return self._former is not None and generation is self.generation

    def _give_up_replacing(self, reason: object, now: float) -> None:
        if not self._has_given_up:  # the others have the same reason
            self._log.error("The restart is given up, the workers go on: %s", reason)
        self._has_given_up = True
        self._backoff.died(now, None)  # those that are due are tried again
        self._outdated.clear()
        self._call_off_successors()  # or some workers would be new and others old
        if self._former is not None:
            self._go_back_to(self._former)

    def _go_back_to(self, former: Generation) -> None:
        given_up, self.generation, self._former = self.generation, former, None
        self.target = self._former_target
        self._retired.append(given_up)
        for worker in self.workers:
            if worker.generation is given_up:  # none of them serves
                worker.stop(self._ending)

    def _call_off_successors(self) -> None:
        for worker in self.workers:
            if worker.replaces is not None:
                worker.replaces = None
                worker.stop(self._ending)

    def _pause(self, reason: object, now: float) -> None:
        pause = self._backoff.died(now, None)
        if self.waits_for_changes:
            if not self._has_given_up:
                self._log.error("A worker did not start, waiting for changes: %s", reason)
            self._has_given_up = True
            self.hold()
        else:
            self._log.error("A worker did not start, next try in %.0f s: %s", pause, reason)

    # Workers that begin.

    def _start(
        self, number: int, *, initial: bool = False, replaces: WorkerHandle | None = None
    ) -> None:
        self.workers.append(
            WorkerHandle(self.generation, number, initial=initial, replaces=replaces)
        )

    def _start_later_one(self, number: int, replaces: WorkerHandle | None = None) -> bool:
        """Start a worker in a server that serves already: no error may end it."""
        try:
            self._start(number, replaces=replaces)
        except (OSError, ConfigError) as error:
            if replaces is not None or self._is_on_trial(self.generation):
                self._give_up_replacing(error, time.monotonic())
            else:
                self._pause(error, time.monotonic())
            return False
        return True

    def _missing(self) -> Iterator[int]:
        """The numbers of workers that there should be and are not."""
        present = {worker.number for worker in self.workers if worker.is_lasting}
        return (number for number in range(1, self.target + 1) if number not in present)

    def _fill_up(self, now: float) -> None:
        for number in list(self._missing()):
            if now < self._backoff.until or not self._start_later_one(number):
                return

    def _stop_surplus(self) -> None:
        for worker in self.workers:
            if worker.is_lasting and worker.number > self.target:
                worker.stop(Ending.REPLACED)

    def _go_on_replacing(self) -> None:
        under_way = sum(worker.replaces is not None for worker in self.workers)
        while self._outdated and under_way < self._max_surge:
            worker = self._outdated.popleft()
            if worker.is_lasting and worker.number <= self.target:
                if not self._start_later_one(worker.number, replaces=worker):
                    return
                under_way += 1

    # The end.

    def _close_unused(self) -> None:
        in_use = [worker.generation for worker in self.workers]
        for generation in [each for each in self._retired if each not in in_use]:
            self._retired.remove(generation)
            generation.close()
