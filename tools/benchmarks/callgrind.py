"""Instructions, counted by callgrind.

Knows: valgrind's command line and output, and how a cost is told from that of starting up.
Must not know: what is run.

A program that does something N times and then M times has spent (I(M) - I(N)) / (M - N)
instructions on doing it once: start-up, imports and the specialising of code cancel out. The
result repeats to within 1 % however busy the machine is.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from benchmarks.environments import process_variables
from development.commands import CommandError

HOW_TO_GET = """valgrind is needed to count instructions, and is not on PATH. Install it with
  apt-get install valgrind    (Debian, Ubuntu)
  dnf install valgrind        (Fedora)
and run this again."""

# Enough to see differences of 1 %, and multiples of what programs do at a time.
FEW, MANY = 320, 960

_TIMEOUT = 240
_COLLECTED = re.compile(r"Collected : (\d+)")


def program() -> str:
    """Find valgrind.

    Raises:
        CommandError: it is not installed; the message says how to get it.
    """
    found = shutil.which("valgrind")
    if found is None:
        raise CommandError(HOW_TO_GET)
    return found


def per_repetition(command: Sequence[str]) -> float:
    """Count what a program that takes a number of repetitions, as its last word, spends on one.

    Raises:
        CommandError: valgrind is not installed, or the program failed.
    """
    # Once without counting: it writes the bytecode of what it imports, and fails readably.
    _output([*command, str(FEW)])
    with ThreadPoolExecutor() as pool:  # counts do not depend on what else runs
        few, many = pool.map(lambda times: _count(command, times), (FEW, MANY))
    return (many - few) / (MANY - FEW)


def count(text: str) -> int:
    """Read the number of instructions in callgrind's output.

    Raises:
        CommandError: it is not there.
    """
    found = _COLLECTED.search(text)
    if found is None:
        raise CommandError(f"callgrind said what is not understood: {text}")
    return int(found[1])


def _count(command: Sequence[str], times: int) -> int:
    callgrind = ["--tool=callgrind", "--callgrind-out-file=/dev/null"]
    return count(_output([program(), *callgrind, *command, str(times)]))


def _output(command: Sequence[str]) -> str:
    """Run a program and give what it says on stderr, which is where valgrind reports."""
    try:
        done = subprocess.run(
            command,
            # Hashes of strings decide how dictionaries are laid out.
            env=process_variables(PYTHONHASHSEED="0"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"{command} did not end within {_TIMEOUT} s") from error
    if done.returncode != 0:
        raise CommandError(f"{command} failed:\n{done.stderr}")
    return done.stderr
