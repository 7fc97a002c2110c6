"""Python in a process of its own, for what would change the process of the tests."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping

PATIENCE = 60
"""Seconds after which a test has failed rather than being slow."""


@contextlib.contextmanager
def child(source: str, *arguments: str, pass_fds: tuple[int, ...] = ()) -> Iterator[Child]:
    """A process that runs this source, which has to end when nobody talks to it any more."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(source), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=pass_fds,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE)


def result_of(
    source: str,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    pass_fds: tuple[int, ...] = (),
) -> str:
    """What a process that runs this source has written; raises if it failed."""
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source), *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={**os.environ, **(environment or {})},
        pass_fds=pass_fds,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


Child = subprocess.Popen[str]
