"""A worker as a process of the operating system: what it is started with, and how it ends.

Knows: how a process is spawned, and what any started worker offers to its supervisor.
Must not know: how many there should be, what they say, or what happens when one ends.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Protocol

from hypercorn.errors import ConfigPickleError
from hypercorn.signals import held_back_from_children, signal_name

from .worker import work

if TYPE_CHECKING:
    from hypercorn.config import Config
    from hypercorn.sockets import Sockets

__all__ = ["Orders", "Process", "Spawner", "Starter", "end_of", "spawned", "start_helpers"]


@dataclass(frozen=True)
class Orders:
    """All that a worker is started with."""

    config: Config
    sockets: Sockets
    """What it accepts from."""
    number: int
    """Which of the workers it is, from 1."""
    channel: socket.socket
    """Its end of the channel to the supervisor."""
    stacks: socket.socket
    """Where faulthandler writes what it was doing when it crashed or was found hanging."""


class Process(Protocol):
    """A started worker, as its supervisor sees it."""

    @property
    def pid(self) -> int | None:
        """The process id; None until it is known."""

    def fileno(self) -> int:
        """Readable when :meth:`poll` may have something new."""

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs. Does not wait."""

    def signal(self, number: int) -> None:
        """Send a signal, at once or when its id is known; nothing if it has ended."""

    def close(self) -> None:
        """Give back what an ended process holds."""


class Starter(Protocol):
    """Starts workers. The caller closes its copies of the sockets in the orders."""

    def start(self, orders: Orders) -> Process:
        """Start a worker, without waiting for it to serve.

        Raises ConfigPickleError if the configuration cannot travel to it, and OSError."""

    def renew(self) -> None:
        """Workers that are started from now on are to get the application as it is now."""

    def close(self) -> None:
        """Start no more. Workers that run go on."""


class Spawner:
    """Starts workers as new processes, which share nothing with this one but sockets."""

    def start(self, orders: Orders) -> Process:
        """As :meth:`Starter.start`."""
        process = spawned(
            work, (orders,), f"hypercorn-worker-{orders.number}", daemon=orders.config.daemon
        )
        return _SpawnedProcess(process)

    def renew(self) -> None:
        """They get it anyway."""

    def close(self) -> None:
        """There is nothing to close."""


def start_helpers() -> None:
    """Start what Python starts with the first process; it stays, with the standard streams that
    there are now."""
    if sys.platform != "win32":
        resource_tracker.ensure_running()


def spawned(
    target: Callable[..., None], args: tuple[object, ...], name: str, *, daemon: bool = False
) -> BaseProcess:
    """A new process, started, that runs ``target(*args)``. Raises as :meth:`Starter.start`."""
    process = multiprocessing.get_context("spawn").Process(
        target=target, args=args, name=name, daemon=daemon
    )
    start_helpers()  # now, because it lifts the signal mask that the process is to inherit
    with held_back_from_children():
        try:
            process.start()
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ConfigPickleError(
                f"the configuration cannot be sent to a worker process ({error}); "
                "set workers to 0, or keep to values that can be pickled"
            ) from error
    return process


class _SpawnedProcess:
    def __init__(self, process: BaseProcess) -> None:
        self._process = process
        self.pid = process.pid

    def fileno(self) -> int:
        return self._process.sentinel

    def poll(self) -> int | None:
        return self._process.exitcode

    def signal(self, number: int) -> None:
        if self.poll() is not None or self.pid is None:
            return
        if sys.platform == "win32" or number == getattr(signal, "SIGKILL", None):
            self._process.kill()
        else:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def close(self) -> None:
        self._process.join()
        self._process.close()


def end_of(exit_code: int) -> str:
    """How a process ended, in words."""
    if exit_code < 0:
        return f"was killed by {signal_name(-exit_code)}"
    return f"ended with exit code {exit_code}"
