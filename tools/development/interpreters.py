"""Which of the supported Pythons are on this machine.

Looked for on ``PATH`` and among pyenv's versions. A pyenv *shim* answers to every version's name
whether or not it is installed, so each candidate is run and asked what it is.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SUPPORTED = ("3.10", "3.11", "3.12", "3.13", "3.14")

_QUESTION = (
    "import sys, sysconfig, venv;"
    "print(sys.implementation.name, sysconfig.get_config_var('Py_GIL_DISABLED') or 0,"
    " *sys.version_info[:3], sys.executable)"
)


@dataclass(frozen=True)
class Interpreter:
    """One installed Python: its full version and the executable that was run to learn it."""

    version: tuple[int, int, int]
    executable: Path

    @property
    def name(self) -> str:
        """The version as hatch and people name it, such as ``3.12``."""
        return f"{self.version[0]}.{self.version[1]}"


def discover(environ: Mapping[str, str]) -> list[Interpreter]:
    """Find the newest release of each supported version of CPython, oldest version first."""
    newest: dict[str, Interpreter] = {}
    for executable in dict.fromkeys(_candidates(environ)):
        interpreter = identify(executable)
        if interpreter is None or interpreter.name not in SUPPORTED:
            continue
        known = newest.get(interpreter.name)
        if known is None or interpreter.version > known.version:
            newest[interpreter.name] = interpreter
    return sorted(newest.values(), key=lambda interpreter: interpreter.version)


def search_path(interpreters: Iterable[Interpreter], path: str) -> str:
    """Give the ``PATH`` on which hatch finds each of `interpreters`, before any shim."""
    folders = [str(interpreter.executable.parent) for interpreter in interpreters]
    return os.pathsep.join(dict.fromkeys([*folders, *path.split(os.pathsep)]))


def identify(executable: Path) -> Interpreter | None:
    """Ask an executable what it is; None when it is not a usable CPython with a GIL."""
    try:
        answer = subprocess.run(
            [executable, "-I", "-c", _QUESTION],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            text=True,
            timeout=60,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
    implementation, free_threaded, major, minor, micro, path = answer.split(" ", 5)
    if implementation != "cpython" or free_threaded != "0":
        return None
    return Interpreter((int(major), int(minor), int(micro)), Path(path))


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield executables that may be supported Pythons, the one that is running first."""
    yield Path(sys.executable)
    pyenv = Path(environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders = [Path(folder) for folder in environ.get("PATH", "").split(os.pathsep) if folder]
    folders += sorted(pyenv.glob("versions/*/bin"))
    suffix = ".exe" if sys.platform == "win32" else ""
    for folder in folders:
        for version in SUPPORTED:
            executable = folder / f"python{version}{suffix}"
            if executable.is_file():
                yield executable
