"""Crowds of clients: the programs in `clients`, started, told to end, and asked how it went.

Knows: what those programs print, and that they end when their input does.
Must not know: what they do.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.environments import process_variables
from benchmarks.servers import HOST
from development.commands import CommandError

# Seconds after which a crowd that says nothing is ended.
_TIMEOUT = 300
_PYTHON = (sys.executable, "-m")


class Crowd:
    """Clients that are connected."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.opened = self._count("open")

    def leave(self) -> int:
        """Tell them to end, and return how many the server had kept till then.

        Raises:
            CommandError: they failed.
        """
        self._close_input()
        return self._count("held")

    def end(self) -> str:
        """Tell them to end, and return what they say then.

        Raises:
            CommandError: they failed.
        """
        self._close_input()
        if not (line := self._line()):
            raise CommandError(f"the clients failed: {self._process.args!r}")
        return line

    def _close_input(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _line(self) -> str:
        return "" if self._process.stdout is None else self._process.stdout.readline()

    def _count(self, word: str) -> int:
        said, _, number = self._line().partition(" ")
        if said != word:
            raise CommandError(f"the clients failed: {self._process.args!r}")
        return int(number)


@contextmanager
def crowd(client: str, port: int, count: int, *options: str) -> Iterator[Crowd]:
    """Connect that many of a kind of client, told its options, and end them with the block.

    Raises:
        CommandError: they could not connect.
    """
    process = subprocess.Popen(
        [*_PYTHON, f"benchmarks.clients.{client}", HOST, str(port), str(count), *options],
        env=process_variables(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        deadline = threading.Timer(_TIMEOUT, process.kill)
        deadline.start()
        try:
            yield Crowd(process)
        finally:
            deadline.cancel()
            process.kill()
