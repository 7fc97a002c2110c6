"""``autobahn``: the cases of Autobahn|Testsuite, against servers that send each message back.

Knows: the order of things, and which sections are long.
Must not know: how a server is started, or how wstest is run.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from benchmarks import tables
from benchmarks.environments import Environment, certificate, interpreter
from benchmarks.processes import RunningServer, running
from benchmarks.servers import Certificate, Server
from development.commands import CommandError, heading, output
from development.interpreters import Interpreter
from suites import page, records, reports, subjects, summaries, wstest
from suites.records import Run
from suites.wstest import Selection

# Limits and performance, and compression in all sizes: minutes, where the rest takes seconds.
LONG_SECTIONS = ("9.*", "12.*", "13.*")
RECORDS = wstest.HOME / "records"

_LIBRARIES = ("uvloop", "trio", "websockets", "wsproto")
_VERSIONS = """
import json, sys
from importlib.metadata import distributions
found = {each.metadata["Name"].lower(): each.version for each in distributions()}
print(json.dumps({name: found[name] for name in sys.argv[1:] if name in found}))
"""


@dataclass(frozen=True)
class Plan:
    """What is asked for."""

    python: str | None
    python2: Path
    server: str
    engines: Sequence[str]
    """Of the server of this tree; another has what it has."""
    worker_class: str
    tls: bool
    cases: Sequence[str]
    quick: bool
    write: bool

    @property
    def selection(self) -> Selection:
        """The cases that are run."""
        return Selection(self.cases, LONG_SECTIONS if self.quick else ())

    @property
    def are_chosen(self) -> bool:
        """Whether the cases are some that somebody wants to see, so that nothing is kept."""
        return tuple(self.cases) != ("*",)

    def reports(self, server: Server) -> Path:
        """Give the folder for wstest's reports on a server."""
        transport = "TLS" if self.tls else "clear"
        scope = "chosen" if self.are_chosen else "quick" if self.quick else "all"
        return wstest.HOME / "reports" / f"{server.name} {transport} {scope}"


def run(plan: Plan) -> int:
    """Test, print what was found, and return 1 if a case failed, else 0."""
    client = wstest.prepare(plan.python2)
    python = interpreter(plan.python)
    pem = certificate() if plan.tls else None
    runs = [_tested(plan, engine, client, python, pem) for engine in plan.engines]
    if plan.server == subjects.OURS and not plan.are_chosen:
        for each in runs:
            records.keep(each, RECORDS)
    if plan.write:
        page.write(records.kept(RECORDS))
    return 1 if any(each.is_failed for each in runs) else 0


def _tested(
    plan: Plan, engine: str, client: Path, python: Interpreter, pem: Certificate | None
) -> Run:
    """Run the cases against one server, and print what was found."""
    server = _server(plan, engine)
    folder = plan.reports(server)
    with running(server, python, subjects.APPLICATION, certificate=pem) as started:
        heading(f"{server.name} {started.environment.version}, {'TLS' if pem else 'clear'}")
        wstest.fuzz(client, _url(started), plan.selection, folder)
        versions = _versions(started.environment)
    found = Run(
        engine=engine,
        worker_class=plan.worker_class,
        is_tls=plan.tls,
        is_quick=plan.quick,
        version=started.environment.version,
        python=".".join(map(str, python.version)),
        libraries=versions,
        date=datetime.now(timezone.utc).isoformat(timespec="minutes"),
        cases=_read(folder),
    )
    _show(server, found, folder)
    return found


def _server(plan: Plan, engine: str) -> Server:
    if plan.server == subjects.OURS:
        return subjects.ours(engine, plan.worker_class)
    return subjects.peer(plan.server)


def _url(server: RunningServer) -> str:
    return server.serving.url.replace("http", "ws", 1)


def _read(folder: Path) -> list[reports.Case]:
    try:
        return reports.read(folder)
    except ValueError as error:
        raise CommandError(f"wstest's reports cannot be read: {error}") from error


def _versions(environment: Environment) -> dict[str, str]:
    """Ask which of the libraries there are."""
    answer = output([environment.python, "-c", _VERSIONS, *_LIBRARIES])
    versions: dict[str, str] = json.loads(answer)
    return versions


def _show(server: Server, found: Run, folder: Path) -> None:
    for case in found.cases:
        if not case.is_ok:
            print(f"{case.number:8} {summaries.verdict(case)}: {case.description}")
    title = f"Autobahn|Testsuite {wstest.VERSION}; wire logs are in {folder / 'index.html'}"
    rows = [((server.name, found.version, found.transport), found)]
    tables.show([summaries.counts(title, ("server", "version", "transport"), rows)])
