"""``websocket``: CPU time for a message of a WebSocket that is sent back, or sent to everybody.

Knows: which loads there are, and the order of the rounds.
Must not know: how a server is started, or what clients and servers say to each other.

As in `http1` the servers are driven in turn, and ratios are medians of those within each round.
There is a table for each load.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import tables
from benchmarks.crowds import crowd
from benchmarks.environments import certificate, interpreter
from benchmarks.processes import RunningServer, running
from benchmarks.servers import Server
from benchmarks.tables import Table
from development.commands import CommandError
from development.interpreters import Interpreter

# Messages that every server manages in a second or so, before it is known how many those are.
_FIRST_RATE = 4000.0
# How often it is found out for about a second, in which caches fill and code is specialised.
_WARM_UPS = 2
# So many does each client of a broadcast send at the most, all at once.
_MOST_BROADCASTS = 2500

_COLUMNS = ("server", "version", "messages/s", "CPU µs/message", "CPU least", "CPU ratio")


@dataclass(frozen=True)
class Plan:
    """What is asked for."""

    python: str | None
    servers: Sequence[Server]
    seconds: int
    rounds: int
    loads: Sequence[str]
    """Some of `LOADS`."""


@dataclass(frozen=True)
class Traffic:
    """What is asked of the servers, which are started anew for each."""

    title: str
    size: int = 0
    is_text: bool = True
    depth: int = 1
    """How many messages are under way on each connection."""
    connections: int = 8
    is_compressed: bool = False
    is_broadcast: bool = False
    is_tls: bool = False

    @property
    def application(self) -> str:
        """What is served."""
        return "websocket_broadcast" if self.is_broadcast else "websocket_echo"

    @property
    def copies(self) -> int:
        """To how many clients each message goes."""
        return self.connections if self.is_broadcast else 1

    def options(self, messages: int, pem: Path | None) -> list[str]:
        """Write the command line of :mod:`clients.websocket_load`."""
        told = {
            "--text": self.is_text,
            "--compressed": self.is_compressed,
            "--broadcast": self.is_broadcast,
        }
        return [
            *("--messages", str(messages), "--size", str(self.size), "--depth", str(self.depth)),
            *(name for name, is_told in told.items() if is_told),
            *(() if pem is None else ("--tls", str(pem))),
        ]


def _broadcast(clients: int) -> Traffic:
    title = f"broadcast of 7 bytes, {clients} clients, of which each sends to all"
    return Traffic(title, is_text=False, connections=clients, is_broadcast=True)


LOADS = {
    "20": Traffic("text of 20 bytes", 20),
    "1k": Traffic("text of 1 KB", 1024),
    "64k": Traffic("text of 64 KB", 65_536),
    "1k-binary": Traffic("1 KB", 1024, is_text=False),
    "64k-binary": Traffic("64 KB", 65_536, is_text=False),
    "pipelined": Traffic("text of 20 bytes", 20, depth=16),
    "tls": Traffic("text of 20 bytes", 20, is_tls=True),
    "tls-64k": Traffic("text of 64 KB", 65_536, is_tls=True),
    "deflate": Traffic("text of 1 KB, permessage-deflate", 1024, is_compressed=True),
    "deflate-64k": Traffic("text of 64 KB, permessage-deflate", 65_536, is_compressed=True),
    "broadcast-8": _broadcast(8),
    "broadcast-16": _broadcast(16),
    "broadcast-32": _broadcast(32),
}
"""By the names that the command line has for them."""


@dataclass(frozen=True)
class Round:
    """What one server did in one round."""

    messages_per_second: float
    """Those that clients received."""
    cpu: float
    """Seconds of the server's processes, for one such message."""


@dataclass
class Contender:
    """A server that takes part until it fails."""

    server: RunningServer
    rate: float = _FIRST_RATE
    """Messages a second, as far as it is known."""
    rounds: list[Round] = field(default_factory=list)
    has_failed: bool = False


def run(plan: Plan, markdown: Path | None) -> int:
    """Measure, print the tables, and return 1 if the first server has failed, else 0."""
    python = interpreter(plan.python)
    shown: list[Table] = []
    failed = False
    for name in plan.loads:
        table, is_good = _measure(plan, python, LOADS[name])
        shown.append(table)
        failed = failed or not is_good
    tables.show(shown, markdown)
    return 1 if failed else 0


