"""The channel between the supervisor and a worker: what they say to each other.

Knows: a socket pair. The worker says that it is ready or why it failed, one JSON line each; the
supervisor says one thing, stop, by closing its direction. A worker whose supervisor has died
sees just that, so nobody has to poll.
Must not know: what either side does about it.
"""

from __future__ import annotations

import contextlib
import json
import socket
from dataclasses import dataclass

__all__ = ["Failed", "Message", "Ready", "SupervisorLink", "WorkerLink", "open_channel"]

READ_SIZE = 65_536


@dataclass(frozen=True)
class Ready:
    """The worker accepts connections at these addresses."""

    addresses: list[str]


@dataclass(frozen=True)
class Failed:
    """The worker could not start; ``code`` is its exit code, ``reason`` is for the operator."""

    code: int
    reason: str


Message = Ready | Failed


def open_channel() -> tuple[SupervisorLink, socket.socket]:
    """A new channel: the supervisor's end, and the socket to make a WorkerLink of."""
    ours, theirs = socket.socketpair()
    return SupervisorLink(ours), theirs


class WorkerLink:
    """The worker's end. At the end of ``sock`` the worker has to stop."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.is_ready = False

    def end(self) -> None:
        """Have the worker stop as if the supervisor had said so."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RD)

    def ready(self, addresses: list[str]) -> None:
        """Tell that connections are accepted."""
        self.is_ready = True
        self._send({"ready": addresses})

    def failed(self, code: int, reason: str) -> None:
        """Tell why the worker ends before it was ready."""
        self._send({"failed": [code, reason]})

    def _send(self, message: object) -> None:
        # An event loop may have made the socket non-blocking; it is not waiting now.
        self.sock.setblocking(True)
        with contextlib.suppress(OSError):  # the supervisor is gone: nobody wants to know
            self.sock.sendall(json.dumps(message).encode("ascii") + b"\n")
        self.sock.setblocking(False)


class SupervisorLink:
    """The supervisor's end; readable when there is something to receive."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._sock.setblocking(False)
        self._received = b""
        self.is_open = True

    def fileno(self) -> int:
        """What to wait for."""
        return self._sock.fileno()

    def receive(self) -> list[Message]:
        """The messages that have come. At the worker's end of it, ``is_open`` becomes false."""
        try:
            while data := self._sock.recv(READ_SIZE):
                self._received += data
            self.is_open = False
        except BlockingIOError:
            pass
        except OSError:
            self.is_open = False
        *lines, self._received = self._received.split(b"\n")
        return [_message(line) for line in lines]

    def stop(self) -> None:
        """Tell the worker to stop."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close this end."""
        self._sock.close()


def _message(line: bytes) -> Message:
    content = json.loads(line)
    if "ready" in content:
        return Ready(content["ready"])
    code, reason = content["failed"]
    return Failed(code, reason)
