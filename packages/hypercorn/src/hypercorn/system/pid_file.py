"""The pid file: who the server is, for people and scripts.

Knows: its content, how it comes to be there whole, and how a server that lives is told from one
that has left its file behind.
Must not know: what is done with a server that lives.

A lock (flock(2)) on the file says that its server lives. A process id would not: the system gives
it to others later, and in containers every server has the same.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import tempfile
from collections.abc import Iterator

from hypercorn.errors import ConfigError

if sys.platform != "win32":
    import fcntl

__all__ = ["PIDFile"]

MODE = 0o644
LONGEST_PID = 64
PADDING = b"\0\r\n\t "
"""What is around the digits, or instead of them after a crash of the system."""
WITHOUT_HARD_LINKS = {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK}


class PIDFile:
    """A file with the id of this process, from :meth:`acquire` to :meth:`release`.

    A symbolic link is followed, and stays. Processes that this one forks do not keep the file;
    so it is to be acquired by the process that stays, after detaching.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._target = ""
        self._identity: tuple[int, int] | None = None
        self._lock: int | None = None

    def acquire(self) -> int | None:
        """Write the file; returns the id that a server which is no more has left in it, if any.

        Raises ConfigError if the server of this file lives, if it is something else than a pid
        file, or if it cannot be written.
        """
        with self._system_errors():
            while True:
                with contextlib.suppress(FileExistsError), self._former() as former:
                    if former is None or self._is_free(former):
                        pid = None if former is None else _pid_in(former)
                        self._write(exclusively=former is None)
                        return pid

    def check(self) -> None:
        """Raise what :meth:`take_over` would raise; nothing is changed."""
        with self._system_errors(), self._former():
            descriptor, draft = self._draft()
            os.close(descriptor)
            os.unlink(draft)

    def take_over(self) -> int | None:
        """As :meth:`acquire`, from whoever has the file: its server goes, and knows."""
        with self._system_errors(), self._former() as former:
            pid = None if former is None else _pid_in(former)
            self._write(exclusively=False)
            return pid

    def release(self) -> None:
        """Remove the file, unless it is another server's by now. It may be called again."""
        if self._identity is not None and _identity_at(self._target) == self._identity:
            # In a folder of others it cannot be removed once privileges are dropped; without the
            # lock it is stale.
            with contextlib.suppress(OSError):
                os.unlink(self._target)
        self._forget()

    def _is_free(self, former: int) -> bool:
        """Whether the file may be replaced; False if that has just been done by another."""
        pid = _pid_in(former)
        if _is_alive(former, pid):
            who = "another process" if pid is None else f"process {pid}"
            raise ConfigError(
                f"pid_path = {self._path!r}: {who} is running with it; "
                "stop that one or choose another path"
            )
        return _identity_at(self._target) == _identity_of(former)

    @contextlib.contextmanager
    def _former(self) -> Iterator[int | None]:
        """The file that is there, open; None if there is none."""
        self._target = os.path.realpath(self._path)
        try:
            # A pipe would keep us waiting.
            former = os.open(self._target, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        except FileNotFoundError:
            yield None
            return
        try:
            self._refuse_foreign(former)
            yield former
        finally:
            os.close(former)

    def _refuse_foreign(self, former: int) -> None:
        """Keep what a mistyped path would destroy."""
        is_pid_file = stat.S_ISREG(os.fstat(former).st_mode) and _content(former).isdigit()
        if not is_pid_file and not _is_empty_file(former):
            raise ConfigError(
                f"pid_path = {self._path!r}: what is there is no pid file; "
                "remove it or choose another path"
            )

    def _write(self, *, exclusively: bool) -> None:
        """Put a file of ours there at once; raises FileExistsError if it must not be replaced."""
        descriptor, draft = self._draft()
        try:
            os.chmod(draft, MODE)
            os.write(descriptor, str(os.getpid()).encode())
            _lock(descriptor)
            identity = _identity_of(descriptor)
            if sys.platform == "win32":
                os.close(descriptor)  # a file that is open there can be neither moved nor removed
            _place(draft, self._target, exclusively=exclusively)
        except BaseException:
            with contextlib.suppress(OSError):
                os.close(descriptor)
            with contextlib.suppress(OSError):
                os.unlink(draft)
            raise
        self._forget()
        self._identity = identity
        if sys.platform != "win32":
            self._lock = descriptor
            # A lock lives as long as any copy of its descriptor does.
            os.register_at_fork(after_in_child=self._forget)

    def _draft(self) -> tuple[int, str]:
        folder, name = os.path.split(self._target)
        return tempfile.mkstemp(prefix=f".{name}.", dir=folder)

    def _forget(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
        self._lock = self._identity = None

    @contextlib.contextmanager
    def _system_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ConfigError(
                f"pid_path = {self._path!r}: cannot be written: {error.strerror}; "
                "choose another path"
            ) from None


def _place(draft: str, target: str, *, exclusively: bool) -> None:
    if exclusively:
        try:
            os.link(draft, target)
        except FileExistsError:
            raise
        except OSError as error:
            if error.errno not in WITHOUT_HARD_LINKS:
                raise
        else:
            os.unlink(draft)
            return
    os.replace(draft, target)


def _content(file: int) -> bytes:
    os.lseek(file, 0, os.SEEK_SET)
    return os.read(file, LONGEST_PID).strip(PADDING)


def _is_empty_file(file: int) -> bool:
    return stat.S_ISREG(os.fstat(file).st_mode) and not _content(file)


def _pid_in(file: int) -> int | None:
    return int(_content(file) or 0) or None


def _is_alive(file: int, pid: int | None) -> bool:
    """Whether the server of this file lives; if it does not, the file is ours until closed."""
    locked = _lock(file)
    if locked is not None:
        return not locked
    return pid is not None and pid != os.getpid() and _process_exists(pid)


def _lock(file: int) -> bool | None:
    """Whether the lock could be had; None where there are no locks."""
    if sys.platform == "win32":
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _process_exists(pid: int) -> bool:
    import psutil

    return psutil.pid_exists(pid)


def _identity_of(file: int) -> tuple[int, int]:
    status = os.fstat(file)
    return status.st_dev, status.st_ino


def _identity_at(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
