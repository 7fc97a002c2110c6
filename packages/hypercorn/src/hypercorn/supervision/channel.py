"""The channel between the supervisor and a worker: what they say to each other.

Knows: a socket pair that carries one JSON line for each message, and sockets beside them. A
worker whose supervisor has died sees the end of it, so nobody has to poll for that.
Must not know: what either side does about a message.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

__all__ = [
    "Adopt",
    "Alive",
    "Command",
    "Due",
    "Failed",
    "Message",
    "Ping",
    "Ready",
    "Release",
    "Reopen",
    "Stop",
    "SupervisorLink",
    "WorkerLink",
    "open_channel",
    "receive_with_descriptors",
]

READ_SIZE = 65_536
LONGEST_LINE = 1 << 20
"""Bytes; the longest message tells why an application does not start."""
MAX_SOCKETS = 253
"""How many sockets may come with what is read at once; Linux passes no more."""


# What a worker says.


@dataclass(frozen=True)
class Ready:
    """The worker accepts connections at these addresses."""

    name: ClassVar[str] = "ready"
    addresses: list[str]


@dataclass(frozen=True)
class Failed:
    """The worker could not start; ``code`` is its exit code, ``reason`` is for the operator."""

    name: ClassVar[str] = "failed"
    code: int
    reason: str


@dataclass(frozen=True)
class Alive:
    """The event loop has come to the latest :class:`Ping`.

    ``lacks`` are the workers whose sockets it was to adopt and did not get, as it has as many
    descriptors open as it may."""

    name: ClassVar[str] = "alive"
    lacks: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Due:
    """The worker is to be replaced, and serves until it is."""

    name: ClassVar[str] = "due"
    reason: str


# What the supervisor says.


@dataclass(frozen=True)
class Stop:
    """The worker is to end; ``ending`` is the name of a
    :class:`~hypercorn_workers.worker.Ending`."""

    name: ClassVar[str] = "stop"
    ending: str


@dataclass(frozen=True)
class Ping:
    """To be answered with :class:`Alive` by the event loop."""

    name: ClassVar[str] = "ping"


@dataclass(frozen=True)
class Reopen:
    """The log files have been moved away: they are to be opened anew."""

    name: ClassVar[str] = "reopen"


@dataclass(frozen=True)
class Adopt:
    """To accept from the sockets of another worker as well; they come with the message, first
    those for TLS."""

    name: ClassVar[str] = "adopt"
    number: int
    secure: int
    insecure: int


@dataclass(frozen=True)
class Release:
    """To leave the sockets of that worker alone from now on."""

    name: ClassVar[str] = "release"
    number: int


Message = Ready | Failed | Alive | Due
Command = Stop | Ping | Reopen | Adopt | Release

_KINDS: dict[str, Any] = {
    kind.name: kind for kind in (Ready, Failed, Alive, Due, Stop, Ping, Reopen, Adopt, Release)
}


def open_channel() -> tuple[SupervisorLink, socket.socket]:
    """A new channel: the supervisor's end, and the socket to make a WorkerLink of."""
    ours, theirs = socket.socketpair()
    # Whoever duplicates it makes it, and with it the worker's copy, as blocking as it seems to be:
    # a worker that has it already would wait for a command for ever.
    theirs.setblocking(False)
    return SupervisorLink(ours), theirs


class _Link:
    """One end: lines that come are cut, lines that go are kept until the socket takes them."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sock.setblocking(False)
        self.is_open = True
        self._received = b""

    def fileno(self) -> int:
        """What to wait for."""
        return self.sock.fileno()

    def close(self) -> None:
        """Close this end."""
        self.sock.close()

    def _receive(self) -> list[Any]:
        try:
            while len(self._received) <= LONGEST_LINE:
                data = self._read()
                self._received += data
                if not data:
                    self.is_open = False
                    break
        except BlockingIOError:
            pass
        except OSError:
            self.is_open = False
        *lines, self._received = self._received.split(b"\n")
        return [_decoded(line) for line in lines]

    def _read(self) -> bytes:
        return self.sock.recv(READ_SIZE)


class WorkerLink(_Link):
    """The worker's end. At the end of ``sock`` the worker has to stop."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.is_ready = False
        self._sockets: deque[list[int]] = deque()

    def receive(self) -> list[Command]:
        """The commands that have come. At the supervisor's end, ``is_open`` becomes false."""
        return self._receive()

    def take_sockets(self) -> list[socket.socket]:
        """The sockets that came with the next of the commands that have any, or as many of them
        as this process had room for; the caller closes them."""
        taken = self._sockets.popleft() if self._sockets else []
        return [socket.socket(fileno=descriptor) for descriptor in taken]

    def end(self) -> None:
        """Have the worker stop as if the supervisor were gone."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RD)

    def send(self, message: Message) -> None:
        """Say something. Who has no supervisor any more says it to nobody."""
        self.is_ready = self.is_ready or isinstance(message, Ready)
        # It is a few bytes that the supervisor is waiting for.
        self.sock.setblocking(True)
        with contextlib.suppress(OSError):
            self.sock.sendall(_encoded(message))
        self.sock.setblocking(False)

    if sys.platform == "win32":

        def _read(self) -> bytes:
            return self.sock.recv(READ_SIZE)

    else:

        def _read(self) -> bytes:
            data, descriptors = receive_with_descriptors(self.sock, READ_SIZE)
            # At most one command's: the system does not read on behind those that have some.
            if descriptors is not None:
                self._sockets.append(descriptors)
            return data


class SupervisorLink(_Link):
    """The supervisor's end; readable when there is something to receive."""

    def receive(self) -> list[Message]:
        """The messages that have come. At the worker's end of it, ``is_open`` becomes false; and
        at what is no message, when the worker has to stop: it is not itself any more."""
        try:
            messages = self._receive()
        except (ValueError, KeyError, TypeError, AttributeError):
            messages = []
            self._give_up()
        if len(self._received) > LONGEST_LINE:
            self._give_up()
        return messages

    def _give_up(self) -> None:
        self._received = b""
        self.is_open = False
        self.close()

    def send(self, command: Command, sockets: Sequence[socket.socket] = ()) -> bool:
        """Tell the worker, unless it has so much unread that it is not going to read this either.

        False if it was not sent; then nothing of it was."""
        line = _encoded(command)
        try:
            if sockets and sys.platform != "win32":
                sent = socket.send_fds(self.sock, [line], [each.fileno() for each in sockets])
            else:
                sent = self.sock.send(line)
        except OSError:
            return False
        if sent < len(line):
            # Half a command is none: the worker has to take it for the end.
            self.hang_up()
        return sent == len(line)

    def hang_up(self) -> None:
        """Say nothing more: the worker stops as if this supervisor had gone."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)


if sys.platform != "win32":

    def receive_with_descriptors(sock: socket.socket, size: int) -> tuple[bytes, list[int] | None]:
        """What has come, and the descriptors beside it, which no program will inherit: None if
        there were none, fewer than were sent if this process may not have more."""
        data, descriptors, flags, _address = socket.recv_fds(sock, size, MAX_SOCKETS)
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)  # recv_fds() takes a flag and forgets it
        return data, descriptors if descriptors or flags & socket.MSG_CTRUNC else None


def _encoded(message: Message | Command) -> bytes:
    return json.dumps({"is": message.name, **asdict(message)}).encode("ascii") + b"\n"


def _decoded(line: bytes) -> Any:
    content = json.loads(line)
    return _KINDS[content.pop("is")](**content)
