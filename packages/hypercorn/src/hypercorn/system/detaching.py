"""Detaching: the command ends when the server serves, and the server goes on without a terminal.

Knows: forks, sessions, standard streams, and the exit code of the command that a person typed.
Must not know: what is served.

Three processes: the *command* waits for the *go-between*, and that one for the *server*, which is
not the leader of its session and therefore never gets a terminal again. The go-between ends, with
the exit code of the command, when the server has given its word or has ended without one.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import NoReturn

from hypercorn.errors import ConfigError

__all__ = ["Launcher", "away_from_terminal", "detach", "leave_terminal"]

SERVING = 0
"""The word for it; any other number is the exit code of a failure."""
FAILED = 1
STANDARD_STREAMS = (0, 1, 2)


class Launcher:
    """The command that started this server, and waits for its word. One word is heard."""

    def __init__(self, pipe: int) -> None:
        self._pipe: int | None = pipe
        if sys.platform != "win32":
            # The end of this process would go unnoticed as long as a forked one has the pipe.
            os.register_at_fork(after_in_child=self._close)

    def serving(self) -> None:
        """End the command with exit code 0, and leave the terminal to others.

        Workers have the standard streams of their own, see :func:`leave_terminal`."""
        leave_terminal()
        self._tell(SERVING)

    def failed(self, code: int) -> None:
        """End the command with this exit code. Messages are to be written before."""
        _flush()
        self._tell(code & 0xFF or FAILED)

    def _tell(self, word: int) -> None:
        if self._pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                os.write(self._pipe, bytes([word]))
        self._close()

    def _close(self) -> None:
        if self._pipe is not None:
            os.close(self._pipe)
        self._pipe = None


def detach() -> Launcher:
    """Go on in the background; the process that calls this never returns from it.

    In the background the folder, the standard streams and the signal handlers are as they were.
    To be called in the main thread, before there are other threads, event loops or children.
    Raises ConfigError where there is no fork(2).
    """
    if sys.platform == "win32":
        raise ConfigError(
            "daemonize = True: this system has no processes in the background; "
            "leave --daemon out and use a service manager"
        )
    _flush()
    _fill_standard_streams()
    if signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN:
        # As some parents leave it, it would keep the exit codes of all children from us.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    passed_on = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)
    former_mask = signal.pthread_sigmask(signal.SIG_BLOCK, passed_on)
    if (go_between := os.fork()) != 0:
        _stand_in_for(go_between, passed_on)
        os._exit(_exit_code_of(go_between))
    os.setsid()
    reader, writer = os.pipe()
    if (server := os.fork()) != 0:
        os.close(writer)
        _stand_in_for(server, passed_on)
        _end_as_told(reader, server)
    os.close(reader)
    signal.pthread_sigmask(signal.SIG_SETMASK, former_mask)
    return Launcher(writer)


def leave_terminal() -> None:
    """Read from and write to nowhere.

    For every process that has the standard streams of the command, the server's workers too:
    whoever waits for the end of the command's output (a shell's ``$(...)``, ssh) would wait for
    them.
    """
    _flush()
    _lead_nowhere()


@contextlib.contextmanager
def away_from_terminal() -> Iterator[None]:
    """Programs that start inside, and stay with the server, do not have the streams of the
    command: as :func:`leave_terminal`, for those that would not call it."""
    _flush()
    copies: dict[int, int] = {}
    for stream in STANDARD_STREAMS:
        with contextlib.suppress(OSError):  # it is closed
            copies[stream] = os.dup(stream)
    try:
        _lead_nowhere()
        yield
    finally:
        for stream, copy in copies.items():
            os.dup2(copy, stream)
            os.close(copy)


def _lead_nowhere() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in STANDARD_STREAMS:
        os.dup2(nowhere, stream)
    if nowhere not in STANDARD_STREAMS:
        os.close(nowhere)


def _fill_standard_streams() -> None:
    """Some close them for what they start. What is opened next would get their numbers, and be
    replaced when the terminal is left."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) in STANDARD_STREAMS:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def _stand_in_for(child: int, signals: Iterable[signal.Signals]) -> None:
    """What stops this process stops the server instead, which then gives the exit code.

    A terminal that is closed (SIGHUP) does end this process, but not the server."""
    if sys.platform == "win32":
        return

    def handle(number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    for number in signals:
        # Shells have commands in the background ignore SIGINT.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handle)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)


def _end_as_told(reader: int, server: int) -> NoReturn:
    word = os.read(reader, 1)
    if word:
        os._exit(word[0])
    # Nothing was served, whatever the server thinks of its end.
    os._exit(_exit_code_of(server) or FAILED)


def _exit_code_of(child: int) -> int:
    """The exit code that this process shall have; 128 and the signal's number, as shells do."""
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _flush() -> None:
    """Nothing stays in a buffer, where each process would have a copy of it."""
    for stream in (sys.stdout, sys.stderr):
        # None without a console; closed, or at the end of a pipe that nobody reads.
        with contextlib.suppress(AttributeError, OSError, ValueError):
            stream.flush()
