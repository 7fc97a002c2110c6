"""``check``: what can be said about the code without running it."""

from __future__ import annotations

from development.commands import heading, succeeds
from development.environment import hatch, variables

ENVIRONMENT = "check"
CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy", "packages", "tools", "examples", "tests"),
    ("lint-imports",),
    ("python", "tools/check_versions.py"),
    # Writes nothing: a fragment that cannot be rendered fails here and not at the release.
    ("towncrier", "build", "--draft", "--version", "next"),
)


def run_checks() -> int:
    """Run every check, all of them even when one fails."""
    program, env = hatch(), variables()
    failed = []
    for check in CHECKS:
        heading(" ".join(check))
        if not succeeds([program, "run", f"{ENVIRONMENT}:{check[0]}", *check[1:]], env=env):
            failed.append(" ".join(check))
    heading(f"failed: {', '.join(failed)}" if failed else "all checks pass")
    return 1 if failed else 0