def _measure(plan: Plan, python: Interpreter, traffic: Traffic) -> tuple[Table, bool]:
    """Load all servers in one way; give the table, and whether the first did what it was to."""
    taking_part = [
        server for server in plan.servers if server.compresses or not traffic.is_compressed
    ]
    pem = certificate() if traffic.is_tls else None
    with ExitStack() as stack:
        contenders = [
            Contender(
                stack.enter_context(running(server, python, traffic.application, certificate=pem))
            )
            for server in taking_part
        ]
        _interleave(contenders, traffic, plan)
    release = ".".join(map(str, python.version))
    table = _table(_title(plan, traffic, release), contenders)
    return table, not any(each.has_failed for each in contenders[:1])


def drive(server: RunningServer, traffic: Traffic, messages: int) -> Round:
    """Load one server with so many messages of each connection.

    Raises:
        CommandError: a message went astray, or did not come.
    """
    serving = server.serving
    pem = None if serving.certificate is None else serving.certificate.certificate
    options = traffic.options(messages, pem)
    with crowd("websocket_load", serving.port, traffic.connections, *options) as clients:
        before, began_at = server.cpu_seconds(), time.monotonic()
        served = clients.leave()
        seconds, cpu = time.monotonic() - began_at, server.cpu_seconds() - before
    received = messages * traffic.connections * traffic.copies
    if served != traffic.connections:
        raise CommandError(f"{server.server.name} served {served} connections alone")
    return Round(received / seconds, cpu / received)


def messages_for(traffic: Traffic, rate: float, seconds: float) -> int:
    """Give how many messages of each connection take so long, within reason."""
    count = math.ceil(rate * seconds / traffic.connections / traffic.copies)
    if traffic.is_broadcast:
        return min(count, _MOST_BROADCASTS)
    return max(count, 2 * traffic.depth)


def _interleave(contenders: Sequence[Contender], traffic: Traffic, plan: Plan) -> None:
    """Drive the servers in turn."""
    for contender in contenders:
        for _ in range(_WARM_UPS):
            _attempt(contender, traffic, messages_for(traffic, contender.rate, 1))
        contender.rounds.clear()
    for number in range(1, plan.rounds + 1):
        for contender in contenders:
            _attempt(contender, traffic, messages_for(traffic, contender.rate, plan.seconds))
            if not contender.has_failed:
                print(f"round {number}/{plan.rounds}  {_progress(contender)}", flush=True)


def _attempt(contender: Contender, traffic: Traffic, messages: int) -> None:
    """Drive a server that has not failed, and see whether it does."""
    if contender.has_failed:
        return
    try:
        done = drive(contender.server, traffic, messages)
    except CommandError as error:
        print(f"{contender.server.server.name} failed: {error}", flush=True)
        contender.has_failed = True
        return
    contender.rate = done.messages_per_second
    contender.rounds.append(done)


def _progress(contender: Contender) -> str:
    last = contender.rounds[-1]
    return (
        f"{contender.server.server.name:20} {last.messages_per_second:9,.0f} messages/s"
        f" {last.cpu * 1e6:8.1f} µs/message"
    )


def _table(title: str, contenders: Sequence[Contender]) -> Table:
    table = Table(title, _COLUMNS)
    for each in contenders:
        names = (each.server.server.name, each.server.environment.version)
        cells = figures(each.rounds, contenders[0].rounds) if not each.has_failed else _NO_FIGURES
        table.rows.append((*names, *cells))
    return table


_NO_FIGURES = [tables.NOTHING] * (len(_COLUMNS) - 2)


def figures(rounds: Sequence[Round], base: Sequence[Round]) -> Sequence[str]:
    """Give a server's cells, in the order of the columns; ratios are to `base`."""
    cpu = [each.cpu for each in rounds]
    # The base has fewer rounds where it has failed.
    ratios = [ours.cpu / theirs.cpu for ours, theirs in zip(rounds, base, strict=False)]
    return (
        f"{statistics.median(each.messages_per_second for each in rounds):,.0f}",
        f"{statistics.median(cpu) * 1e6:.2f}",
        f"{min(cpu) * 1e6:.2f}",
        f"{statistics.median(ratios):.2f}" if ratios else tables.NOTHING,
    )


def _title(plan: Plan, traffic: Traffic, release: str) -> str:
    scheme = "WebSocket over TLS" if traffic.is_tls else "WebSocket"
    manner = (
        ""
        if traffic.is_broadcast
        else f", {traffic.connections} connections with {traffic.depth} under way"
    )
    return (
        f"{scheme}, {traffic.title}{manner}, Python {release},"
        f" median of {plan.rounds} rounds of about {plan.seconds} s"
    )
