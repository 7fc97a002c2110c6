#!/usr/bin/env python3
"""The one command of this repository: ``python3 tools/dev.py serve|test|check|alone|wheels``.

It needs Python 3.11 with pip and venv, and nothing else: hatch and uv are installed into a private
environment in ``.dev/``, which git ignores and which may be deleted at any time. People and CI run
the same sub-commands. This module knows the command line alone; ``development`` does the work.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from development import alone, check, serve, test, wheels
from development.commands import CommandError

MINIMUM_PYTHON = (3, 11)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one sub-command and return the exit code for the process."""
    options, rest = parse(arguments)
    try:
        run = {
            "serve": lambda: serve.run_server(rest),
            "test": lambda: test.run_tests(options.pythons, rest, cover=options.cover),
            "check": check.run_checks,
            "alone": alone.run_layers,
            "wheels": wheels.run_release_check,
        }[options.command]
        return run()
    except CommandError as error:
        print(f"\nfailed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def parse(arguments: Sequence[str] | None) -> tuple[argparse.Namespace, list[str]]:
    """Split the command line into ours and what `serve` and `test` pass on."""
    parser = argparse.ArgumentParser(prog="tools/dev.py", description="Develop Hypercorn.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="serve examples/hello.py (or the arguments of `hypercorn`)")
    tests = commands.add_parser(
        "test",
        help="run the tests on every Python found (or `--python`)",
        allow_abbrev=False,  # or pytest's `--co` would be our `--cover`
    )
    tests.add_argument(
        "--python",
        dest="pythons",
        action="append",
        metavar="3.X",
        help="only this one; repeatable",
    )
    tests.add_argument("--cover", action="store_true", help="measure coverage")
    commands.add_parser("check", help="types, style, layers, versions, changelog")
    commands.add_parser("alone", help="test each package without the packages above it")
    commands.add_parser("wheels", help="build, inspect, install and run what would be published")
    options, rest = parser.parse_known_args(arguments)
    rest = rest[1:] if rest[:1] == ["--"] else rest
    if rest and options.command not in {"serve", "test"}:
        parser.error(f"{options.command} takes no arguments: {' '.join(rest)}")
    return options, rest


if __name__ == "__main__":
    if sys.version_info < MINIMUM_PYTHON:
        sys.exit("tools/dev.py needs Python 3.11 or newer")
    sys.exit(main())
