"""The service manager that started the server, and wants to know how it is: sd_notify(3).

Knows: the datagrams of systemd and of those who speak as it does, and their variables.
Must not know: when the server is ready.

The protocol is a line of text in a datagram, so there is no library: python-systemd has to be
compiled against libsystemd, and sdnotify is not maintained.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import time
from collections.abc import Mapping, MutableMapping

__all__ = ["ServiceManager"]

ADDRESS = "NOTIFY_SOCKET"
WATCHDOG_TIME = "WATCHDOG_USEC"
WATCHDOG_PROCESS = "WATCHDOG_PID"


class ServiceManager:
    """Tells the service manager about this server.

    Without one nothing is told. No method raises, and none waits: what a manager that does not
    read has no room for is lost.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._variables = {
            name: environment[name] for name in (ADDRESS, WATCHDOG_TIME) if name in environment
        }
        self._address = _socket_address(environment.get(ADDRESS, ""))
        self._is_watched = environment.get(WATCHDOG_PROCESS, str(os.getpid())) == str(os.getpid())

    @staticmethod
    def forget(environment: MutableMapping[str, str]) -> None:
        """Remove the variables, so that children do not speak for the server."""
        for name in (ADDRESS, WATCHDOG_TIME, WATCHDOG_PROCESS):
            environment.pop(name, None)

    def variables_for_successor(self) -> dict[str, str]:
        """The variables for a server that takes this one's place.

        The watchdog's process is not among them: it is the one that :meth:`main_pid` names."""
        return dict(self._variables)

    @property
    def watchdog_interval(self) -> float | None:
        """Seconds after which :meth:`alive` is due again; None if nobody waits for it.

        Half of what the manager waits for, as sd_watchdog_enabled(3) advises."""
        time_limit = self._variables.get(WATCHDOG_TIME, "")
        if self._address is None or not self._is_watched or not time_limit.isdecimal():
            return None
        return int(time_limit) / 2_000_000 or None

    def ready(self) -> None:
        """The server serves: for the first time, or again after :meth:`reloading`."""
        self._tell("READY=1")

    def reloading(self) -> None:
        """The configuration is being read again; :meth:`ready` follows."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """The end has begun."""
        self._tell("STOPPING=1")

    def status(self, text: str) -> None:
        """How the server is, in one line for people."""
        self._tell(f"STATUS={' '.join(text.split())}")

    def alive(self) -> None:
        """The watchdog may wait anew."""
        self._tell("WATCHDOG=1")

    def main_pid(self, pid: int) -> None:
        """Another process is the server from now on; only this one is believed when it says so."""
        self._tell(f"MAINPID={pid}")

    def _tell(self, message: str) -> None:
        if sys.platform == "win32" or self._address is None:
            return
        # A socket for each message: descriptors that stay open would have to be kept from forks.
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock,
        ):
            sock.setblocking(False)
            sock.sendto(message.encode(errors="replace"), self._address)


def _socket_address(text: str) -> str | None:
    """The address of a path or an abstract name (``@``); of the other kinds none is spoken to."""
    if text.startswith("@"):
        return "\0" + text[1:]
    return text if text.startswith("/") else None
