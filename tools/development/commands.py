"""Running other programs: echoed first, and an error when they fail."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class CommandError(Exception):
    """A program that had to succeed did not; its own output has already said why."""


def heading(text: str) -> None:
    """Print a line that separates one step's output from the next."""
    print(f"\n=== {text} ===", flush=True)


def succeeds(
    command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> bool:
    """Run a program with our output and no input, and tell whether it exited with 0."""
    words = [str(word) for word in command]
    print(f"$ {shlex.join(words)}", flush=True)
    return subprocess.call(words, env=env, cwd=cwd, stdin=subprocess.DEVNULL) == 0


def run(
    command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> None:
    """Run a program like `succeeds`.

    Raises:
        CommandError: it exited with anything but 0.
    """
    if not succeeds(command, env=env, cwd=cwd):
        raise CommandError(shlex.join(str(word) for word in command))


def output(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> str:
    """Run a program silently and return what it printed, without the final newline.

    Raises:
        CommandError: it exited with anything but 0.
    """
    words = [str(word) for word in command]
    done = subprocess.run(
        words, env=env, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode != 0:
        raise CommandError(f"{shlex.join(words)}\n{done.stderr.decode(errors='replace')}")
    return done.stdout.decode().rstrip("\n")
