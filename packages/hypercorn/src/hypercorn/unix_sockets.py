"""Unix sockets and their files: made with the right permissions, and removed at the end.

Knows: umask and ownership, stale files, and whose file it is.
Must not know: who listens.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .binds import UnixBind, parse_bind
from .errors import BindError

__all__ = ["UnixOwnership", "UnixSocketFiles", "bind_unix"]


@dataclass(frozen=True)
class UnixOwnership:
    """What the file of a unix socket is made with; None leaves it to the system."""

    umask: int | None = None
    user: int | None = None
    group: int | None = None


def bind_unix(path: str, ownership: UnixOwnership) -> socket.socket:
    """A socket that is bound to this path; the caller closes it. Raises BindError."""
    if not hasattr(socket, "AF_UNIX"):
        raise BindError(None, f"cannot bind unix:{path}: this system has no unix sockets")
    _remove_stale(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _umask(ownership.umask):
            sock.bind(path)
    except OSError as error:
        sock.close()
        raise BindError.of(error, f"unix:{path}") from None
    try:
        _give_away(path, ownership)
    except BindError:
        os.unlink(path)
        sock.close()
        raise
    return sock


def _give_away(path: str, ownership: UnixOwnership) -> None:
    if ownership.user is None and ownership.group is None:
        return
    user = -1 if ownership.user is None else ownership.user
    group = -1 if ownership.group is None else ownership.group
    try:
        os.chown(path, user, group)
    except OSError as error:
        raise BindError(
            error.errno, f"cannot give unix:{path} to its user and group: {error.strerror}"
        ) from None


def _remove_stale(path: str) -> None:
    """Remove a socket file that nobody answers on; a file that is in use is left alone."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return
    if not stat.S_ISSOCK(mode):
        raise BindError(
            errno.EEXIST, f"cannot bind unix:{path}: there is a file that is no socket"
        )
    if _is_listened_on(path):
        raise BindError.of(OSError(errno.EADDRINUSE, ""), f"unix:{path}")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _is_listened_on(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return False
        except OSError:
            pass  # such as a queue that is full
    return True


@contextlib.contextmanager
def _umask(mask: int | None) -> Iterator[None]:
    if mask is None:
        yield
        return
    former = os.umask(mask)
    try:
        yield
    finally:
        os.umask(former)


class UnixSocketFiles:
    """The files of unix sockets, to be removed at the end unless others took their place."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[int, int] | None] = {}

    def claim(self, binds: Iterable[str]) -> None:
        """Remember the files that these binds have made."""
        self._files.update({path: _identity(path) for path in _unix_paths(binds)})

    def leave(self) -> None:
        """Another server has taken over: leave it the files that it listens on. This one's own
        sockets have to be closed."""
        self._files = {
            path: identity for path, identity in self._files.items() if not _is_listened_on(path)
        }

    def remove(self) -> None:
        """Remove what was claimed and is still the same file."""
        for path, identity in self._files.items():
            if identity is not None and _identity(path) == identity:
                # In a folder of others it cannot be removed once privileges are dropped; the next
                # server finds that nobody listens on it.
                with contextlib.suppress(OSError):
                    os.unlink(path)
        self._files.clear()


def _unix_paths(binds: Iterable[str]) -> list[str]:
    return [bind.path for bind in map(parse_bind, binds) if isinstance(bind, UnixBind)]


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
