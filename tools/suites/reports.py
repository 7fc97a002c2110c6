"""What wstest found: a file of JSON for each case, and an index of them.

Knows: the files' form and Autobahn's words for how a server did.
Must not know: which server it was, or how results are shown.
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OK = "OK"
NON_STRICT = "NON-STRICT"
INFORMATIONAL = "INFORMATIONAL"
UNIMPLEMENTED = "UNIMPLEMENTED"
FAILED = "FAILED"

_CLOSE_OPCODE = "8"
_LINE_BREAK = re.compile(r"<br ?/?>")
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class Case:
    """How a server did in one case."""

    number: str
    """Such as ``6.4.1``."""
    description: str
    behavior: str
    """What it answered: one of the words above."""
    closing: str
    """How it closed: one of the words above, or ``WRONG CODE``, ``UNCLEAN`` or ``FAILED BY
    CLIENT``, which left ending the TCP connection to the client."""
    has_close: bool
    """Whether its Close frame came. One is owed in each case: the client sends one itself, or
    something that the server has to fail the connection for (RFC 6455 section 7.1.7)."""

    @property
    def is_closed_well(self) -> bool:
        """Whether there is nothing to say of how it closed."""
        return self.closing in {OK, INFORMATIONAL}

    @property
    def is_ok(self) -> bool:
        """Whether nothing at all is to be said."""
        return self.behavior == self.closing == OK and self.has_close

    @property
    def is_failed(self) -> bool:
        """Whether it did what it must not. Leaving the end to the client is allowed."""
        return self.behavior == FAILED or self.closing in {FAILED, "UNCLEAN", "WRONG CODE"}

    @property
    def order(self) -> tuple[int, ...]:
        """Sorts cases by number."""
        return tuple(map(int, self.number.split(".")))


def read(folder: Path) -> list[Case]:
    """Read the reports of one run, of one server, in the order of the cases' numbers.

    Raises:
        OSError: a report is missing.
        ValueError: one is not a report.
    """
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    try:
        (agent,) = index.values()
        cases = [_case(_loaded(folder / entry["reportfile"])) for entry in agent.values()]
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{folder} has something else than reports: {error!r}") from error
    return sorted(cases, key=lambda case: case.order)


def _loaded(path: Path) -> dict[str, Any]:
    # Payloads are in it as they came, whether UTF-8 or not.
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8", errors="replace"))
    return report


def _case(report: dict[str, Any]) -> Case:
    return Case(
        number=report["id"],
        description=_plain(report["description"]),
        behavior=report["behavior"],
        closing=report["behaviorClose"],
        has_close=_CLOSE_OPCODE in report["rxFrameStats"],
    )


def _plain(markup: str) -> str:
    """Give the text of a piece of HTML, on one line."""
    return " ".join(html.unescape(_TAG.sub("", _LINE_BREAK.sub(" ", markup))).split())
