"""One worker process, as its supervisor sees it.

Knows: how a worker process is started, told to stop, and ended if it does not.
Must not know: how many there should be, or what happens when one ends.
"""

from __future__ import annotations

import multiprocessing
import pickle
import sys
from enum import Enum, auto
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING

from .channel import open_channel
from .errors import ConfigPickleError
from .signals import held_back_from_children, signal_name
from .worker import work

if TYPE_CHECKING:
    from .config import Config
    from .sockets import Sockets

__all__ = ["WorkerProcess", "WorkerState"]


class WorkerState(Enum):
    """Where a worker is in its life."""

    STARTING = auto()
    SERVING = auto()
    STOPPING = auto()


class WorkerProcess:
    """A started worker process.

    ``replaces`` is the worker that is to stop once this one serves, ``initial`` whether the server
    starts with it. Raises ConfigPickleError if the configuration cannot travel to a process.
    """

    def __init__(
        self,
        config: Config,
        sockets: Sockets,
        *,
        initial: bool = False,
        replaces: WorkerProcess | None = None,
    ) -> None:
        self.initial = initial
        self.replaces = replaces
        self.state = WorkerState.STARTING
        self.failure: tuple[int, str] | None = None
        self.deadline: float | None = None
        """When it is ended if it has not ended by itself."""
        self.is_discarded = False
        """Whether it was ended while it started, so that how it ended tells nothing."""
        self.link, channel = open_channel()
        try:
            with channel:
                self._process = _start(config, sockets, channel)
        except BaseException:
            self.link.close()
            raise

    @property
    def pid(self) -> int | None:
        """The process id."""
        return self._process.pid

    @property
    def sentinel(self) -> int:
        """Becomes ready, for :func:`multiprocessing.connection.wait`, when the process ends."""
        return self._process.sentinel

    @property
    def exit_code(self) -> int | None:
        """The exit code, negative for a signal; None while the process runs."""
        return self._process.exitcode

    @property
    def end(self) -> str:
        """How it ended, in words."""
        code = self._process.exitcode or 0
        return (
            f"was killed by {signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
        )

    def stop(self, deadline: float) -> None:
        """Tell it to stop, and to be done by the deadline. One that starts is ended at once."""
        if self.state is WorkerState.STARTING:
            self.is_discarded = True
            self._process.terminate()
        if self.state is not WorkerState.STOPPING:
            self.state = WorkerState.STOPPING
            self.deadline = deadline
            self.link.stop()

    def hurry(self, now: float) -> None:
        """Kill it if the deadline has passed: it has been asked to stop already."""
        if self.deadline is not None and now >= self.deadline:
            self.kill()

    def kill(self) -> None:
        """End it now, without its consent."""
        self.deadline = None
        self._process.kill()

    def close(self) -> None:
        """Give back what an ended process holds."""
        self._process.join()
        self._process.close()
        self.link.close()


def _start(config: Config, sockets: Sockets, channel: object) -> BaseProcess:
    process = multiprocessing.get_context("spawn").Process(
        target=work, args=(config, sockets, channel), name="hypercorn-worker"
    )
    process.daemon = config.daemon
    if sys.platform != "win32":
        # Started now because it lifts the signal mask that the worker is to inherit.
        resource_tracker.ensure_running()
    with held_back_from_children():
        try:
            process.start()
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ConfigPickleError(
                f"the configuration cannot be sent to a worker process ({error}); "
                "set workers to 0, or keep to values that can be pickled"
            ) from error
    return process
