"""The preloader's process: prepared once, it forks a worker whenever it is asked to.

Knows: what is asked and answered through its sockets, and what a worker must not inherit.
Must not know: when workers are started, or what their ends mean.

On the *control* socket a request comes as one packet with the worker's sockets. Among them is the
worker's *report* socket, on which it is told what comes of it. The worker holds that one too: its
end is the worker's, even when this process has been killed. At the end of the control socket, this
process ends with the last of its workers, which need nobody to wait for them.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import chain, islice
from multiprocessing import connection, util
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING

from hypercorn.errors import ExitCode
from hypercorn.eventloops import event_loop, import_event_loop
from hypercorn.failures import exit_code, reason
from hypercorn.signals import SignalInbox, leave_to_supervisor
from hypercorn.sockets import Sockets, keep_to_this_process
from hypercorn.system.detaching import leave_terminal
from hypercorn.system.titles import set_title

from .channel import Failed, WorkerLink, receive_with_descriptors
from .process import Orders
from .worker import Preparation, prepare, work

if TYPE_CHECKING:
    from hypercorn.config import Config

__all__ = ["Report", "ask", "open_packet_pair", "read_report", "run_zygote"]

assert sys.platform != "win32", "there is no fork(2)"

PACKET_SIZE = 65_536
LAST = -100
"""When exit functions are called, among what multiprocessing does at a process's end."""


class Report(Enum):
    """What is said of a requested worker, each with a value."""

    PID = "pid"
    """The worker has begun; by itself."""
    LEAVING = "leaving"
    """It is about to end with this exit code; by itself."""
    ENDED = "ended"
    """It has ended with this exit code, negative for a signal."""
    FAILED = "failed"
    """It was not begun, as nothing could be prepared; the channel has been told why."""
    REFUSED = "refused"
    """It was not begun, and none will be, for this reason: it has to be started another way."""


