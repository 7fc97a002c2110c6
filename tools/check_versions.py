#!/usr/bin/env python3
"""``python3 tools/check_versions.py``: do the four distributions and their pins agree?

An existing environment hides a disagreement (it keeps the old metadata), and a fresh one fails to
resolve; this says so before either.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable

import versions


def disagreements(statements: Iterable[versions.Statement]) -> list[str]:
    """Name each place that states another version than most do; empty when all agree."""
    places = list(statements)
    (majority, _), *_ = Counter(place.text for place in places).most_common(1)
    return [
        f"{place.place} states {place.text or 'no version'}, not {majority}"
        for place in places
        if place.text != majority
    ]


def main() -> int:
    """Print what disagrees and return the exit code."""
    wrong = disagreements(versions.statements())
    print("\n".join(wrong) or "the four distributions and their pins agree")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
