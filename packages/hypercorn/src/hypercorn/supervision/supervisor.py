"""The supervisor: keeps a server up until it is told to stop.

Knows: what each signal asks for, how the server stops, and what ends it.
Must not know: how workers are kept (:mod:`.pool`), or what their application is.

* It holds the listening sockets, and imports nothing of the application's.
* Workers that the server starts with must get to serve: if one cannot, the server ends and says
  why.
* Nothing is polled: signals, the channels, the ends of processes and changes of files are waited
  for together.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from logging import Logger as StandardLogger
from math import inf
from multiprocessing import connection
from typing import TYPE_CHECKING

from hypercorn import log_files
from hypercorn.errors import ConfigError, ExitCode
from hypercorn.failures import complain
from hypercorn.logging import standard_logger
from hypercorn.observer import running_line
from hypercorn.signals import REQUESTS, SAME_REQUEST, Request, SignalInbox
from hypercorn.system.privileges import Privileges
from hypercorn.system.service_manager import ServiceManager
from hypercorn_workers.worker import Ending

from .handle import Generation
from .listening import ListeningSockets
from .orphans import reap
from .pool import Pool
from .starters import starter_of
from .upgrade import Successor, stand_in_front_of

if TYPE_CHECKING:
    from hypercorn.config import Config
    from hypercorn.watching import FileWatcher

__all__ = ["Supervisor"]

LATE = 0.25
"""Seconds that it may take this process to be woken before something held it up."""


class Supervisor:
    """Runs the workers of a configuration.

    Args:
        config: what they serve, and how.
        sockets: what they accept from; closed here.
        log: for what happens.
        service_manager: who is told how the server is.
        reread: reads the configuration again; None if it was not read from anywhere.
        serving: called once, when all workers serve.
        renewed: called with another configuration whose sockets are open, before it is used.
    """

    def __init__(
        self,
        config: Config,
        sockets: ListeningSockets,
        log: StandardLogger,
        service_manager: ServiceManager,
        reread: Callable[[], Config] | None,
        serving: Callable[[], object],
        renewed: Callable[[Config], object],
    ) -> None:
        self._pool = Pool(Generation(config, sockets, starter_of(config, log)), log)
        self._log = log
        self._service_manager = service_manager
        self._reread = reread
        self._serving = serving
        self._renewed = renewed
        self._announced = False
        self._reloading = False
        self._exit_code: int = ExitCode.OK
        self._stopping = False
        self._impatient_from = 0.0
        self._alive_at = 0.0
        self._wait_until = inf
        self._successor: Successor | None = None
        self._watcher: FileWatcher | None = None
        self._waits_for_changes = False
        self.has_handed_over = False
        """Whether another server has taken this one's place."""

    def run(self) -> int:
        """Supervise until a signal or a failure ends it; returns the exit code.

        Raises ConfigError and BindError if no worker can even be started."""
        with SignalInbox(REQUESTS) as signals:
            try:
                self._watch_files()
                self._pool.start()
                while self._pool.workers or not self._stopping:
                    late = self._wait(signals)
                    try:
                        self._act(signals, late)
                    except Exception as error:
                        self._fail(error)
            finally:
                self._end()
            if self._is_in_front and self._successor is not None:
                return stand_in_front_of(self._successor.process, signals.take)
        return self._exit_code or self._pool.exit_code

    def _end(self) -> None:
        self._pool.close()
        if self._watcher is not None:
            self._watcher.close()
        if self._successor is not None and not self.has_handed_over:
            self._successor.stop()

    def _fail(self, error: Exception) -> None:
        """Stop after an error that nobody foresaw, so that what was accepted comes to its end.

        Raises an error that came while stopping."""
        if self._stopping:
            raise error
        self._log.critical("The supervisor has failed, stopping", exc_info=True)
        self._exit_code = ExitCode.CRASHED
        self._stop(Ending.STOPPED)

    # Waiting.

    def _wait(self, signals: SignalInbox) -> float:
        """Wait for something to do; returns for how many seconds this process was held up."""
        until = min(self._pool.deadline(), self._watchdog_deadline())
        timeout = None if until == inf else max(0.0, until - time.monotonic())
        waited_for: list[object] = [signals, *self._pool.waited_for()]
        if self._watcher is not None:
            waited_for.append(self._watcher)
        if self._successor is not None and not self.has_handed_over:
            waited_for.append(self._successor)
        connection.wait(waited_for, timeout)  # type: ignore[arg-type]
        late = time.monotonic() - until
        return late if late > LATE else 0.0

    def _watchdog_deadline(self) -> float:
        return inf if self._service_manager.watchdog_interval is None else self._alive_at

    def _act(self, signals: SignalInbox, late: float) -> None:
        for number in signals.take():
            self._signalled(signal.Signals(number))
        self._see_to_changes()
        self._see_to_successor()
        self._pool.act(late)  # after all that it is told
        self._see_to_failure()
        self._announce()
        self._prove_alive()

    def _prove_alive(self) -> None:
        interval, now = self._service_manager.watchdog_interval, time.monotonic()
        if interval is not None and now >= self._alive_at:
            self._alive_at = now + interval
            self._service_manager.alive()

    def _announce(self) -> None:
        """Say that the server serves, for the first time or again."""
        if self._stopping or not self._pool.is_complete:
            return
        if not self._announced:
            self._announced = True
            for address in self._pool.addresses or ():
                self._log.info(running_line(address))
            self._serving()
            self._service_manager.ready()
        elif self._reloading:
            self._service_manager.ready()
        self._reloading = False

    def _see_to_failure(self) -> None:
        """A worker that the server starts with could not serve."""
        if self._pool.failure is None:
            return
        code, reason = self._pool.failure
        self._pool.failure = None
        if self._watcher is not None:
            if not self._waits_for_changes:
                self._log.error("The application does not start, waiting for changes: %s", reason)
            self._waits_for_changes = True
            self._pool.hold()
        elif not self._stopping:
            # The others will fail for the same reason: it is told once.
            complain(reason)
            self._exit_code = code
            self._stop(Ending.OUTDATED)

    # Signals.

    def _signalled(self, number: signal.Signals) -> None:
        request = REQUESTS[number]
        if self._is_in_front and self._successor is not None and request is not Request.CHILD:
            self._successor.pass_on(number)
        elif request is Request.STOP and not self._stopping:
            self._log.info("Stopping (%s)", number.name)
            self._stop(Ending.STOPPED)
        elif request is Request.STOP:
            self._stop_again()
        elif request is Request.QUIT:
            self._log.warning("Ending the workers at once (%s)", number.name)
            self._stop_at_once()
        elif request is Request.CHILD:
            self._reap()
        elif not self._stopping:
            self._follow(request)

    @property
    def _is_in_front(self) -> bool:
        """Whether this process, the first of a container, only stays for the sake of another."""
        return self.has_handed_over and os.getpid() == 1

    def _follow(self, request: Request) -> None:
        match request:
            case Request.RELOAD:
                self._reload()
            case Request.RESTART:
                self._log.info("Restarting the workers")
                self._reopen_logs()
                self._pool.replace_all()
            case Request.UPGRADE:
                self._upgrade()
            case Request.MORE:
                self._scale(self._pool.target + 1)
            case Request.FEWER:
                self._scale(max(1, self._pool.target - 1))

    def _stop(self, ending: Ending) -> None:
        self._stopping = True
        self._impatient_from = time.monotonic() + SAME_REQUEST
        self._service_manager.stopping()
        self._pool.stop(ending)
        if self._successor is not None and not self.has_handed_over:
            self._successor.stop()

    def _stop_again(self) -> None:
        if time.monotonic() >= self._impatient_from:
            self._log.warning("Told to stop again: ending the workers at once")
            self._stop_at_once()

    def _stop_at_once(self) -> None:
        if not self._stopping:
            self._stop(Ending.STOPPED)
        self._pool.kill()

    def _scale(self, target: int) -> None:
        self._log.info("%d worker%s from now on", target, "" if target == 1 else "s")
        self._pool.target = target

    def _reopen_logs(self) -> None:
        config = self._pool.generation.config
        problems: list[object] = [*log_files.reopen()]
        for path in log_files.paths():
            try:
                Privileges(config.user, config.group, None).give(path)
            except ConfigError as error:
                problems.append(error)
        for problem in problems:
            self._log.warning("%s", problem)
        self._pool.reopen_logs()

    def _reap(self) -> None:
        """Let go of children that have ended, and of processes that came to this one, as the first
        of a container."""
        children = multiprocessing.active_children()  # as a side effect
        # Who has handed over leaves them to whoever stands in front, who knows the server's id.
        if os.getpid() == 1 and not self.has_handed_over:
            own = {child.pid for child in children if child.pid is not None}
            if self._successor is not None:
                own.add(self._successor.process.pid)
            reap(own)

    # A new configuration.

    def _reload(self) -> None:
        self._log.info("Reading the configuration again, restarting the workers")
        self._service_manager.reloading()
        self._reloading = True
        self._reopen_logs()
        if self._reread is None:
            self._pool.replace_all()
            return
        try:
            config = self._reread()
            config.validate()
            if config.workers == 0:
                raise ConfigError(
                    "workers = 0: to serve without workers the server has to be restarted"
                )
            config.create_ssl_context()
            standard_logger(config.log)
            generation = self._generation_of(config)
            self._renewed(config)
        except (Exception, SystemExit) as error:  # subclasses of Config are the operator's code
            self._log.error("Nothing is changed, the configuration cannot be used: %s", error)
            self._service_manager.ready()
            self._reloading = False
            return
        self._pool.renew(generation)

    def _generation_of(self, config: Config) -> Generation:
        starter = starter_of(config, self._log)
        return Generation(config, ListeningSockets(config, *self._pool.held_sockets), starter)

    # An upgrade in place.

    def _upgrade(self) -> None:
        if self._successor is not None:
            self._log.warning("An upgrade is under way already")
            return
        try:
            self._successor = Successor(
                self._pool.generation.sockets.all(),
                self._service_manager.variables_for_successor(),
            )
        except OSError as error:
            self._log.error("The upgrade has failed, this server goes on: %s", error)
            return
        self._log.info("Upgrading: process %d is to take over", self._successor.process.pid)

    def _see_to_successor(self) -> None:
        if self._successor is None or self.has_handed_over:
            return
        serves = self._successor.serves()
        if serves:
            self._hand_over(self._successor)
        elif serves is False:
            self._successor.close()
            code = self._successor.process.wait()
            self._successor = None
            if not self._stopping:  # or it has ended because it was told to
                self._log.error(
                    "The upgrade has failed with exit code %d, this server goes on", code
                )

    def _hand_over(self, successor: Successor) -> None:
        self.has_handed_over = True
        successor.close()
        successor.disown()
        self._log.info("Process %d has taken over, stopping", successor.process.pid)
        if os.getpid() != 1:
            self._service_manager.main_pid(successor.process.pid)
        self._stopping = True
        self._impatient_from = time.monotonic() + SAME_REQUEST
        self._pool.stop(Ending.REPLACED)

    # Reloading.

    def _watch_files(self) -> None:
        config = self._pool.generation.config
        if config.use_reloader:
            from hypercorn.watching import FileWatcher

            self._watcher = FileWatcher(
                config.reload_dirs, config.reload_include, config.reload_exclude
            )
            self._watcher.start()

    def _see_to_changes(self) -> None:
        if self._watcher is None or self._stopping:
            return
        changed = self._watcher.take()
        problem = self._watcher.take_problem()
        if problem is not None:
            self._log.error("Files are not watched any more: %s", problem)
        if changed:
            from hypercorn.watching import describe, forget_bytecode

            self._log.info("Reloading: %s", describe(changed))
            forget_bytecode(changed)
            self._waits_for_changes = False
            self._pool.replace_all(Ending.OUTDATED)
