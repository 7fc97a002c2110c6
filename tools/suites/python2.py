"""Where to find CPython 2.7.

Knows: the places where it may be, and how to recognise it.
Must not know: what it is needed for.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from development.commands import CommandError

NOT_FOUND = "no CPython 2.7 on PATH or among pyenv's versions: say where it is with --python2 FILE"

_QUESTION = (
    "import platform, sys;"
    "print('%s %d.%d' % ((platform.python_implementation(),) + sys.version_info[:2]))"
)


def find(given: Path | None, environ: Mapping[str, str]) -> Path:
    """Give the interpreter that was given, or else the first there is.

    Raises:
        CommandError: there is none, or what was given is something else.
    """
    if given is not None:
        if not _is_it(given):
            raise CommandError(f"{given} is not a CPython 2.7")
        return given.absolute()
    for executable in dict.fromkeys(_candidates(environ)):
        if _is_it(executable):
            return executable
    raise CommandError(NOT_FOUND)


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    # pyenv's versions come first: its shims, which PATH has, depend on the current folder.
    pyenv = Path(environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders = sorted(pyenv.glob("versions/2.7*/bin"), reverse=True)
    folders += [Path(folder) for folder in environ.get("PATH", "").split(os.pathsep) if folder]
    for folder in folders:
        for name in ("python2.7", "python2", "python"):
            if (folder / name).is_file():
                yield folder / name


def _is_it(executable: Path) -> bool:
    try:
        answer = subprocess.run(
            [executable, "-E", "-S", "-c", _QUESTION],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            text=True,
            timeout=60,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return False
    return answer.strip() == "CPython 2.7"
