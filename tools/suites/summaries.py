"""Results as tables, and as sentences about the cases that stand out.

Knows: what is counted, and which cases are named.
Must not know: where a table goes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from benchmarks.tables import Table
from suites import reports
from suites.records import Run
from suites.reports import Case

COUNTED = (
    reports.OK,
    reports.NON_STRICT,
    reports.INFORMATIONAL,
    reports.UNIMPLEMENTED,
    reports.FAILED,
)

_COLUMNS = ("cases", *COUNTED, "bad closes", "no Close frame")


def counts(title: str, labels: Sequence[str], rows: Sequence[tuple[Sequence[str], Run]]) -> Table:
    """Count each run's cases by how the server did, after the cells that say what was run."""
    table = Table(title, (*labels, *_COLUMNS), labels=len(labels))
    table.rows += [(*cells, *_counted(run.cases)) for cells, run in rows]
    return table


def _counted(cases: Sequence[Case]) -> list[str]:
    behaviors = Counter(case.behavior for case in cases)
    closes = sum(not case.is_closed_well for case in cases)
    dropped = sum(not case.has_close for case in cases)
    numbers = (len(cases), *(behaviors[word] for word in COUNTED), closes, dropped)
    return [str(number) for number in numbers]


def verdict(case: Case) -> str:
    """Say how the server did in one case."""
    words = [case.behavior]
    if not case.is_closed_well:
        words.append(f"close {case.closing}")
    if not case.has_close:
        words.append("no Close frame")
    return ", ".join(words)
