"""``serve``: the server out of this working tree, in front of the smallest example."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from development.commands import ROOT, heading, output, run
from development.environment import hatch, script, variables

DEFAULT = ("--bind", "127.0.0.1:8000", "examples.hello:app")


def run_server(arguments: Sequence[str]) -> NoReturn:
    """Install the four packages editable and become the server, which signals then reach.

    Args:
        arguments: for ``hypercorn``; with none, `DEFAULT`.

    Raises:
        CommandError: the packages could not be installed.
    """
    program, env = hatch(), variables()
    run([program, "env", "create"], env=env)
    environment = Path(output([program, "env", "find"], env=env))
    command = [str(script(environment, "hypercorn")), *(arguments or DEFAULT)]
    if not arguments:
        heading("serving examples/hello.py on http://127.0.0.1:8000 (Ctrl+C stops it)")
    os.chdir(ROOT)
    os.execv(command[0], command)
