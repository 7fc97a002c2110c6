"""Signals: which ones stop and restart the server, and how a loop without asyncio waits for them.

Knows: signal numbers, the wakeup descriptor, and what a worker process does about signals that
its supervisor is sent too.
Must not know: what is done when one comes.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

__all__ = [
    "RESTART_SIGNAL",
    "STOP_SIGNALS",
    "SignalHandlers",
    "SignalInbox",
    "end_with_server",
    "held_back_from_children",
    "leave_to_supervisor",
    "signal_name",
]

STOP_SIGNALS: tuple[signal.Signals, ...] = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)
)
RESTART_SIGNAL: signal.Signals | None = getattr(signal, "SIGHUP", None)

# What a terminal sends to the supervisor and its workers alike.
_TERMINAL_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)


class SignalInbox:
    """While entered, signals do nothing but make this readable.

    To be waited for by :func:`multiprocessing.connection.wait`. Only the main thread can have
    handlers; elsewhere nothing ever comes.
    """

    def __init__(self, signals: tuple[signal.Signals, ...]) -> None:
        self._signals = signals
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


def _put_back(number: signal.Signals, handler: Any) -> None:
    signal.signal(number, signal.SIG_IGN if handler is _stop_early else handler)


def _do_nothing(number: int, frame: FrameType | None) -> None:
    return None


@contextlib.contextmanager
def held_back_from_children() -> Iterator[None]:
    """Processes that start inside do not get a terminal's signals before they are ready to.

    A child inherits the mask, and lifts it in :func:`leave_to_supervisor`; for this process the
    signals are only late."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    former = signal.pthread_sigmask(signal.SIG_BLOCK, _TERMINAL_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


class SignalHandlers:
    """Calls back for signals from :meth:`install` to :meth:`restore`; both in the main thread."""

    def __init__(
        self, callback: Callable[[], object], signals: tuple[signal.Signals, ...] = STOP_SIGNALS
    ) -> None:
        self._callback = callback
        self._signals = signals
        self._former: dict[signal.Signals, Any] = {}

    def install(self) -> None:
        """Begin. Raises ValueError outside of the main thread."""
        for number in self._signals:
            self._former[number] = signal.signal(number, self._handle)

    def restore(self) -> None:
        """Put the former handlers back."""
        for number, handler in self._former.items():
            _put_back(number, handler)
        self._former.clear()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._callback()


def leave_to_supervisor() -> None:
    """In a worker process: ignore what a terminal sends to all; the supervisor acts on it."""
    for number in _TERMINAL_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _TERMINAL_SIGNALS)


def signal_name(number: int) -> str:
    """Such as ``SIGKILL``."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
