"""``http2``: CPU time for a request of HTTP/2, under h2load's load.

Knows: which loads there are, and the order of the rounds.
Must not know: how a server is started or how h2load is run.

As in `http1` the servers are driven in turn, and ratios are medians of those within each round.
There is a table for each load: with and without TLS, few and many streams on a connection, small
and larger answers, and uploads.
"""

from __future__ import annotations

import itertools
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import h2load, tables
from benchmarks.environments import certificate, interpreter
from benchmarks.processes import RunningServer, running
from benchmarks.servers import Server
from benchmarks.tables import Table
from development.commands import CommandError
from development.interpreters import Interpreter

STREAMS = (1, 100)
"""How many requests there are at once on a connection."""

_UPLOAD_SIZE = 102_400
# Requests on each connection before the first round, which tell how many take a second.
_WARM_UP = 100

_COLUMNS = ("server", "version", "req/s", "CPU µs/req", "CPU least", "failed", "CPU ratio")


@dataclass(frozen=True)
class Plan:
    """What is asked for."""

    python: str | None
    servers: Sequence[Server]
    seconds: int
    rounds: int
    connections: int
    transports: Sequence[str]
    """Some of `TRANSPORTS`."""
    loads: Sequence[str]
    """Some of `LOADS`."""


@dataclass(frozen=True)
class Traffic:
    """What is asked of the servers, which are started anew for each."""

    title: str
    application: str
    body: int = 13
    upload: int = 0
    """The size of what is posted; 0: GET."""


TRANSPORTS = ("tls", "cleartext")
LOADS = {
    "small": Traffic("13 bytes", "raw"),
    "10k": Traffic("10 KB", "raw", body=10_240),
    "upload": Traffic("uploads of 100 KB", "streaming", upload=_UPLOAD_SIZE),
}
"""By the names that the command line has for them."""


@dataclass(frozen=True)
class Round:
    """What one server did in one round."""

    requests_per_second: float
    cpu: float
    """Seconds of the server's processes, for one request."""
    errors: int


def run(plan: Plan, markdown: Path | None) -> int:
    """Measure, print the tables, and return 1 if a request to the first server failed, else 0."""
    h2load.program()
    python = interpreter(plan.python)
    shown: list[Table] = []
    failed = 0
    for transport, load in itertools.product(plan.transports, plan.loads):
        for table, errors in _measure(plan, python, transport, LOADS[load]):
            shown.append(table)
            failed += errors
    tables.show(shown, markdown)
    return 1 if failed else 0


def _measure(
    plan: Plan, python: Interpreter, transport: str, traffic: Traffic
) -> list[tuple[Table, int]]:
    """Load all servers in one way; give the tables, and how many requests to the first failed."""
    results = []
    release = ".".join(map(str, python.version))
    with ExitStack() as stack:
        servers = [
            stack.enter_context(_serve(server, python, transport, traffic))
            for server in plan.servers
        ]
        upload = stack.enter_context(_upload(traffic.upload))
        for streams in STREAMS:
            rounds = _interleave(servers, Loader(plan.connections, streams, upload), plan)
            title = _title(plan, transport, traffic, streams, release)
            errors = sum(each.errors for each in rounds[0])
            results.append((_table(title, servers, rounds), errors))
    return results


def _serve(
    server: Server, python: Interpreter, transport: str, traffic: Traffic
) -> AbstractContextManager[RunningServer]:
    pem = certificate() if transport == "tls" else None
    return running(
        server, python, traffic.application, certificate=pem, body=traffic.body, is_http2=True
    )


@contextmanager
def _upload(size: int) -> Iterator[Path | None]:
    """Give a file of that size until the block ends; none for 0."""
    if not size:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "upload"
        file.write_bytes(bytes(size))
        yield file


@dataclass(frozen=True)
class Loader:
    """Makes one load."""

    connections: int
    streams: int
    upload: Path | None

    def drive(self, server: RunningServer, requests: int) -> Round:
        """Load one server.

        Raises:
            CommandError: h2load failed, or the server did nothing that could be measured.
        """
        before = server.cpu_seconds()
        load = h2load.run(
            server.serving.url,
            requests=requests,
            connections=self.connections,
            streams=self.streams,
            upload=self.upload,
        )
        cpu = server.cpu_seconds() - before
        if not load.requests or not cpu:
            raise CommandError(f"{server.server.name} did nothing for {requests} requests")
        return Round(load.requests_per_second, cpu / load.requests, load.errors)

    def warm_up(self, server: RunningServer) -> float:
        """Load one server for a moment, and give the requests a second."""
        first = self.drive(server, _WARM_UP * self.connections)
        return self.drive(server, self.requests(first.requests_per_second)).requests_per_second

    def requests(self, rate: float, seconds: float = 1) -> int:
        """Give how many requests take so long, but at least two on each stream."""
        return max(int(rate * seconds), 2 * self.connections * self.streams)


def _interleave(servers: Sequence[RunningServer], loader: Loader, plan: Plan) -> list[list[Round]]:
    """Drive the servers in turn and give each one's rounds."""
    rates = [loader.warm_up(server) for server in servers]
    rounds: list[list[Round]] = [[] for _ in servers]
    for number in range(1, plan.rounds + 1):
        for server, rate, results in zip(servers, rates, rounds, strict=True):
            results.append(loader.drive(server, loader.requests(rate, plan.seconds)))
            cpu = results[-1].cpu * 1e6
            print(
                f"round {number}/{plan.rounds}  {server.server.name:20}"
                f" {results[-1].requests_per_second:9,.0f} req/s {cpu:8.1f} µs/req",
                flush=True,
            )
    return rounds


def _table(
    title: str, servers: Sequence[RunningServer], rounds: Sequence[Sequence[Round]]
) -> Table:
    table = Table(title, _COLUMNS)
    for server, results in zip(servers, rounds, strict=True):
        names = (server.server.name, server.environment.version)
        table.rows.append((*names, *figures(results, rounds[0])))
    return table


def figures(rounds: Sequence[Round], base: Sequence[Round]) -> Sequence[str]:
    """Give a server's cells, in the order of the columns; ratios are to `base`."""
    cpu = [each.cpu for each in rounds]
    ratios = [ours.cpu / theirs.cpu for ours, theirs in zip(rounds, base, strict=True)]
    return (
        f"{statistics.median(each.requests_per_second for each in rounds):,.0f}",
        f"{statistics.median(cpu) * 1e6:.1f}",
        f"{min(cpu) * 1e6:.1f}",
        str(sum(each.errors for each in rounds)),
        f"{statistics.median(ratios):.2f}",
    )


def _title(plan: Plan, transport: str, traffic: Traffic, streams: int, release: str) -> str:
    scheme = "HTTP/2 over TLS" if transport == "tls" else "HTTP/2, cleartext"
    return (
        f"{scheme}, {traffic.title}, {plan.connections} connections of {streams} streams,"
        f" Python {release}, median of {plan.rounds} rounds of about {plan.seconds} s"
    )
