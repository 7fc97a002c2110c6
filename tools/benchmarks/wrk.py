"""The load: wrk, on as many connections as asked for, and what it says afterwards.

Knows: wrk's command line, its Lua scripts and its output.
Must not know: servers, or how results are shown.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.drivers.request import BROWSER
from development.commands import CommandError

HOW_TO_GET = """wrk is needed to make the load, and is not on PATH. Install it with
  apt-get install wrk    (Debian, Ubuntu)
  dnf install wrk        (Fedora)
  brew install wrk       (Homebrew)
or build it from https://github.com/wg/wrk, and run this again."""

# How much longer than asked for wrk may take, in seconds, before it is given up.
_PATIENCE = 30

_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_TOTAL = re.compile(r"^\s*(\d+) requests in ", re.MULTILINE)
_RATE = re.compile(r"^Requests/sec:\s*([\d.]+)", re.MULTILINE)
_PERCENTILE = re.compile(r"^\s*(\d+)%\s+([\d.]+)(us|ms|s|m|h)\s*$", re.MULTILINE)
_BAD_STATUS = re.compile(r"^\s*Non-2xx or 3xx responses: (\d+)", re.MULTILINE)
_SOCKET_ERRORS = re.compile(
    r"^\s*Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", re.MULTILINE
)

_VARIED = """
local number = 0
request = function()
  number = number + 1
  wrk.headers["Cookie"] = "session=" .. number
  return wrk.format(nil, "/?n=" .. number)
end
"""


@dataclass(frozen=True)
class Load:
    """What one run of wrk did. Latencies are in seconds."""

    requests: int
    requests_per_second: float
    p50: float
    p99: float
    errors: int
    """Responses that were not 2xx or 3xx, and connections that failed or timed out."""


def program() -> str:
    """Find wrk.

    Raises:
        CommandError: it is not installed; the message says how to get it.
    """
    found = shutil.which("wrk")
    if found is None:
        raise CommandError(HOW_TO_GET)
    return found


def run(url: str, *, seconds: int, connections: int, script: Path | None = None) -> Load:
    """Ask for `url`, over and over, from one thread.

    Raises:
        CommandError: wrk failed, did not end in time or could not be understood.
    """
    command = [program(), "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    command += [] if script is None else ["-s", str(script)]
    try:
        return parse(_output([*command, url], seconds + _PATIENCE))
    except ValueError as error:
        raise CommandError(f"wrk said what is not understood: {error}") from error


def parse(text: str) -> Load:
    """Read wrk's output.

    Raises:
        ValueError: something is missing in it.
    """
    latencies = {
        int(percent): float(number) * _SECONDS[unit]
        for percent, number, unit in _PERCENTILE.findall(text)
    }
    total, rate = _TOTAL.search(text), _RATE.search(text)
    if total is None or rate is None or not {50, 99} <= set(latencies):
        raise ValueError(text)
    counts = [
        *_BAD_STATUS.findall(text),
        *(n for row in _SOCKET_ERRORS.findall(text) for n in row),
    ]
    return Load(
        requests=int(total[1]),
        requests_per_second=float(rate[1]),
        p50=latencies[50],
        p99=latencies[99],
        errors=sum(map(int, counts)),
    )


def script(body: int | None, varied: bool) -> str:
    """Write a script in Lua for wrk.

    Args:
        body: the size of a body to POST; None for GET.
        varied: make each request with a query and a cookie of its own, and a browser's fields.
    """
    lines = []
    if body is not None:
        lines += [
            'wrk.method = "POST"',
            'wrk.headers["Content-Type"] = "application/octet-stream"',
            f'wrk.body = string.rep("x", {body})',
        ]
    if varied:
        lines += [f'wrk.headers["{name}"] = "{value}"' for name, value in BROWSER]
        lines.append(_VARIED)
    return "\n".join(lines)


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
        raise CommandError(f"wrk did not end within {timeout} s") from error
    if done.returncode != 0:
        raise CommandError(f"wrk failed: {done.stderr or done.stdout}")
    return done.stdout
