"""The command line of ``tools/conformance``.

Knows: the sub-commands, their options and defaults, and the exit code.
Must not know: how anything is tested.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.servers import WORKER_CLASSES
from development.commandline import carry_out, names
from development.commands import CommandError
from suites import autobahn, python2, subjects

COMMANDS = ("autobahn",)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one sub-command and return the exit code for the process."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    return carry_out(lambda: run(options))


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="tools/conformance", description="Run test suites of others against real servers."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_autobahn(commands.add_parser("autobahn", help="WebSocket, with Autobahn|Testsuite"))
    return parser.parse_args(arguments)


def _add_autobahn(parser: argparse.ArgumentParser) -> None:
    engines = ", ".join(subjects.ENGINES)
    parser.add_argument("--server", choices=subjects.NAMES, default=subjects.OURS)
    parser.add_argument(
        "--engine",
        dest="engines",
        type=names,
        metavar="A,B",
        help=f"of Hypercorn, some of {engines}; by default {subjects.ENGINES[0]}",
    )
    parser.add_argument(
        "--worker-class", choices=WORKER_CLASSES, default=WORKER_CLASSES[0], help="of Hypercorn"
    )
    parser.add_argument("--tls", action="store_true", help="serve with TLS")
    parser.add_argument(
        "--cases", type=names, default=["*"], metavar="A,B", help="such as '6.*,7.1.5'; else all"
    )
    parser.add_argument(
        "--quick", action="store_true", help="leave out sections 9, 12 and 13, which take minutes"
    )
    parser.add_argument("--write", action="store_true", help="write docs/conformance.md")
    parser.add_argument("--python", metavar="3.X", help="for the server; the newest if not given")
    parser.add_argument("--python2", type=Path, metavar="FILE", help="a CPython 2.7 for the suite")
    parser.set_defaults(run=_run_autobahn)


def _run_autobahn(options: argparse.Namespace) -> int:
    plan = autobahn.Plan(
        python=options.python,
        python2=python2.find(options.python2, os.environ),
        server=options.server,
        engines=engines(options),
        worker_class=options.worker_class,
        tls=options.tls,
        cases=options.cases,
        quick=options.quick,
        write=options.write,
    )
    return autobahn.run(plan)


def engines(options: argparse.Namespace) -> list[str]:
    """Give the engines to test; of a peer it is the one that it has, whatever that is.

    Raises:
        CommandError: there is no such engine, or it is not this tree's server that is tested.
    """
    if options.server != subjects.OURS:
        if options.engines or options.write:
            raise CommandError("--engine and --write are for the server of this tree alone")
        return [options.server]
    unknown = {*(options.engines or ())} - {*subjects.ENGINES}
    if unknown:
        raise CommandError(f"nothing is named {', '.join(sorted(unknown))}")
    return options.engines or [subjects.ENGINES[0]]
