"""Runs of this working tree's server, kept in ``.dev/`` until a newer one takes their place.

Knows: what is kept of a run, and which runs take whose place.
Must not know: how it is shown.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from suites.reports import Case


@dataclass(frozen=True)
class Run:
    """What was tested, and how it did."""

    engine: str
    worker_class: str
    is_tls: bool
    is_quick: bool
    """Without the sections that take minutes."""
    version: str
    """Of the server."""
    python: str
    libraries: dict[str, str]
    """Versions of what the engine may use, by the names of the distributions."""
    date: str
    """In ISO 8601, UTC."""
    cases: Sequence[Case]

    @property
    def transport(self) -> str:
        """What is below HTTP."""
        return "TLS" if self.is_tls else "clear"

    @property
    def is_failed(self) -> bool:
        """Whether there is a case that the server must not leave like this."""
        return any(case.is_failed for case in self.cases)


def keep(run: Run, folder: Path) -> None:
    """Keep a run instead of the last one of its kind."""
    folder.mkdir(parents=True, exist_ok=True)
    kind = [run.engine, run.worker_class, run.transport, "quick" if run.is_quick else "all"]
    (folder / f"{'-'.join(kind)}.json").write_text(json.dumps(asdict(run), indent=1))


def kept(folder: Path) -> list[Run]:
    """Give what was kept: of each subject the whole run, and a quick one if that is newer."""
    runs = [_run(path) for path in sorted(folder.glob("*.json"))]
    whole = {_subject(run): run.date for run in runs if not run.is_quick}
    return [run for run in runs if not run.is_quick or run.date > whole.get(_subject(run), "")]


def _subject(run: Run) -> tuple[str, str, bool]:
    return (run.engine, run.worker_class, run.is_tls)


def _run(path: Path) -> Run:
    fields = json.loads(path.read_text(encoding="utf-8"))
    fields["cases"] = [Case(**case) for case in fields["cases"]]
    return Run(**fields)
