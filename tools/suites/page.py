"""docs/conformance.md, written from the runs that were kept.

Knows: what the page says and in which order.
Must not know: how the runs came about.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from benchmarks import tables
from benchmarks.servers import WORKER_CLASSES
from development.commands import ROOT
from suites import summaries, wstest
from suites.records import Run
from suites.subjects import ENGINES

PATH = ROOT / "docs" / "conformance.md"

_INTRODUCTION = """\
<!-- Written by `tools/conformance autobahn --write`: do not edit. -->

# Conformance

[Autobahn|Testsuite](https://github.com/crossbario/autobahn-testsuite) {version} talks to a real
server, as a client that breaks the rules of WebSocket (RFC 6455) and of permessage-deflate
(RFC 7692) in hundreds of ways; the application sends each message back. `websocket_engine` chooses
the engine. Runs with fewer cases left out sections 9, 12 and 13 (limits, speed, compression),
which take most of the time."""

_LEGEND = """\
* **OK**: as it should be. **NON-STRICT**: allowed, though it could be better: the answer to a good
  message is lost because of a bad frame behind it, or bad UTF-8 is found only once its frame is
  whole. **INFORMATIONAL**: the RFC leaves it open. **UNIMPLEMENTED**: the extension was not agreed
  upon. **FAILED**: against the RFC.
* **bad closes**: the connection was closed by the wrong side, uncleanly, with a wrong code, or
  left for the client to end.
* **no Close frame**: TCP was dropped where a Close frame was owed, so that the client cannot know
  why."""

_REPEAT = """\
## To repeat it

```
tools/conformance autobahn --quick                                    # seconds
tools/conformance autobahn --quick --tls --engine builtin,websockets,wsproto
tools/conformance autobahn --write                                    # minutes, and this page
tools/conformance autobahn --cases '6.*,7.1.5'
tools/conformance autobahn --quick --server uvicorn
```

The suite runs on CPython 2.7 alone, which is looked for among pyenv's versions and on `PATH`, or
is where `--python2 FILE` says. It is installed into `.dev/conformance/`, where its own reports,
with all wire logs, are as well. The page shows the last runs that were made from a checkout."""


def write(runs: Sequence[Run], path: Path = PATH) -> None:
    """Write the page."""
    path.write_text(text(runs), encoding="utf-8")


def text(runs: Sequence[Run]) -> str:
    """Give the whole page."""
    runs = sorted(runs, key=_order)
    rows = [((run.engine, run.worker_class, run.transport, run.date[:10]), run) for run in runs]
    table = summaries.counts("", ("engine", "loop", "transport", "date"), rows)
    parts = [
        _INTRODUCTION.format(version=wstest.VERSION),
        tables.as_markdown(table).strip(),
        _LEGEND,
        "## What is not OK",
        _exceptions(runs),
        "## Versions",
        "\n".join(_versions(runs)),
        _REPEAT,
    ]
    return "\n\n".join(parts) + "\n"


def _order(run: Run) -> tuple[int, int, bool, bool]:
    """Put what most people use first."""
    engine, worker_class = ENGINES.index(run.engine), WORKER_CLASSES.index(run.worker_class)
    return engine, worker_class, run.is_tls, run.is_quick


def _exceptions(runs: Sequence[Run]) -> str:
    """Name each case that is not OK, once for each way in which it is not."""
    found = [(case, run) for run in runs for case in run.cases if not case.is_ok]
    if not found:
        return "Nothing."
    found.sort(key=lambda pair: (pair[0].order, summaries.verdict(pair[0])))
    lines = ["| case | how | where | what the client does |", "| --- | --- | --- | --- |"]
    for (_, how), pairs in groupby(
        found, lambda pair: (pair[0].number, summaries.verdict(pair[0]))
    ):
        same = list(pairs)
        case = same[0][0]
        cells = [case.number, how, _where([run for _, run in same], runs), case.description]
        lines.append(f"| {' | '.join(map(_escaped, cells))} |")
    return "\n".join(lines)


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")


def _where(some: Sequence[Run], runs: Sequence[Run]) -> str:
    """Name runs shortly."""
    having = [run for run in runs if run in some]
    return "all" if len(having) == len(runs) else ", ".join(map(_name, having))


def _name(run: Run) -> str:
    return f"{run.engine} {run.worker_class} {run.transport}"


def _versions(runs: Sequence[Run]) -> list[str]:
    """Give a line for each set of versions, with the runs that had it."""
    same: dict[str, list[Run]] = {}
    for run in runs:
        named = {"hypercorn": run.version, "Python": run.python, **run.libraries}
        line = ", ".join(f"{name} {version}" for name, version in named.items())
        same.setdefault(line, []).append(run)
    return [f"* {line}: {_where(having, runs)}" for line, having in same.items()]
