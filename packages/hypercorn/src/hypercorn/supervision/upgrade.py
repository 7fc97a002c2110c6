"""An upgrade in place: another server, of what is installed by now, takes over the sockets.

Knows: how the new server is started, how it says that it serves, and how an old one that is the
first process of a container stays in front of it.
Must not know: workers, or what else changes hands.

The new server is the same command. It gets the listening sockets by their descriptors, and a pipe:
one byte says that it serves, its end without one that it does not.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping

from hypercorn import inheritance
from hypercorn.errors import ExitCode
from hypercorn.signals import REQUESTS, Request

__all__ = ["Succession", "Successor", "stand_in_front_of"]

VARIABLE = "HYPERCORN_INHERITED_SUCCESSION"
FRONT_VARIABLE = "HYPERCORN_INHERITED_FRONT"
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
        descriptors = [*inheritance.descriptors(sockets), writer]
        front = _front()
        if front is not None:
            environment[FRONT_VARIABLE] = str(front.writer)
            descriptors.append(front.writer)
        try:
            self.process = subprocess.Popen(
                [sys.executable, *sys.orig_argv[1:]],
                env=environment,
                pass_fds=descriptors,
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

    def pass_on(self, number: int) -> None:
        """Signal it, or whoever has taken over from it, for the first process of a container."""
        front = _front()
        assert front is not None, "it has taken over from the first process"
        front.pass_on(number)

    def stop(self) -> None:
        """Have it give up."""
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()

    def close(self) -> None:
        """Listen to it no more."""
        os.close(self._reader)

    def disown(self) -> None:
        """Leave its end to be seen by its parent after this process, which may be the first of a
        container. Popen would look at it once more as it goes."""
        self.process.returncode = ExitCode.OK


class Succession:
    """The new server's side; without an old one nothing happens."""

    def __init__(self) -> None:
        text = os.environ.pop(VARIABLE, "")
        self._writer = int(text) if text.isdecimal() else None
        self._front = _front()

    @property
    def is_under_way(self) -> bool:
        """Whether there is an old server that waits."""
        return self._writer is not None

    def complete(self) -> None:
        """This server serves: the old one may go."""
        if self._writer is None:
            return
        if self._front is not None:
            self._front.name(os.getpid())
        with contextlib.suppress(OSError):
            os.write(self._writer, SERVES)
        os.close(self._writer)
        self._writer = None


class _Front:
    """The first process of a container, which stays while one server after another takes over:
    a pipe to it, in which each of them leaves its id."""

    def __init__(self, writer: int, reader: int | None = None) -> None:
        self.writer = writer
        self._reader = reader
        self._names = b""

    def name(self, pid: int) -> None:
        """This process is the server from now on."""
        with contextlib.suppress(OSError):
            os.write(self.writer, b"%d\n" % pid)

    def server(self) -> int:
        """Which process is the server; in the first process, once there has been a name."""
        assert self._reader is not None, "this is the first process"
        with contextlib.suppress(BlockingIOError):
            self._names += os.read(self._reader, 4096)
        self._names = b"".join(self._names.splitlines(keepends=True)[-1:])
        return int(self._names)

    def pass_on(self, number: int) -> None:
        """Have the server get a signal that the first process has got."""
        if REQUESTS[signal.Signals(number)] is not Request.CHILD:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.server(), number)


@functools.cache
def _front() -> _Front | None:
    """What this server is behind, or will be itself; None if it is in no container."""
    text = os.environ.pop(FRONT_VARIABLE, "")
    if text.isdecimal():
        return _Front(int(text))
    if os.getpid() != 1:
        return None
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    return _Front(writer, reader)


def stand_in_front_of(
    process: subprocess.Popen[bytes], unseen: Callable[[], Iterable[int]] = tuple
) -> int:
    """Pass signals on to the server that has taken over, and to those that take over from it,
    until the last one ends; returns its exit code.

    For the first process of a container, with which all others would end. ``unseen`` returns the
    signals that came before this was called and that nobody has looked at yet."""
    if sys.platform == "win32":
        raise OSError("no server takes over from another there")
    front = _front()
    assert front is not None, f"{process.pid} has taken over from the first process"
    signal.pthread_sigmask(signal.SIG_BLOCK, REQUESTS)
    for number in unseen():
        front.pass_on(number)
    while (code := _exit_code_of_server(front)) is None:
        front.pass_on(signal.sigwait(REQUESTS))
    return code


def _exit_code_of_server(front: _Front) -> int | None:
    """None while the server runs. Lets go of all others that have ended."""
    if sys.platform == "win32":
        return None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ExitCode.CRASHED
        if pid == 0:
            return None
        if pid == front.server():
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
