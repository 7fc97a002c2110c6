"""The load of HTTP/2: h2load, with so many streams on each connection, and what it says then.

Knows: h2load's command line and its output.
Must not know: servers, or how results are shown.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from development.commands import CommandError

HOW_TO_GET = """h2load is needed to make the load, and is not on PATH. Install it with
  apt-get install nghttp2-client    (Debian, Ubuntu)
  dnf install nghttp2               (Fedora)
  brew install nghttp2              (Homebrew)
and run this again."""

# How long h2load may take, in seconds, before it is given up.
_PATIENCE = 120

_RATE = re.compile(r"^finished in .*?, ([\d.]+) req/s", re.MULTILINE)
_REQUESTS = re.compile(
    r"^requests: .*?(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", re.MULTILINE
)
_STATUSES = re.compile(r"^status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", re.MULTILINE)


@dataclass(frozen=True)
class Load:
    """What one run of h2load did."""

    requests: int
    """Those that were answered with 2xx."""
    requests_per_second: float
    errors: int
    """Answers that were not 2xx or did not come."""


def program() -> str:
    """Find h2load.

    Raises:
        CommandError: it is not installed; the message says how to get it.
    """
    found = shutil.which("h2load")
    if found is None:
        raise CommandError(HOW_TO_GET)
    return found


def run(
    url: str, *, requests: int, connections: int, streams: int, upload: Path | None = None
) -> Load:
    """Ask for `url` so often, from one thread, or post a file to it.

    The number is told and not the time, at whose end requests would be cut off that the server has
    spent its time on.

    Raises:
        CommandError: h2load failed, did not end in time or could not be understood.
    """
    command = [program(), "-t1", f"-c{connections}", f"-m{streams}", f"-n{requests}"]
    command += [] if upload is None else ["-d", str(upload)]
    try:
        return parse(_output([*command, url], _PATIENCE))
    except ValueError as error:
        raise CommandError(f"h2load said what is not understood: {error}") from error


def parse(text: str) -> Load:
    """Read h2load's output.

    Raises:
        ValueError: something is missing in it.
    """
    rate, requests, statuses = (
        expression.search(text) for expression in (_RATE, _REQUESTS, _STATUSES)
    )
    if rate is None or requests is None or statuses is None:
        raise ValueError(text)
    # What it calls failed is errored, timed out, or has a status that is neither 2xx nor 3xx.
    return Load(int(statuses[1]), float(rate[1]), int(requests[2]) + int(statuses[2]))


def _output(command: Sequence[str], timeout: float) -> str:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"h2load did not end within {timeout} s") from error
    if done.returncode != 0:
        raise CommandError(f"h2load failed: {done.stderr or done.stdout}")
    return done.stdout
