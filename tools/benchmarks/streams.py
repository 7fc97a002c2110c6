"""``streams``: whether large bodies are kept in memory, and slow readers slow others down.

Knows: what is transferred in which order, and what is looked at.
Must not know: how bodies are sent and read.
"""

from __future__ import annotations

import http.client
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import accounting, tables, transfers
from benchmarks.crowds import crowd
from benchmarks.environments import interpreter
from benchmarks.processes import RunningServer, running
from benchmarks.servers import Server
from benchmarks.tables import Table
from development.commands import CommandError

# Seconds for which a fast client asks, alone and beside the slow readers.
_ASKING = 3.0

_BODY_COLUMNS = ("transfer", "server", "MiB/s", "RSS MiB before", "peak growth MiB")
_READER_COLUMNS = (
    "fast client",
    "server",
    "req/s",
    "p50 ms",
    "p99 ms",
    "max ms",
    "slow readers held",
    "peak growth MiB",
)


def run(
    python_name: str | None,
    servers: Sequence[Server],
    size: int,
    readers: int,
    markdown: Path | None,
) -> int:
    """Measure, print the tables, and return 1 if a slow reader was let go, else 0.

    Raises:
        CommandError: a server failed.
    """
    python = interpreter(python_name)
    release = ".".join(map(str, python.version))
    bodies = Table(f"Bodies of {tables.mebibytes(size)} MiB, Python {release}", _BODY_COLUMNS)
    fast = Table(f"A fast client beside {readers} slow readers, Python {release}", _READER_COLUMNS)
    held = []
    for server in servers:
        with running(server, python, "streaming") as found:
            print(f"streaming through {server.name}", flush=True)
            try:
                bodies.rows += [_transfer(found, name, size) for name in _TRANSFERS]
                held.append(_beside_readers(found, readers, fast))
            except http.client.HTTPException as error:
                raise CommandError(f"{server.name} failed: {error!r}") from error
    tables.show([bodies, fast], markdown)
    return 0 if held == [readers] * len(servers) else 1


_TRANSFERS: dict[str, Callable[[int, int], float]] = {
    "upload": transfers.upload,
    "download": transfers.download,
}


def _transfer(server: RunningServer, name: str, size: int) -> Sequence[str]:
    """Send a body in one direction and give a row of the table."""
    before = _begin(server)
    seconds = _TRANSFERS[name](server.serving.port, size)
    return (
        name,
        server.server.name,
        f"{size / 2**20 / seconds:,.0f}",
        tables.mebibytes(before),
        _growth(server, before),
    )


def _beside_readers(server: RunningServer, readers: int, table: Table) -> int:
    """Ask without and with slow readers, add both rows, and give how many readers were held."""
    port = server.serving.port
    before = _begin(server)
    alone = transfers.latencies(port, _ASKING)
    growth = _growth(server, before)
    table.rows.append(_latency_row("alone", server, alone, tables.NOTHING, growth))
    before = _begin(server)
    with crowd("slow_readers", port, readers) as clients:
        beside = transfers.latencies(port, _ASKING)
        held = clients.leave()
    growth = _growth(server, before)
    table.rows.append(_latency_row(f"beside {readers}", server, beside, str(held), growth))
    return held


def _latency_row(
    name: str, server: RunningServer, values: list[float], held: str, growth: str
) -> Sequence[str]:
    return (
        name,
        server.server.name,
        f"{len(values) / _ASKING:,.0f}",
        tables.duration(transfers.percentile(values, 50)),
        tables.duration(transfers.percentile(values, 99)),
        tables.duration(max(values)),
        held,
        growth,
    )


def _begin(server: RunningServer) -> int:
    """Begin to look for the most memory, and give what there is now."""
    accounting.reset_peak(server.pid)
    return server.resident_bytes()


def _growth(server: RunningServer, before: int) -> str:
    return tables.mebibytes(accounting.peak_bytes(server.pid) - before)
