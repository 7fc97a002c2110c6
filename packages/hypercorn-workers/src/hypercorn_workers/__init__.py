"""Workers: one process, one event loop, one application.

Knows: connections, their worker, and the event loops that they run on. The backends are
:mod:`hypercorn_workers.asyncio`, :mod:`hypercorn_workers.uvloop` and
:mod:`hypercorn_workers.trio`; each is imported by whoever wants it.
Must not know: processes, configuration files, command lines or log formats.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

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

try:
    __version__ = version("hypercorn-workers")
except PackageNotFoundError:  # run from a source tree that is not installed
    __version__ = "0"