def open_packet_pair() -> tuple[socket.socket, socket.socket]:
    """Two sockets that keep apart what is sent; the first one does not block."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    return ours, theirs


def ask(control: socket.socket, orders: Orders, report: socket.socket) -> None:
    """Ask for a worker; the sockets are copied. Raises OSError if it cannot be done now."""
    kinds = _by_kind(orders.sockets)
    packet = json.dumps([orders.number, *map(len, kinds)]).encode("ascii")
    passed = [report, orders.channel, orders.stacks, *chain(*kinds)]
    socket.send_fds(control, [packet], [sock.fileno() for sock in passed])


def read_report(report: socket.socket) -> tuple[Report, int | str] | None:
    """The next report; None at the end. Raises BlockingIOError if there is none yet."""
    packet = report.recv(PACKET_SIZE)
    if not packet:
        return None
    kind, value = json.loads(packet)
    return Report(kind), value


def run_zygote(config: Config, control: socket.socket, imports_application: bool) -> None:
    """Serve requests for workers; the target of the preloader's process.

    Unless it ``imports_application``, each worker prepares itself, and new code is new to it."""
    _Zygote(config, control).run(imports_application)


@dataclass(frozen=True)
class _Child:
    process: BaseProcess
    report: socket.socket


class _Zygote:
    def __init__(self, config: Config, control: socket.socket) -> None:
        self._config = config
        self._control = control
        self._is_asked = True
        self._preparation: Preparation | None = None
        self._failure: Failed | None = None
        self._stale: str | None = None
        self._children: list[_Child] = []
        # What the workers leave behind may have whatever else tells of their ends.
        self._signals = SignalInbox((signal.SIGCHLD,))

    def run(self, imports_application: bool) -> None:
        leave_to_supervisor()
        keep_to_this_process([self._control])
        set_title(self._config.process_name, "preloader", self._config.application_path)
        self._prepare(imports_application)
        if self._config.daemonize:
            leave_terminal()
        # Until now it could be ended with SIGTERM. From now on it has workers, and what stops a
        # server often tells all of its processes.
        _hold_back_sigterm(signal.SIG_BLOCK)
        with self._signals:
            while self._is_asked or self._children:
                self._wait()

    def _prepare(self, imports_application: bool) -> None:
        try:
            import_event_loop(event_loop(self._config.worker_class))
            if imports_application:
                self._preparation = prepare(self._config)
            else:
                self._stale = _already_loaded(self._config)
        except BaseException as error:
            target = self._config.application_path
            self._failure = Failed(exit_code(error), reason(error, target))
        gc.collect()
        # Collections in the workers would write to pages that are shared until then.
        gc.freeze()

    def _wait(self) -> None:
        waited_for: list[object] = [self._signals]
        if self._is_asked:
            waited_for.append(self._control)
        ready = connection.wait(waited_for)  # type: ignore[arg-type]
        if self._signals.take():
            self._see_to_ends()
        if self._control in ready:
            self._take_request()

    def _take_request(self) -> None:
        packet, descriptors = receive_with_descriptors(self._control, PACKET_SIZE)
        if not packet:
            self._is_asked = False
            self._control.close()
            return
        passed = [socket.socket(fileno=descriptor) for descriptor in descriptors or ()]
        number, *counts = json.loads(packet)
        report, orders = passed[0], _orders(self._config, number, counts, passed[1:])
        with contextlib.ExitStack() as stack:
            for sock in passed:
                stack.enter_context(sock)
            self._answer(orders, report)

    def _answer(self, orders: Orders, report: socket.socket) -> None:
        refusal = self._stale or _threads_in_the_way()
        if self._failure is not None:
            WorkerLink(orders.channel).send(self._failure)
            _say(report, Report.FAILED, self._failure.code)
        elif refusal is not None:
            _say(report, Report.REFUSED, refusal)
        else:
            self._fork(orders, report)

    def _fork(self, orders: Orders, report: socket.socket) -> None:
        process = multiprocessing.get_context("fork").Process(
            target=self._be_worker,
            args=(orders, report),
            name=f"hypercorn-worker-{orders.number}",
            daemon=self._config.daemon,
        )
        try:
            process.start()
        except OSError as error:
            why = f"no process can be started: {error.strerror}"
            WorkerLink(orders.channel).send(Failed(ExitCode.CRASHED, why))
            _say(report, Report.ENDED, ExitCode.CRASHED)
        else:
            self._children.append(_Child(process, report.dup()))

    def _be_worker(self, orders: Orders, report: socket.socket) -> None:
        self._signals.__exit__()
        self._control.close()
        for other in self._children:
            other.report.close()
        keep_to_this_process([report])
        if not _say(report, Report.PID, os.getpid()):
            return  # nobody wants it any more
        _hold_back_sigterm(signal.SIG_UNBLOCK)
        if sys.version_info < (3, 13):
            _run_exit_functions_at_the_end()
        code: object = ExitCode.OK
        try:
            work(orders, self._preparation)
        except SystemExit as end:
            code = end.code
            raise
        finally:
            _say(report, Report.LEAVING, code)

    def _see_to_ends(self) -> None:
        for child in self._children[:]:
            if child.process.exitcode is not None:
                self._children.remove(child)
                self._has_ended(child)

    def _has_ended(self, child: _Child) -> None:
        with child.report as report:
            _say(report, Report.ENDED, child.process.exitcode)
        child.process.close()


def _by_kind(sockets: Sockets) -> tuple[list[socket.socket], ...]:
    return sockets.secure_sockets, sockets.insecure_sockets, sockets.quic_sockets


def _orders(config: Config, number: int, counts: list[int], passed: list[socket.socket]) -> Orders:
    channel, stacks, *listening = passed
    for sock in listening:
        sock.setblocking(False)
    remaining = iter(listening)
    kinds = [list(islice(remaining, count)) for count in counts]
    return Orders(config, Sockets(*kinds), number, channel, stacks)


def _say(report: socket.socket, kind: Report, value: object) -> bool:
    """False if nobody listens."""
    try:
        report.send(json.dumps([kind.value, value]).encode("ascii"))
    except OSError:
        return False
    return True


def _hold_back_sigterm(how: int) -> None:
    signal.pthread_sigmask(how, (signal.SIGTERM,))


def _run_exit_functions_at_the_end() -> None:
    """As multiprocessing does by itself since Python 3.13: what the worker registers with atexit
    is called when it ends, what the import has registered only at the preloader's end."""
    atexit._clear()
    util.Finalize(None, atexit._run_exitfuncs, exitpriority=LAST)


def _threads_in_the_way() -> str | None:
    """A copy made by fork(2) has only the thread that made it, and the locks of all."""
    names = [
        thread.name for thread in threading.enumerate() if thread is not threading.main_thread()
    ]
    if not names:
        return None
    return f"the application's import has started threads that they would lack: {', '.join(names)}"


def _already_loaded(config: Config) -> str | None:
    """What may change and is loaded here already, so that a worker would not get it anew, as it
    is if the server was started by a program of the user's."""
    from watchfiles import Change

    from hypercorn.watching import FileWatcher

    watcher = FileWatcher(config.reload_dirs, config.reload_include, config.reload_exclude)
    with contextlib.closing(watcher):
        for path in _module_files():
            if watcher.matters(Change.modified, path):
                return f"{path} is loaded before they are"
    return None


def _module_files() -> Iterator[str]:
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file is not None:
            yield os.path.realpath(file)
