"""Reloading for programs that call ``serve`` themselves.

Knows: how such a program runs in a child process, which is replaced when a file changes.
Must not know: what the program serves, or on which event loop.

For the command line ``--reload`` does the same, and more: see :mod:`.supervision`.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing
from logging import Logger as StandardLogger
from math import inf
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING

from . import inheritance
from .errors import ExitCode
from .logging import standard_logger
from .serving import listening_sockets
from .signals import SAME_REQUEST, STOP_SIGNALS, SignalInbox
from .watching import FileWatcher, describe, forget_bytecode

if TYPE_CHECKING:
    from .config import Config

__all__ = ["run_with_reloader"]

STOP_SLACK = 2.0
"""Seconds that a child may take to end beyond the times that it was given for it."""


def run_with_reloader(target: Callable[[], object], config: Config) -> int:
    """Run a function that serves, anew whenever a watched file changes; returns its exit code.

    Args:
        target: a function of a module, as it is called in a child process, which imports that
            module and the main one; so the call of this function belongs below
            ``if __name__ == "__main__":``.
        config: what ``target`` serves with: says which files are watched (``reload_dirs``,
            ``reload_include``, ``reload_exclude``). Its sockets are opened here and inherited by
            the child, so that connections wait while it is replaced.

    A child that fails is waited out until a file changes; one that returns, and a signal to stop,
    end it all. To be called in the main thread. Raises ConfigError and BindError.
    """
    config.validate()
    watcher = FileWatcher(config.reload_dirs, config.reload_include, config.reload_exclude)
    sockets = listening_sockets(config)
    with closing(watcher), closing(sockets), SignalInbox(STOP_SIGNALS) as signals:
        watcher.start()
        return _Reloader(target, config, sockets.stream_sockets, watcher, signals).run()


class _Reloader:
    def __init__(
        self,
        target: Callable[[], object],
        config: Config,
        sockets: list[socket.socket],
        watcher: FileWatcher,
        signals: SignalInbox,
    ) -> None:
        self._target = target
        self._sockets = sockets
        self._watcher = watcher
        self._signals = signals
        self._time_to_stop = config.graceful_timeout + config.shutdown_timeout + STOP_SLACK
        self._log: StandardLogger = standard_logger(config.log)
        self._child: BaseProcess | None = None
        self._former: dict[BaseProcess, float] = {}
        self._impatient_from = inf
        self._exit_code: int | None = None

    def run(self) -> int:
        """Until a child returns or a signal comes."""
        try:
            self._start()
            while self._exit_code is None or self._former:
                self._wait()
                self._hear_signals()
                self._see_to_child()
                self._see_to_changes()
                self._end_former()
        finally:
            for child in self._children():
                child.kill()
                child.join()
        return self._exit_code

    def _children(self) -> list[BaseProcess]:
        return [*self._former] if self._child is None else [self._child, *self._former]

    def _wait(self) -> None:
        sentinels = [child.sentinel for child in self._children()]
        deadline = min(self._former.values(), default=inf)
        timeout = None if deadline == inf else max(0.0, deadline - time.monotonic())
        connection.wait([self._signals, self._watcher, *sentinels], timeout)  # type: ignore[list-item]

    def _start(self) -> None:
        self._child = multiprocessing.get_context("spawn").Process(
            target=_run, args=(self._target, self._sockets), name="hypercorn-reloaded"
        )
        self._child.start()

    def _retire(self) -> None:
        """Have the child end; whatever it still does, it is not waited for."""
        if self._child is not None:
            self._child.terminate()
            self._former[self._child] = time.monotonic() + self._time_to_stop
            self._child = None

    def _hear_signals(self) -> None:
        for _ in self._signals.take():
            now = time.monotonic()
            if self._exit_code is None:
                self._exit_code = ExitCode.OK
                self._impatient_from = now + SAME_REQUEST
                self._retire()
            elif now >= self._impatient_from:
                self._former = dict.fromkeys(self._former, now)

    def _see_to_child(self) -> None:
        if self._child is None or self._child.exitcode is None:
            return
        code = self._child.exitcode
        self._child = None
        if code == ExitCode.OK:
            self._exit_code = code
        else:
            self._log.error("The program has ended with exit code %d, waiting for changes", code)

    def _see_to_changes(self) -> None:
        changed = self._watcher.take()
        problem = self._watcher.take_problem()
        if problem is not None:
            self._log.error("Files are not watched any more: %s", problem)
        if changed and self._exit_code is None:
            self._log.info("Reloading: %s", describe(changed))
            forget_bytecode(changed)
            self._retire()
            self._start()

    def _end_former(self) -> None:
        now = time.monotonic()
        for child, deadline in list(self._former.items()):
            if child.exitcode is not None:
                del self._former[child]
            elif now >= deadline:
                child.kill()
                self._former[child] = inf


def _run(target: Callable[[], object], sockets: list[socket.socket]) -> None:
    """In the child."""
    threading.Thread(target=_outlive_no_parent, name="parent watcher", daemon=True).start()
    inheritance.leave_to_this_process(sockets)
    target()


def _outlive_no_parent() -> None:
    """Stop once the parent is gone, however that came: nobody else would, and it has the port."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "this process has been started by multiprocessing"
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
