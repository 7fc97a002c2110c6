"""``instructions``: how many of them a request or a message takes, without sockets, by layers.

Knows: which servers are counted, and how layers are told from each other.
Must not know: how instructions are counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import callgrind, tables
from benchmarks.drivers.request import KINDS
from benchmarks.environments import Environment, interpreter, prepare
from benchmarks.servers import UVICORN, ZTTP, Server, hypercorn
from benchmarks.tables import Table

# Each layer of ours, and the counts of `drivers.layers` that it is the difference of.
_LAYERS = (
    ("request head: bytes to event", "request", "connection"),
    ("response: fields to bytes", "response", "request"),
    ("scope", "scope", None),
    ("task: start and end", "task", None),
    ("exchange, without the application", "exchange", "application"),
    ("application", "application", None),
)
_COLUMNS = ("server", "version", "protocol", "the same", "ratio", "a new one", "ratio")
_REST = "the rest: connection, transport, timer"
_WHOLE = "whole"


@dataclass(frozen=True)
class Row:
    """One that is counted: a server, the program that drives it, and what it is spoken to in."""

    server: Server
    driver: str
    protocol: str
    base: int = 1
    """The number of the row that it is compared to."""


ROWS = (
    Row(hypercorn("asyncio"), "whole", "HTTP/1.1"),
    Row(UVICORN, "whole", "HTTP/1.1"),
    Row(hypercorn("asyncio"), "multiplexed", "HTTP/2"),
    Row(ZTTP, "multiplexed", "HTTP/2"),
    Row(hypercorn("asyncio"), "messages", "WebSocket, 20 bytes", base=5),
    Row(UVICORN, "messages", "WebSocket, 20 bytes", base=5),
)


def run(python_name: str | None, with_layers: bool, markdown: Path | None) -> int:
    """Count, print the tables and return 0."""
    callgrind.program()
    python = interpreter(python_name)
    release = ".".join(map(str, python.version))
    environments = [prepare(row.server, python) for row in ROWS]
    wholes = {
        kind: [
            _count(environment, row.driver, row.server.distribution, kind)
            for row, environment in zip(ROWS, environments, strict=True)
        ]
        for kind in KINDS
    }
    title = "Instructions a request, of 7 header fields, or a message, in memory, asyncio, Python"
    table = Table(f"{title} {release}", _COLUMNS, labels=3)
    for number, (row, environment) in enumerate(zip(ROWS, environments, strict=True)):
        cells = [cell for counts in wholes.values() for cell in _cells(counts, number, row.base)]
        table.rows.append((row.server.name, environment.version, row.protocol, *cells))
    shown = [table]
    if with_layers:
        shown.append(_layer_table(release, _count_layers(environments[0]), wholes["same"][0]))
    tables.show(shown, markdown)
    return 0


def layers(counts: Mapping[str, float], whole: float) -> list[tuple[str, float]]:
    """Give what each layer takes, then what none of them does, then the whole."""
    rows = [
        (name, counts[count] - (counts[without] if without else 0))
        for name, count, without in _LAYERS
    ]
    rest = whole - sum(value for _, value in rows)
    return [*rows, (_REST, rest), (_WHOLE, whole)]


def _cells(counts: Sequence[float], number: int, base: int) -> Sequence[str]:
    """Give a row's count, and its ratio to that of another."""
    return f"{counts[number]:,.0f}", tables.ratio(counts[number], counts[base])


def _layer_table(release: str, counts: Mapping[str, float], whole: float) -> Table:
    title = f"hypercorn, layer by layer, Python {release}"
    table = Table(title, ("layer", "instructions", "share"), labels=1)
    for name, value in layers(counts, whole):
        table.rows.append((name, f"{value:,.0f}", f"{value / whole:.0%}"))
    return table


def _count_layers(environment: Environment) -> dict[str, float]:
    names = {name for _, *parts in _LAYERS for name in parts if name is not None}
    return {name: _count(environment, "layers", name) for name in sorted(names)}


def _count(environment: Environment, driver: str, *what: str) -> float:
    print(f"counting {driver}: {', '.join(what)}", flush=True)
    return callgrind.per_repetition(
        [environment.python, "-m", f"benchmarks.drivers.{driver}", *what]
    )
