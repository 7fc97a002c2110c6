"""What the command lines of tools share.

Knows: how a command is carried out by a process, signals and failures included.
Must not know: any command.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import FrameType

from development.commands import CommandError


def carry_out(command: Callable[[], int]) -> int:
    """Run a command and give the process's exit code; a failure is told in one line.

    SIGTERM and SIGHUP do what Ctrl+C does, so that everything that was started is ended.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    try:
        return command()
    except (CommandError, OSError) as error:
        print(f"\nfailed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def names(text: str) -> list[str]:
    """Read a list that is separated by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
