"""One worker, as its supervisor sees it: its state, and the ends of what connects them.

Knows: how a worker is started, talked to, told to stop, and ended if it does not.
Must not know: how many there should be, or what happens when one ends.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import time
from dataclasses import dataclass
from enum import Enum, auto
from math import inf
from typing import TYPE_CHECKING

from hypercorn.signals import STOP_SIGNALS
from hypercorn_workers.worker import Ending

from .channel import Adopt, Message, Release, Reopen, Stop, open_channel
from .listening import ListeningSockets
from .process import Orders, Starter, end_of
from .pulse import Pulse
from .worker import STACKS_SIGNAL

if TYPE_CHECKING:
    from hypercorn.config import Config
    from hypercorn.sockets import Sockets

__all__ = ["Generation", "WorkerHandle", "WorkerState"]

STACKS_SIZE = 65_536
TIME_FOR_STACKS = 0.5
"""Seconds in which a worker that hangs can say where."""
STOP_SLACK = 2.0
"""Seconds that a worker may take to stop beyond the times that it was given for it."""
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


@dataclass(frozen=True)
class Generation:
    """What workers are started with, until the configuration changes."""

    config: Config
    sockets: ListeningSockets
    starter: Starter

    def close(self) -> None:
        """No worker is to be started with it any more."""
        self.starter.close()
        self.sockets.close()


class WorkerState(Enum):
    """Where a worker is in its life."""

    STARTING = auto()
    SERVING = auto()
    STOPPING = auto()


class WorkerHandle:
    """A started worker.

    ``replaces`` is the worker that is to stop once this one serves, ``initial`` whether the server
    starts with it. Raises what the generation's starter does.
    """

    def __init__(
        self,
        generation: Generation,
        number: int,
        *,
        initial: bool = False,
        replaces: WorkerHandle | None = None,
    ) -> None:
        self.generation = generation
        self.number = number
        self.initial = initial
        self.replaces = replaces
        self.state = WorkerState.STARTING
        self.started_at = time.monotonic()
        self.is_late = False
        """Whether it has been reported that it does not serve yet."""
        self.failure: tuple[int, str] | None = None
        """The exit code and the reason of a worker that could not start."""
        self.deadline = inf
        """When it is ended if it has not ended by itself."""
        self.expires_at = inf
        """When it has served for long enough."""
        self.serving_since: float | None = None
        self.pulse: Pulse | None = None
        """From when it serves."""
        self.adopted: set[int] = set()
        """The workers whose sockets it looks after."""
        self.is_discarded = False
        """Whether it was ended on purpose, so that how it ended tells nothing."""
        self.is_stuck = False
        """Whether it is ended because its event loop is blocked."""
        self.is_due = False
        """Whether it has served for long enough, or has grown too large."""
        self.is_neglected = False
        """Whether it serves, but has not answered for a while."""
        self._stacks = b""
        self._start()

    def _start(self) -> None:
        self.link, channel = open_channel()
        self._stacks_reader, stacks = socket.socketpair()
        self._stacks_reader.setblocking(False)
        try:
            with channel, stacks:
                sockets = self.generation.sockets.of(self.number)
                orders = Orders(self.generation.config, sockets, self.number, channel, stacks)
                self._process = self.generation.starter.start(orders)
        except BaseException:
            self.link.close()
            self._stacks_reader.close()
            raise

    @property
    def pid(self) -> int | None:
        """The process id, None until it is known."""
        return self._process.pid

    @property
    def is_lasting(self) -> bool:
        """Whether it is to go on: it neither stops nor waits to take another's place."""
        return self.state is not WorkerState.STOPPING and self.replaces is None

    def waited_for(self) -> list[object]:
        """What tells that there is something to do about it."""
        found: list[object] = [self._process]
        if self.link.is_open:
            found.append(self.link)
        if self._stacks_reader.fileno() >= 0:
            found.append(self._stacks_reader)
        return found

    def exit_code(self) -> int | None:
        """The exit code, negative for a signal; None while the process runs."""
        return self._process.poll()

    def end(self) -> str:
        """How it ended, in words."""
        return end_of(self._process.poll() or 0)

    @property
    def was_told_to_stop(self) -> bool:
        """Whether it was a signal to stop that ended it."""
        return -(self._process.poll() or 0) in STOP_SIGNALS

    @property
    def _time_to_stop(self) -> float:
        config = self.generation.config
        return config.drain_delay + config.graceful_timeout + config.shutdown_timeout + STOP_SLACK

    def listen(self) -> list[Message]:
        """What it says; its stacks are read too, as they may be more than a socket holds."""
        self._read_stacks()
        return self.link.receive() if self.link.is_open else []

    def serves(self, now: float, heartbeat: float) -> None:
        """It is ready."""
        if self.state is WorkerState.STARTING:
            self.state = WorkerState.SERVING
        self.serving_since = now
        self.pulse = Pulse(heartbeat, now)

    def stop(self, ending: Ending) -> None:
        """Tell it to stop, within the times that its configuration gives for that. One that starts
        is ended at once."""
        if self.state is WorkerState.STARTING:
            self.is_discarded = True
            self._process.signal(signal.SIGTERM)
            self.link.hang_up()
        self.state = WorkerState.STOPPING
        self.deadline = min(self.deadline, time.monotonic() + self._time_to_stop)
        if not self.is_discarded and not self.link.send(Stop(ending.name)):
            self.link.hang_up()

    def abort(self, now: float) -> None:
        """End a worker that is stuck, once it has told where."""
        self.is_stuck = True
        self.state = WorkerState.STOPPING
        self.deadline = now + TIME_FOR_STACKS
        if STACKS_SIGNAL is not None:
            self._process.signal(STACKS_SIGNAL)

    def hurry(self, now: float) -> None:
        """Kill it if the deadline has passed: it has been asked to stop already."""
        if now >= self.deadline:
            self.kill()

    def kill(self) -> None:
        """End it now, without its consent."""
        self.deadline = inf
        self._process.signal(KILL)

    def reopen_logs(self) -> None:
        """Have it open its log files anew."""
        if self.state is not WorkerState.STARTING:
            self.link.send(Reopen())

    def adopt(self, number: int, sockets: Sockets) -> None:
        """Have it accept from another worker's sockets as well."""
        command = Adopt(number, len(sockets.secure_sockets), len(sockets.insecure_sockets))
        if self.link.send(command, sockets.stream_sockets):
            self.adopted.add(number)

    def release(self, number: int) -> None:
        """Have it leave those alone again."""
        if self.link.send(Release(number)):
            self.adopted.discard(number)

    @property
    def stacks(self) -> str:
        """What its threads were doing when it crashed or hung, if it could tell."""
        return self._stacks.decode("utf-8", "replace").strip()

    def _read_stacks(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while self._stacks_reader.fileno() >= 0:
                data = self._stacks_reader.recv(STACKS_SIZE)
                self._stacks = (self._stacks + data)[:STACKS_SIZE]
                if not data:
                    self._stacks_reader.close()

    def close(self) -> None:
        """Give back what an ended process holds."""
        self._read_stacks()
        self._process.close()
        self.link.close()
        self._stacks_reader.close()
