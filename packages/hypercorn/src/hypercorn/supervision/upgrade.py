"""An upgrade in place: another server, of what is installed by now, takes over the sockets.

Knows: how the new server is started, how it says that it serves, and how an old one that is the
first process of a container stays in front of it.
Must not know: workers, or what else changes hands.

The new server is the same command. It gets the listening sockets by their descriptors, and a pipe:
one byte says that it serves, its end without one that it does not.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping
from types import FrameType

from hypercorn import inheritance

__all__ = ["Succession", "Successor", "stand_in_front_of"]

VARIABLE = "HYPERCORN_INHERITED_SUCCESSION"
SERVES = b"1"


class Successor:
    """The new server, as the old one sees it. Raises OSError if it cannot be started.

    Args:
        sockets: what it is to listen on.
        variables: added to its environment.
    """

    def __init__(self, sockets: Iterable[socket.socket], variables: Mapping[str, str]) -> None:
        sockets = list(sockets)
        self._reader, writer = os.pipe()
        os.set_blocking(self._reader, False)
        environment = {
            **os.environ,
            **variables,
            **inheritance.environment(sockets),
            VARIABLE: str(writer),
        }
        try:
            self.process = subprocess.Popen(
                [sys.executable, *sys.orig_argv[1:]],
                env=environment,
                pass_fds=[*inheritance.descriptors(sockets), writer],
            )
        except BaseException:
            os.close(self._reader)
            raise
        finally:
            os.close(writer)

    def fileno(self) -> int:
        """Readable when :meth:`serves` has an answer."""
        return self._reader

    def serves(self) -> bool | None:
        """Whether it serves; None until that is known."""
        try:
            return os.read(self._reader, 1) == SERVES
        except BlockingIOError:
            return None

    def stop(self) -> None:
        """Have it give up."""
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()

    def close(self) -> None:
        """Listen to it no more."""
        os.close(self._reader)


class Succession:
    """The new server's side; without an old one nothing happens."""

    def __init__(self) -> None:
        text = os.environ.pop(VARIABLE, "")
        self._writer = int(text) if text.isdecimal() else None

    @property
    def is_under_way(self) -> bool:
        """Whether there is an old server that waits."""
        return self._writer is not None

    def complete(self) -> None:
        """This server serves: the old one may go."""
        if self._writer is not None:
            with contextlib.suppress(OSError):
                os.write(self._writer, SERVES)
            os.close(self._writer)
        self._writer = None


def stand_in_front_of(process: subprocess.Popen[bytes]) -> int:
    """Pass signals on to a process until it ends; returns its exit code.

    For the first process of a container, with which all others would end."""

    def pass_on(number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)

    for number in signal.valid_signals() - {signal.SIGCHLD}:
        with contextlib.suppress(OSError, ValueError):  # those that cannot be handled
            signal.signal(number, pass_on)
    while True:
        pid, status = os.wait()  # other orphans too
        if pid == process.pid:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
