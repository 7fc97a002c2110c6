"""``memory``: what a server keeps for each connection that is open and idle.

Knows: what is looked at, and when.
Must not know: how connections are made.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import tables
from benchmarks.crowds import crowd
from benchmarks.environments import interpreter
from benchmarks.processes import RunningServer, running
from benchmarks.servers import Server
from benchmarks.tables import Table
from development.commands import CommandError
from development.interpreters import Interpreter

# Files that a process has open besides connections.
_OTHER_FILES = 500
COMPRESSED = "websocket-deflate"


@dataclass(frozen=True)
class Kind:
    """A kind of connection: what is served on it, and who opens it."""

    title: str
    application: str
    client: str
    options: tuple[str, ...] = ()


KINDS = {
    "keep-alive": Kind("keep-alive connections", "raw", "keep_alive"),
    "websocket": Kind("WebSockets", "websocket_echo", "websocket_idle"),
    COMPRESSED: Kind(
        "WebSockets with permessage-deflate", "websocket_echo", "websocket_idle", ("compressed",)
    ),
}
"""By the names that the command line has for them."""

_COLUMNS = (
    "server",
    "version",
    "held",
    "before MiB",
    "after MiB",
    "KiB/connection",
    "opened in s",
)


@dataclass(frozen=True)
class Held:
    """What one server did. Memory is bytes."""

    held: int
    """Connections that were open at the end."""
    before: int
    after: int
    seconds: float
    """How long it took to open them and to answer something on each."""


def run(
    python_name: str | None,
    servers: Sequence[Server],
    count: int,
    kind_name: str,
    markdown: Path | None,
) -> int:
    """Measure, print the table, and return 1 unless every server held all of them.

    Raises:
        CommandError: that many files may not be open at once.
    """
    raise_file_limit(count + _OTHER_FILES)
    python = interpreter(python_name)
    release = ".".join(map(str, python.version))
    kind = KINDS[kind_name]
    table = Table(f"{count:,} idle {kind.title}, Python {release}", _COLUMNS)
    complete = True
    for server in servers:
        if kind_name == COMPRESSED and not server.compresses:
            continue
        try:
            row, held = _measure(server, python, kind, count)
        except CommandError as error:
            print(f"failed: {error}", flush=True)
            row, held = (server.name, *[tables.NOTHING] * (len(_COLUMNS) - 1)), 0
        table.rows.append(row)
        complete = complete and held == count
    tables.show([table], markdown)
    return 0 if complete else 1


def raise_file_limit(count: int) -> None:
    """Allow this process, and those that it starts, to have that many files open.

    Raises:
        CommandError: the system does not.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= count:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, max(hard, count)))
    except (OSError, ValueError) as error:
        raise CommandError(
            f"{count} open files are needed and {hard} allowed: raise the limit"
            " (ulimit -n, limits.conf) or pass a lower --connections"
        ) from error


def kibibytes_each(held: Held) -> float:
    """Give the memory that one connection takes."""
    return (held.after - held.before) / 1024 / max(held.held, 1)


def _measure(
    server: Server, python: Interpreter, kind: Kind, count: int
) -> tuple[Sequence[str], int]:
    """Give a row of the table, and how many connections were held."""
    print(f"opening {count:,} connections to {server.name}", flush=True)
    with running(server, python, kind.application, idle_connections=count) as found:
        held = _hold(found, kind, count)
        row = (
            server.name,
            found.environment.version,
            f"{held.held:,}",
            tables.mebibytes(held.before),
            tables.mebibytes(held.after),
            f"{kibibytes_each(held):.1f}",
            f"{held.seconds:.1f}",
        )
    return row, held.held


def _hold(server: RunningServer, kind: Kind, count: int) -> Held:
    before = server.resident_bytes()
    began_at = time.monotonic()
    with crowd(kind.client, server.serving.port, count, *kind.options) as clients:
        seconds = time.monotonic() - began_at
        after = server.resident_bytes()
        return Held(clients.leave(), before, after, seconds)
