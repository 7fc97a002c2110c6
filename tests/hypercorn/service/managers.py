"""A service manager's end of the notify socket, as sd_notify(3) has it.

Knows: datagrams with lines of ``NAME=value``, and the credentials that come with each.
Must not know: who sends them.
"""

from __future__ import annotations

import socket
import struct
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.hypercorn.processes import PATIENCE

__all__ = ["Manager", "Notice", "managed"]

CREDENTIALS = struct.Struct("3i")


@dataclass(frozen=True)
class Notice:
    """One datagram."""

    sender: int
    """The process id, as the kernel tells it."""
    values: dict[str, str]


class Manager:
    """Listens where ``NOTIFY_SOCKET`` points to."""

    def __init__(self, sock: socket.socket, variable: str) -> None:
        self._socket = sock
        self.environment = {"NOTIFY_SOCKET": variable}
        self.notices: list[Notice] = []
        """All that has been received, in its order."""

    def receive(self) -> Notice:
        """The next notice."""
        data, ancillary, _, _ = self._socket.recvmsg(4096, socket.CMSG_SPACE(CREDENTIALS.size))
        ((_, _, credentials),) = ancillary
        values = dict(line.split("=", 1) for line in data.decode().splitlines())
        notice = Notice(CREDENTIALS.unpack(credentials)[0], values)
        self.notices.append(notice)
        return notice

    def wait_for(self, name: str) -> Notice:
        """The next notice that has this name."""
        while name not in (notice := self.receive()).values:
            pass
        return notice

    def is_silent(self) -> bool:
        """Whether nothing has come that has not been received."""
        self._socket.setblocking(False)
        try:
            self._socket.recv(4096, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        finally:
            self._socket.settimeout(PATIENCE)
        return False


@contextmanager
def managed(folder: Path, kind: str) -> Iterator[Manager]:
    """A manager whose socket has a ``path`` in this folder, or an ``abstract`` name."""
    variable = str(folder / "notify") if kind == "path" else f"@hypercorn-{uuid.uuid4()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(variable.replace("@", "\0", 1) if kind == "abstract" else variable)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        sock.settimeout(PATIENCE)
        yield Manager(sock, variable)
