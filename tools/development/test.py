"""``test``: every test, on every supported Python that this machine has."""

from __future__ import annotations

import os
from collections.abc import Sequence

from development.commands import CommandError, heading, succeeds
from development.environment import hatch, variables
from development.interpreters import SUPPORTED, Interpreter, discover, search_path


def run_tests(pythons: Sequence[str] | None, arguments: Sequence[str], *, cover: bool) -> int:
    """Run ``hatch test`` once for each interpreter, to the end even when one fails.

    Args:
        pythons: versions such as ``3.12``; None for all that are found.
        arguments: passed on to pytest.
        cover: measure coverage too.

    Raises:
        CommandError: a version was asked for that is not here.
    """
    interpreters = _choose(discover(os.environ), pythons)
    program, env = hatch(), variables()
    env["PATH"] = search_path(interpreters, env.get("PATH", ""))
    options = ["--cover"] if cover else []
    failed = []
    for interpreter in interpreters:
        heading(f"tests on Python {'.'.join(map(str, interpreter.version))}")
        command = ["test", "--python", interpreter.name, *options, "--", *arguments]
        if not succeeds([program, *command], env=env):
            failed.append(interpreter.name)
    heading(_summary([interpreter.name for interpreter in interpreters], failed))
    return 1 if failed else 0


def _choose(found: Sequence[Interpreter], pythons: Sequence[str] | None) -> list[Interpreter]:
    """Pick the interpreters that were asked for."""
    if pythons is None:
        return list(found)
    chosen = [interpreter for interpreter in found if interpreter.name in pythons]
    missing = set(pythons) - {interpreter.name for interpreter in chosen}
    if missing:
        raise CommandError(f"no Python {', '.join(sorted(missing))} on this machine")
    return chosen


def _summary(names: Sequence[str], failed: Sequence[str]) -> str:
    """Say in one line what ran, what failed and what this machine does not have."""
    outcome = f"tests failed on Python {', '.join(failed)}" if failed else "tests passed"
    absent = [version for version in SUPPORTED if version not in names]
    without = f" (not run: {', '.join(absent)})" if absent else ""
    return f"{outcome}; Pythons: {', '.join(names)}{without}"
