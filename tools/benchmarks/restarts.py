"""``restarts``: who notices that workers are replaced, or that one is killed.

Knows: what is done to a server, and how that is seen.
Must not know: how clients ask.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import accounting, tables
from benchmarks.clients.visitors import KINDS
from benchmarks.crowds import crowd
from benchmarks.environments import interpreter
from benchmarks.processes import RunningServer, running
from benchmarks.servers import Server
from benchmarks.tables import Table

WORKERS = 2
# Clients of each kind.
CLIENTS = 8
# Seconds in which one restart should be over before the next one.
INTERVAL = 4.0

_COLUMNS = (
    "what is done",
    "server",
    "answers",
    "refused",
    *(f"lost: {kind}" for kind in KINDS),
    "slowest ms",
)

Event = Callable[[RunningServer], None]


def run(
    python_name: str | None, servers: Sequence[Server], times: int, markdown: Path | None
) -> int:
    """Restart and kill that many times, print the table, and return 0.

    Raises:
        CommandError: a server failed.
    """
    python = interpreter(python_name)
    release = ".".join(map(str, python.version))
    title = f"{times} times with {WORKERS} workers under load, Python {release}"
    table = Table(title, _COLUMNS)
    for name, event in _EVENTS.items():
        for server in servers:
            if event is _restart and server.restart_signal is None:
                table.rows.append((name, server.name, *[tables.NOTHING] * (len(_COLUMNS) - 2)))
                continue
            print(f"{name}: {server.name}", flush=True)
            with running(server, python, "pausing", workers=WORKERS) as found:
                table.rows.append((name, server.name, *_row(_visited(found, event, times))))
    tables.show([table], markdown)
    return 0


def _restart(server: RunningServer) -> None:
    assert server.server.restart_signal is not None
    os.kill(server.pid, server.server.restart_signal)


def _kill_a_worker(server: RunningServer) -> None:
    """Kill the one that has done most; what else a server has for children does next to nothing.

    Some servers have ended after the first time."""
    below = [process for process in accounting.tree(server.pid) if process.pid != server.pid]
    if below:
        os.kill(max(below, key=lambda process: process.cpu).pid, signal.SIGKILL)


_EVENTS: dict[str, Event] = {"restart": _restart, "kill -9 of a worker": _kill_a_worker}


def _visited(server: RunningServer, event: Event, times: int) -> dict[str, Any]:
    """Have something done to a server that is in use, and give what its clients tell."""
    with crowd("visitors", server.serving.port, CLIENTS) as clients:
        for _ in range(times):
            event(server)
            time.sleep(INTERVAL)
        told: dict[str, Any] = json.loads(clients.end())
    return told


def _row(told: dict[str, Any]) -> list[str]:
    tallies = [told[kind] for kind in KINDS]
    return [
        f"{sum(tally['answers'] for tally in tallies):,}",
        f"{sum(tally['refused'] for tally in tallies):,}",
        *(f"{tally['lost']:,}" for tally in tallies),
        tables.duration(max(tally["slowest"] for tally in tallies)),
    ]
