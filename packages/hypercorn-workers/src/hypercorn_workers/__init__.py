"""Workers: one process, one event loop, one application.

Knows: connections, their worker, and the event loops that they run on. The backends are
:mod:`hypercorn_workers.asyncio`, :mod:`hypercorn_workers.uvloop` and
:mod:`hypercorn_workers.trio`; each is imported by whoever wants it.
Must not know: processes, configuration files, command lines or log formats.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypercorn_workers.connection import Connection
from hypercorn_workers.port import Peer, Runtime, Transport
from hypercorn_workers.settings import (
    Listener,
    NullObserver,
    Observer,
    ServedResponse,
    WorkerSettings,
)
from hypercorn_workers.worker import Ending, Worker

__all__ = [
    "Connection",
    "Ending",
    "Listener",
    "NullObserver",
    "Observer",
    "Peer",
    "Runtime",
    "ServedResponse",
    "Transport",
    "Worker",
    "WorkerSettings",
]

if TYPE_CHECKING:
    __version__: str
else:

    def __getattr__(name):
        """``__version__``, looked up when somebody asks: every process would wait for it."""
        if name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("hypercorn-workers")
        except PackageNotFoundError:  # run from a source tree that is not installed
            return "0"
