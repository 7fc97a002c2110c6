"""Preloading: workers that are forked from a process in which all is prepared.

Knows: how that process is started, asked for workers and replaced, and how a forked worker looks
to its supervisor.
Must not know: what goes on in that process (:mod:`.zygote`), or how many workers there should be.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
from dataclasses import replace
from multiprocessing import connection
from typing import TYPE_CHECKING

from hypercorn.errors import ConfigError, ExitCode

from .process import Orders, Process, Spawner, spawned
from .zygote import Report, ask, open_packet_pair, read_report, run_zygote

if TYPE_CHECKING:
    from hypercorn.config import Config

__all__ = ["Preloader"]

assert sys.platform != "win32", "there is no fork(2)"

TIME_TO_END = 0.5
"""Seconds that a process may take to end after it has closed its sockets."""


class Preloader:
    """A :class:`~.process.Starter` whose workers are forked.

    What they are forked from is a process of its own, the zygote, started for the first worker.
    It has imported the application, unless ``imports_application`` is false: then workers prepare
    themselves, from new code, but hypercorn is loaded. Where forking turns out to be unsafe,
    workers are spawned, and ``log`` is told why.
    """

    def __init__(
        self, config: Config, log: logging.Logger, *, imports_application: bool = True
    ) -> None:
        self._config = config
        self._log = log
        self._imports_application = imports_application
        self._zygote: _ZygoteHandle | None = None
        self._former: list[_ZygoteHandle] = []
        self._spawner = Spawner()
        self.refused: str | None = None
        """Why workers are spawned instead, if so."""

    def start(self, orders: Orders) -> Process:
        """As :meth:`.process.Starter.start`. A worker that cannot be asked for at this moment, as
        too many have been or the zygote has just ended, is spawned."""
        if self.refused is None:
            with contextlib.suppress(OSError):
                return _ForkedProcess(self, self._usable_zygote(), orders)
        return self._spawner.start(orders)

    def renew(self) -> None:
        """Import the application anew for the workers to come, and its present modules no more."""
        if self._imports_application:
            self._retire()

    def close(self) -> None:
        """As :meth:`.process.Starter.close`. A zygote ends with the last of its workers."""
        self._retire()
        for zygote in self._former:
            zygote.end()
        self._former.clear()
        self._spawner.close()

    def fall_back(self, refused: str) -> None:
        """Start no worker by forking any more."""
        if self.refused is None:
            level = logging.WARNING if self._imports_application else logging.DEBUG
            self._log.log(level, "Workers are spawned, not forked: %s", refused)
        self.refused = refused
        self._retire()

    def spawn(self, orders: Orders) -> Process | None:
        """Start what was to be forked; None if that cannot be."""
        try:
            return self._spawner.start(orders)
        except (OSError, ConfigError) as error:
            self._log.error("A worker cannot be spawned: %s", error)
            return None

    def _usable_zygote(self) -> _ZygoteHandle:
        if self._zygote is not None and not self._zygote.is_usable():
            self._retire()
        if self._zygote is None:
            self._zygote = _ZygoteHandle(self._config, self._imports_application)
        return self._zygote

    def _retire(self) -> None:
        if self._zygote is not None:
            self._zygote.close()
            self._former.append(self._zygote)
            self._zygote = None
        self._former = [zygote for zygote in self._former if zygote.is_running()]


class _ZygoteHandle:
    """A zygote as the supervisor sees it. Raises what :meth:`.process.Starter.start` does."""

    def __init__(self, config: Config, imports_application: bool) -> None:
        self._control, control = open_packet_pair()
        self._has_failed = False
        try:
            with control:
                self._process = spawned(
                    run_zygote, (config, control, imports_application), "hypercorn-preloader"
                )
        except BaseException:
            self._control.close()
            raise

    def ask(self, orders: Orders, report: socket.socket) -> None:
        """Ask for a worker. Raises OSError if it cannot be done now."""
        ask(self._control, orders, report)

    def failed(self) -> None:
        """It could not prepare itself; the next one may."""
        self._has_failed = True

    def is_usable(self) -> bool:
        """Whether workers can be asked for."""
        if self._has_failed:
            return False
        try:
            self._control.recv(1)
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False  # it says nothing: this is the end

    def is_running(self) -> bool:
        """Whether the process has not ended; one that has is let go of."""
        return self._process.exitcode is None

    def exit_code(self) -> int:
        """The exit code of a process that is just ending."""
        self._process.join(TIME_TO_END)
        code = self._process.exitcode
        return ExitCode.CRASHED if code is None else code

    def close(self) -> None:
        """Ask for nothing more. What has been asked for is answered."""
        self._control.close()

    def end(self) -> None:
        """End it even if it is still importing; one that has workers does not care."""
        self._process.terminate()


class _ForkedProcess:
    """A :class:`~.process.Process` that was asked for: forked, or in the end spawned."""

    def __init__(self, preloader: Preloader, zygote: _ZygoteHandle, orders: Orders) -> None:
        self._preloader = preloader
        self._zygote = zygote
        self._pid: int | None = None
        self._exit_code: int | None = None
        self._last_word: int | None = None
        self._spawned: Process | None = None
        self._report, report = open_packet_pair()
        self._kept: Orders | None = None
        """To spawn the worker with, until it is known to have been forked."""
        try:
            with report:
                zygote.ask(orders, report)
            self._kept = replace(orders, channel=orders.channel.dup(), stacks=orders.stacks.dup())
        except BaseException:
            self._report.close()
            raise

    @property
    def pid(self) -> int | None:
        return self._pid if self._spawned is None else self._spawned.pid

    def fileno(self) -> int:
        return self._report.fileno() if self._spawned is None else self._spawned.fileno()

    def poll(self) -> int | None:
        with contextlib.suppress(BlockingIOError):
            while self._exit_code is None and self._spawned is None:
                self._listen()
        if self._spawned is not None and self._exit_code is None:
            self._exit_code = self._spawned.poll()
        return self._exit_code

    def _listen(self) -> None:
        match read_report(self._report):
            case Report.PID, int(pid):
                self._pid = pid
                self._let_go()
            case Report.LEAVING, int(code):
                self._last_word = code
            case Report.ENDED, int(code):
                self._exit_code = code
            case Report.FAILED, int(code):
                self._zygote.failed()
                self._exit_code = code
            case Report.REFUSED, str(reason):
                self._preloader.fall_back(reason)
                self._spawn()
            case _:
                self._exit_code = self._unreported_exit_code()

    def _unreported_exit_code(self) -> int:
        """The zygote has been killed. A worker that was begun and has not said that it leaves has
        been, too."""
        if self._pid is None and self._last_word is None:
            return self._zygote.exit_code()
        return -signal.SIGKILL if self._last_word is None else self._last_word

    def _spawn(self) -> None:
        assert self._kept is not None
        self._spawned = self._preloader.spawn(self._kept)
        if self._spawned is None:
            self._exit_code = ExitCode.CRASHED
        self._let_go()

    def signal(self, number: int) -> None:
        if self.poll() is not None:
            return
        if self.pid is None:
            self._call_off(number)
        self._send(number)

    def _call_off(self, number: int) -> None:
        """Have a worker that has not begun end as soon as it begins, which may be never."""
        self._last_word = -number
        self._report.shutdown(socket.SHUT_RDWR)
        self.poll()  # it may just have begun

    def _send(self, number: int) -> None:
        if self._spawned is not None:
            self._spawned.signal(number)
        elif self._pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, number)

    def _let_go(self) -> None:
        if self._kept is not None:
            self._kept.channel.close()
            self._kept.stacks.close()
            self._kept = None

    def close(self) -> None:
        while self.poll() is None:
            connection.wait([self])  # type: ignore[list-item]
        self._let_go()
        self._report.close()
        if self._spawned is not None:
            self._spawned.close()
