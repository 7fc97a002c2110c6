"""``http1``: requests a second, CPU time, latency and memory under wrk's load.

Knows: the order of the rounds, and what is made of their results.
Must not know: how a server is started or how wrk is run.

The servers are driven in turn, A B C A B C, so that a machine that changes its pace meanwhile
does so for all of them. Shown are medians of the rounds; a ratio is the median of the ratios
within each round, which holds better than the figures themselves.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import tables, wrk
from benchmarks.environments import certificate, interpreter
from benchmarks.processes import RunningServer, running
from benchmarks.servers import UVICORN, Server
from benchmarks.tables import Table
from development.commands import CommandError

APPLICATIONS = ("raw", "framework", "echo")
BASELINE = UVICORN.name

# Seconds of load before the first round, in which caches fill and code is specialised.
_WARM_UP = 1

_COLUMNS = (
    "server",
    "version",
    "req/s",
    "CPU µs/req",
    "CPU least",
    "p50 ms",
    "p99 ms",
    "RSS MiB",
    "errors",
    "CPU ratio",
    "req/s ratio",
)


@dataclass(frozen=True)
class Plan:
    """What is asked for."""

    python: str | None
    servers: Sequence[Server]
    application: str
    seconds: int
    rounds: int
    connections: int
    body: int
    tls: bool
    varied: bool
    """No request is like another."""


@dataclass(frozen=True)
class Round:
    """What one server did in one round. Times are seconds, memory is bytes."""

    requests_per_second: float
    cpu: float
    """Of the server's processes, for one request."""
    p50: float
    p99: float
    resident: float
    errors: int


def run(plan: Plan, markdown: Path | None) -> int:
    """Measure, print the table, and return 1 if a request failed, else 0."""
    wrk.program()
    python = interpreter(plan.python)
    pem = certificate() if plan.tls else None
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = [
            stack.enter_context(
                running(server, python, plan.application, certificate=pem, body=plan.body)
            )
            for server in plan.servers
        ]
        load = Loader(plan, folder)
        rounds = _interleave(servers, load, plan.rounds)
    release = ".".join(map(str, python.version))
    tables.show([_table(_title(plan, release), servers, rounds)], markdown)
    return 1 if any(each.errors for results in rounds for each in results) else 0


class Loader:
    """Makes the load that a plan asks for. `folder` is for a script, and somebody else's."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan = plan
        self._script: Path | None = None
        posted = plan.body if plan.application == "echo" else None
        if posted is not None or plan.varied:
            self._script = folder / "requests.lua"
            self._script.write_text(wrk.script(posted, plan.varied))

    def drive(self, server: RunningServer, seconds: int) -> Round:
        """Load one server.

        Raises:
            CommandError: wrk failed, or the server did nothing that could be measured.
        """
        before = server.cpu_seconds()
        load = wrk.run(
            server.serving.url,
            seconds=seconds,
            connections=self._plan.connections,
            script=self._script,
        )
        cpu = server.cpu_seconds() - before
        if not load.requests or not cpu:
            raise CommandError(f"{server.server.name} did nothing in {seconds} s of load")
        return Round(
            requests_per_second=load.requests_per_second,
            cpu=cpu / load.requests,
            p50=load.p50,
            p99=load.p99,
            resident=server.resident_bytes(),
            errors=load.errors,
        )

    def warm_up(self, server: RunningServer) -> None:
        """Load one server for a moment, whatever comes of it."""
        self.drive(server, _WARM_UP)

    def measure(self, server: RunningServer) -> Round:
        """Load one server for as long as planned."""
        return self.drive(server, self._plan.seconds)


def _interleave(servers: Sequence[RunningServer], load: Loader, count: int) -> list[list[Round]]:
    """Drive the servers in turn and give each one's rounds."""
    for server in servers:
        load.warm_up(server)
    rounds: list[list[Round]] = [[] for _ in servers]
    for number in range(1, count + 1):
        for server, results in zip(servers, rounds, strict=True):
            results.append(load.measure(server))
            rate, cpu = results[-1].requests_per_second, results[-1].cpu * 1e6
            print(
                f"round {number}/{count}  {server.server.name:20} {rate:9,.0f} req/s"
                f" {cpu:8.1f} µs/req",
                flush=True,
            )
    return rounds


def median(rounds: Sequence[Round], figure: str) -> float:
    """Give the median of one figure of a server's rounds."""
    values: list[float] = [getattr(each, figure) for each in rounds]
    return statistics.median(values)


def ratio(rounds: Sequence[Round], base: Sequence[Round], figure: str) -> float:
    """Give the median, over the rounds, of a server's figure as a multiple of another's."""
    ratios: list[float] = [
        getattr(ours, figure) / getattr(theirs, figure)
        for ours, theirs in zip(rounds, base, strict=True)
    ]
    return statistics.median(ratios)


def baseline(names: Sequence[str]) -> int:
    """Give the index of the server that the others are compared to: uvicorn, or the first."""
    return names.index(BASELINE) if BASELINE in names else 0


def _table(
    title: str, servers: Sequence[RunningServer], rounds: Sequence[Sequence[Round]]
) -> Table:
    base = rounds[baseline([each.server.name for each in servers])]
    table = Table(title, _COLUMNS)
    for server, results in zip(servers, rounds, strict=True):
        names = (server.server.name, server.environment.version)
        table.rows.append((*names, *_figures(results, base)))
    return table


def _figures(rounds: Sequence[Round], base: Sequence[Round]) -> Sequence[str]:
    """Give a server's cells, in the order of the columns."""
    return (
        f"{median(rounds, 'requests_per_second'):,.0f}",
        f"{median(rounds, 'cpu') * 1e6:.1f}",
        f"{min(each.cpu for each in rounds) * 1e6:.1f}",
        tables.duration(median(rounds, "p50")),
        tables.duration(median(rounds, "p99")),
        tables.mebibytes(median(rounds, "resident")),
        str(sum(each.errors for each in rounds)),
        f"{ratio(rounds, base, 'cpu'):.2f}",
        f"{ratio(rounds, base, 'requests_per_second'):.2f}",
    )


def _title(plan: Plan, release: str) -> str:
    scheme = "HTTP/1.1 over TLS" if plan.tls else "HTTP/1.1"
    varied = ", no request like another" if plan.varied else ""
    return (
        f"{scheme}, application {plan.application}, body of {plan.body:,} bytes{varied},"
        f" {plan.connections} connections, Python {release},"
        f" median of {plan.rounds} rounds of {plan.seconds} s"
    )
