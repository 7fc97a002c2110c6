"""Where servers are installed: an environment for each, for each Python, in ``.dev/bench/``.

Knows: how they are made, with the uv that ``tools/dev.py`` has, and when one is stale.
Must not know: how a server is started.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks.servers import HOST, Certificate, Server
from development.commands import CommandError, heading, output, run
from development.environment import DEV, hatch, script, variables
from development.interpreters import Interpreter, discover

BENCH = DEV / "bench"
TOOLS = Path(__file__).resolve().parents[1]

# Written last, so that an environment without it is not complete.
_INSTALLED = "installed.txt"
_VERSION = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"


@dataclass(frozen=True)
class Environment:
    """A virtual environment that has a server in it."""

    folder: Path
    version: str
    """The server's."""

    @property
    def python(self) -> str:
        """The interpreter."""
        return self.program("python")

    def program(self, name: str) -> str:
        """Give the path of a program."""
        return str(script(self.folder, name))


def interpreter(name: str | None) -> Interpreter:
    """Find the Python of a name such as ``3.11``, or the newest that there is.

    Raises:
        CommandError: it is not on this machine.
    """
    found = discover(os.environ)
    chosen = [each for each in found if name is None or each.name == name]
    if not chosen:
        names = ", ".join(each.name for each in found)
        raise CommandError(f"no Python {name} on this machine, which has {names or 'none'}")
    return chosen[-1]


def prepare(server: Server, python: Interpreter) -> Environment:
    """Give a server's environment, having made it if it is not there or stale.

    Raises:
        CommandError: it could not be made.
    """
    folder = BENCH / python.name / server.environment
    wanted = _contents(server, python)
    installed = folder / _INSTALLED
    if not installed.is_file() or installed.read_text() != wanted:
        heading(f"installing {server.distribution} for Python {python.name}")
        uv, env = _uv(), _uv_variables()
        run([uv, "venv", "--quiet", "--clear", "--python", python.executable, folder], env=env)
        install = [str(uv), "pip", "install", "--quiet", "--python", str(script(folder, "python"))]
        run([*install, *server.requirements], env=env)
        installed.write_text(wanted)
    version = output([script(folder, "python"), "-c", _VERSION, server.distribution])
    return Environment(folder, version)


def process_variables(**more: str) -> dict[str, str]:
    """Give the environment of a process that imports ``benchmarks``, and nothing else of ours."""
    return {**os.environ, "PYTHONPATH": str(TOOLS), **more}


def certificate() -> Certificate:
    """Give a certificate for the loopback address, having made it if there is none.

    Raises:
        CommandError: openssl is not installed, or failed.
    """
    made = Certificate(BENCH / "certificate.pem", BENCH / "key.pem")
    if not made.certificate.is_file():
        BENCH.mkdir(parents=True, exist_ok=True)
        _openssl(
            *("req", "-x509", "-nodes", "-days", "3650", "-subj", "/CN=localhost"),
            # In PKCS #8, which is the one form that every server reads.
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-addext", f"subjectAltName=IP:{HOST}"),
            *("-keyout", str(made.key), "-out", str(made.certificate)),
        )
    return made


def _contents(server: Server, python: Interpreter) -> str:
    """Say what the environment has to hold."""
    manifests = [path.read_text(encoding="utf-8") for path in server.manifests]
    release = ".".join(map(str, python.version))
    return "\n".join([release, str(python.executable), *server.requirements, *manifests])


def _uv() -> Path:
    return hatch().with_name("uv")


@cache
def _uv_variables() -> dict[str, str]:
    _uv()
    return variables()


def _openssl(*arguments: str) -> None:
    try:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise CommandError("openssl is needed for --tls, and is not on PATH") from None
    except subprocess.CalledProcessError as error:
        raise CommandError(f"openssl failed: {error.stderr}") from error
