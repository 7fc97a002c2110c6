"""Signals: which one asks the server for what, and how a loop without asyncio waits for them.

Knows: signal numbers, the wakeup descriptor, and what a worker process does about signals that
its supervisor is sent too.
Must not know: what is done when one comes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from math import inf
from types import FrameType
from typing import Any

__all__ = [
    "REQUESTS",
    "SAME_REQUEST",
    "STOP_SIGNALS",
    "Request",
    "SignalHandlers",
    "SignalInbox",
    "end_undisturbed",
    "end_with_server",
    "held_back_from_children",
    "leave_to_supervisor",
    "signal_name",
]

SAME_REQUEST = 0.25
"""Seconds in which another signal is the same request to stop: ``timeout`` sends two."""
STOP_SIGNALS: tuple[signal.Signals, ...] = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)
)


class Request(Enum):
    """What a signal asks the supervisor for."""

    STOP = ("SIGINT", "SIGTERM", "SIGBREAK")
    QUIT = ("SIGQUIT",)
    """Stop at once."""
    RELOAD = ("SIGHUP",)
    """Read the configuration again, and restart the workers."""
    RESTART = ("SIGUSR1",)
    """Restart the workers. This and RELOAD open the log files anew."""
    UPGRADE = ("SIGUSR2",)
    """Have another server take over."""
    MORE = ("SIGTTIN",)
    """One worker more."""
    FEWER = ("SIGTTOU",)
    """One worker less."""
    CHILD = ("SIGCHLD",)
    """A process has ended; nobody asks for anything."""


REQUESTS: dict[signal.Signals, Request] = {
    getattr(signal, name): request
    for request in Request
    for name in request.value
    if hasattr(signal, name)
}
"""What the supervisor does at each signal, as far as the system has it."""

_TERMINALS_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGTTIN", "SIGTTOU") if hasattr(signal, name)
)
"""Sent by terminals to who reads or writes in the background, again whenever it tries to."""

# What is meant for the supervisor, though terminals and service managers send it to all processes;
# SIGTERM is left out, as it does the same in a worker.
_SUPERVISORS_SIGNALS = tuple(
    number
    for number, request in REQUESTS.items()
    if request is not Request.CHILD and number != signal.SIGTERM
)


class SignalInbox:
    """While entered, signals do nothing but make this readable.

    To be waited for by :func:`multiprocessing.connection.wait`. Only the main thread can have
    handlers; elsewhere nothing ever comes.
    """

    def __init__(self, signals: Iterable[signal.Signals]) -> None:
        self._signals = tuple(signals)
        self._former: dict[signal.Signals, Any] = {}
        self._former_descriptor = -1
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def __enter__(self) -> SignalInbox:
        if threading.current_thread() is threading.main_thread():
            self._former_descriptor = signal.set_wakeup_fd(
                self._writer.fileno(), warn_on_full_buffer=False
            )
            for number in self._signals:
                self._former[number] = signal.signal(number, _do_nothing)
        return self

    def __exit__(self, *exc_info: object) -> None:
        for number, handler in self._former.items():
            _put_back(number, handler)
        if self._former:
            signal.set_wakeup_fd(self._former_descriptor)
        self._reader.close()
        self._writer.close()

    def fileno(self) -> int:
        """What to wait for."""
        return self._reader.fileno()

    def take(self) -> list[int]:
        """The numbers of the signals that came since the last call."""
        try:
            received = self._reader.recv(4096)
        except BlockingIOError:
            return []
        return [number for number in received if number in self._signals]


def end_with_server() -> None:
    """In a process that ends when the server does: stop signals do what they always do until
    the server takes them over, and nothing once it has given them back.

    One that comes late, as the second of two does, must not make a failure of an orderly end.
    To be called in the main thread."""
    for number in STOP_SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _stop_early)


def _stop_early(number: int, frame: FrameType | None) -> None:
    if number == signal.SIGINT:
        signal.default_int_handler(number, frame)
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
    # The first process of a container outlives that (pid_namespaces(7)).
    os._exit(128 + number)


def _put_back(number: signal.Signals, handler: Any) -> None:
    signal.signal(number, signal.SIG_IGN if handler is _stop_early else handler)


def _do_nothing(number: int, frame: FrameType | None) -> None:
    return None


@contextlib.contextmanager
def held_back_from_children() -> Iterator[None]:
    """Processes that start inside do not get the supervisor's signals before they are ready to.

    A child inherits the mask, and lifts it in :func:`leave_to_supervisor`; for this process the
    signals are only late."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    former = signal.pthread_sigmask(signal.SIG_BLOCK, _SUPERVISORS_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


class SignalHandlers:
    """Calls back for signals from :meth:`install` to :meth:`restore`; both in the main thread.

    If they ``insist``, another one that comes after a moment does what it does by itself: it ends
    the process. In a process that the application forks they do what they did before: called back
    there, it would act on what the two have in common, and the child could not be ended."""

    def __init__(
        self,
        callback: Callable[[], object],
        signals: tuple[signal.Signals, ...] = STOP_SIGNALS,
        *,
        insist: bool = False,
    ) -> None:
        self._callback = callback
        self._signals = signals
        self._insist_from = inf
        self._insist = insist
        self._process = -1
        self._former: dict[signal.Signals, Any] = {}

    def install(self) -> None:
        """Begin. Raises ValueError outside of the main thread."""
        self._process = os.getpid()
        for number in self._signals:
            self._former[number] = signal.signal(number, self._handle)

    def restore(self) -> None:
        """Put the former handlers back."""
        for number, handler in self._former.items():
            _put_back(number, handler)
        self._former.clear()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:
            signal.signal(number, self._former[signal.Signals(number)] or signal.SIG_DFL)
            signal.raise_signal(number)
            return
        now = time.monotonic()
        if now >= self._insist_from:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        elif self._insist and self._insist_from == inf:
            self._insist_from = now + SAME_REQUEST
        self._callback()


def leave_to_supervisor() -> None:
    """In a worker process: do nothing about what is sent to all; the supervisor acts on it.

    Programs that the application runs would inherit that it is ignored, but no handler."""
    for number in _SUPERVISORS_SIGNALS:
        is_terminals = number in _TERMINALS_SIGNALS
        signal.signal(number, signal.SIG_IGN if is_terminals else _do_nothing)
        if hasattr(signal, "siginterrupt"):
            signal.siginterrupt(number, False)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SUPERVISORS_SIGNALS)


def end_undisturbed() -> None:
    """In a worker process that has nothing left to do but to end.

    On its last steps Python gives signals back what they do by themselves: one that comes late
    must not make a failure of an orderly end."""
    for number in (*_SUPERVISORS_SIGNALS, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def signal_name(number: int) -> str:
    """Such as ``SIGKILL``."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
