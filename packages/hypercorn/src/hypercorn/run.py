"""Running the server: from a configuration to an exit code.

Knows: the order of things that belong to the server as a whole: checks, detaching, sockets, the
pid file, then either the supervisor or one worker in this process.
Must not know: the command line, or how a worker serves.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from . import inheritance, log_files
from .errors import BindError, ConfigError, ExitCode
from .eventloops import event_loop, serving_function
from .failures import complain, exit_code, reason
from .logging import standard_logger
from .serving import Plan, listening_sockets
from .supervision.listening import ListeningSockets
from .supervision.process import start_helpers
from .supervision.supervisor import Supervisor
from .supervision.upgrade import Succession
from .supervision.worker import prepare
from .system.detaching import Launcher, away_from_terminal, detach
from .system.pid_file import PIDFile
from .system.privileges import Privileges
from .system.service_manager import ServiceManager
from .system.titles import set_title
from .unix_sockets import UnixSocketFiles

if TYPE_CHECKING:
    from .config import Config

__all__ = ["run"]


def run(config: Config, *, reread: Callable[[], Config] | None = None) -> int:
    """Serve ``config.application_path`` until SIGINT or SIGTERM; returns the exit code.

    With ``workers`` 0 in this process, else in that many others, which a supervisor looks after:
    SIGHUP restarts them one after another, with what ``reread`` returns if there is such a
    function. Raises ConfigError or BindError for what cannot be served as configured; an
    application that does not start is told on stderr and gives exit code 3.
    """
    _check(config)
    inheritance.activated()  # meant for this very process
    succession = Succession()
    with _launched(config, succession) as launcher:
        server = _Server(config, succession, launcher)
        code = server.run_inline() if config.workers == 0 else server.run_supervised(reread)
        if launcher is not None:
            launcher.failed(code)
        return code


def _check(config: Config) -> None:
    """Refuse what would fail in every worker."""
    config.validate()
    event_loop(config.worker_class)
    if getattr(config, "application_path", None) is None:
        raise ConfigError("no application is given: `hypercorn module:attribute`")
    Privileges(config.user, config.group, config.umask).check()
    config.create_ssl_context()


@contextlib.contextmanager
def _launched(config: Config, succession: Succession) -> Iterator[Launcher | None]:
    """Detach, if that is wanted and has not been done by the server before this one."""
    if not config.daemonize or succession.is_under_way:
        yield None
        return
    launcher = detach()
    try:
        yield launcher
    except (ConfigError, BindError) as error:
        complain(str(error))
        launcher.failed(ExitCode.BAD_CONFIGURATION)
        raise SystemExit(ExitCode.BAD_CONFIGURATION) from None  # it has been told
    except BaseException:
        launcher.failed(ExitCode.CRASHED)
        raise


class _Server:
    """What is there once for the whole server, for as long as it serves."""

    def __init__(self, config: Config, succession: Succession, launcher: Launcher | None) -> None:
        self._config = config
        self._succession = succession
        self._launcher = launcher
        self._pid_file = None if config.pid_path is None else PIDFile(config.pid_path)
        self._files = UnixSocketFiles()
        self._service_manager = ServiceManager(os.environ)
        ServiceManager.forget(os.environ)
        self._log = standard_logger(config.log)
        for path in log_files.paths():
            Privileges(config.user, config.group, None).give(path)

    def run_supervised(self, reread: Callable[[], Config] | None) -> int:
        """Serve in worker processes."""
        config = self._config
        set_title(config.process_name, "supervisor", config.application_path)
        if self._launcher is not None:
            with away_from_terminal():
                start_helpers()
        sockets = ListeningSockets(config)
        with contextlib.closing(sockets), self._holding():
            supervisor = Supervisor(
                config,
                sockets,
                self._log,
                self._service_manager,
                reread,
                self._serving,
                self._claim_files,
            )
            try:
                return supervisor.run()
            finally:
                if supervisor.has_handed_over:
                    self._files.leave()

    def run_inline(self) -> int:
        """Serve in this process."""
        config = self._config
        set_title(config.process_name, "worker", config.application_path)
        sockets = listening_sockets(config)
        with contextlib.closing(sockets), self._holding(), _kept_alive(self._service_manager):
            try:
                prepared = prepare(config)
                plan = Plan(config, sockets, credentials=prepared.credentials)
                plan.after_announcement(self._ready)
                serve = serving_function(prepared.loop)
                serve(prepared.loop, prepared.app, config, plan, None)
            except KeyboardInterrupt:
                return ExitCode.INTERRUPTED
            except (Exception, SystemExit) as error:
                complain(reason(error, config.application_path))
                return exit_code(error)
            finally:
                self._service_manager.stopping()
        return ExitCode.OK

    @contextlib.contextmanager
    def _holding(self) -> Iterator[None]:
        """Own the pid file and the files of unix sockets."""
        self._claim_files(self._config)
        try:
            if self._pid_file is not None:
                self._claim_pid_file(self._pid_file)
            yield
        finally:
            if self._succession.is_under_way:
                self._files.leave()  # they are still the other server's
            self._files.remove()
            if self._pid_file is not None:
                self._pid_file.release()

    def _claim_pid_file(self, pid_file: PIDFile) -> None:
        if self._succession.is_under_way:
            # It is the other server's until this one serves. Then it would be too late to fail:
            # what had been accepted by then would be lost.
            pid_file.check()
            return
        stale = pid_file.acquire()
        if stale is not None:
            self._log.info("Process %d has left its pid file behind, replacing it", stale)

    def _claim_files(self, config: Config) -> None:
        self._files.claim([*config.bind, *config.insecure_bind])

    def _ready(self) -> None:
        self._service_manager.ready()
        self._serving()

    def _serving(self) -> None:
        """Everything is there: whoever waits for that may go."""
        if self._pid_file is not None and self._succession.is_under_way:
            self._pid_file.take_over()
        self._succession.complete()
        if self._launcher is not None:
            self._log.info("Going on in the background as process %d", os.getpid())
            self._launcher.serving()


@contextlib.contextmanager
def _kept_alive(service_manager: ServiceManager) -> Iterator[None]:
    """Satisfy the manager's watchdog, for a process that has only its worker's event loop."""
    interval = service_manager.watchdog_interval
    if interval is None:
        yield
        return
    ended = threading.Event()

    def prove_alive() -> None:
        while not ended.wait(interval):
            service_manager.alive()

    thread = threading.Thread(target=prove_alive, name="watchdog", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
