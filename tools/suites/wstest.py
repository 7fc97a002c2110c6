"""wstest, the program of Autobahn|Testsuite: installed, and run as a client that fuzzes.

Knows: its requirements, its specification file and what it prints.
Must not know: what its reports say, or how a server is started.

It was written for Python 2 and never ported, whatever its releases are labelled with, so that it
has an environment of CPython 2.7 with the last releases for that of what it builds upon.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from benchmarks import processes
from development.commands import CommandError, heading, run
from development.environment import DEV, hatch, script, variables

HOME = DEV / "conformance"
VERSION = "25.10.1"

REQUIREMENTS = (
    f"autobahntestsuite=={VERSION}",
    "Twisted==19.10.0",
    "cryptography==3.3.2",
    "pyOpenSSL==19.1.0",
    "incremental==16.10.1",
)
# The last one that makes environments of Python 2.7.
_VIRTUALENV = "virtualenv==20.15.1"

_PLANNED = re.compile(r"^Ok, will run (\d+) test cases")
_STARTED = re.compile(r"^Running test case ID (\d+)\.")


@dataclass(frozen=True)
class Selection:
    """Which cases are run. A pattern is a case's number, or the first part of one and ``*``."""

    cases: Sequence[str]
    without: Sequence[str] = ()


@dataclass(frozen=True)
class Progress:
    """How many cases there were to run, and how many were begun."""

    planned: int
    started: int


def prepare(python2: Path) -> Path:
    """Give the environment's folder, having made it if it is not there or stale.

    Raises:
        CommandError: it could not be made.
    """
    folder = HOME / "autobahn"
    # Written last, so that an environment without it is not complete.
    installed = folder / "installed.txt"
    wanted = "\n".join([str(python2), *REQUIREMENTS])
    if not installed.is_file() or installed.read_text() != wanted:
        heading(f"installing {REQUIREMENTS[0]} for Python 2.7")
        _make_environment(python2, folder)
        pip = (script(folder, "python"), "-m", "pip", "--quiet", "--quiet")
        run([*pip, "--no-python-version-warning", "install", *REQUIREMENTS])
        installed.write_text(wanted)
    return folder


def _make_environment(python2: Path, folder: Path) -> None:
    uv = hatch().with_name("uv")
    virtualenv = (uv, "tool", "run", "--quiet", "--python", sys.executable, _VIRTUALENV)
    cache = ("--app-data", HOME / "virtualenv")
    run([*virtualenv, "--quiet", "--clear", *cache, "--python", python2, folder], env=variables())


def fuzz(environment: Path, url: str, selection: Selection, reports: Path) -> None:
    """Run the cases, one after the other, and leave nothing but what is told of them in a folder.

    Raises:
        CommandError: not all of them could be run.
    """
    shutil.rmtree(reports, ignore_errors=True)
    reports.mkdir(parents=True)
    specification = reports / "specification.json"
    specification.write_text(json.dumps(_specification(url, selection, reports)))
    # Unbuffered, to follow what it prints.
    python = (script(environment, "python"), "-u", script(environment, "wstest"))
    log = reports / "wstest.log"
    with _process([*python, "-m", "fuzzingclient", "-s", specification], reports) as process:
        with log.open("w", buffering=1, encoding="utf-8") as copy:
            progress = follow(_copied(process, copy))
        if progress.planned == 0:
            raise CommandError(f"wstest has no such cases, or could not be run: see {log}")
        status = process.wait()
    if status != 0 or progress.started != progress.planned:
        raise CommandError(f"wstest ran {progress.started} of {progress.planned} cases: see {log}")


def follow(lines: Iterable[str]) -> Progress:
    """Read what wstest prints, to its end, and name each section as it begins."""
    planned = started = 0
    section = ""
    for line in lines:
        if found := _PLANNED.match(line):
            planned = int(found[1])
            if planned == 0:
                break  # it would wait for ever
        elif found := _STARTED.match(line):
            started += 1
            if found[1] != section:
                section = found[1]
                print(section, end=" ", flush=True)
    print(flush=True)
    return Progress(planned, started)


def _specification(url: str, selection: Selection, reports: Path) -> dict[str, object]:
    return {
        "outdir": str(reports),
        "servers": [{"agent": "server", "url": url}],
        "cases": list(selection.cases),
        "exclude-cases": list(selection.without),
        "exclude-agent-cases": {},
    }


@contextmanager
def _process(command: Sequence[str | Path], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # Ctrl+C reaches tools/conformance alone, which ends this.
        start_new_session=True,
    )
    try:
        yield process
    finally:
        processes.end(process)
        if process.stdout is not None:
            process.stdout.close()


def _copied(process: subprocess.Popen[bytes], copy: TextIO) -> Iterator[str]:
    """Give the lines that a process writes, which go into a file as well."""
    for written in process.stdout or ():
        line = written.decode(errors="replace")
        copy.write(line)
        yield line
