"""Servers as processes: started, found to answer, and ended whatever happens.

Knows: how a process is started, watched and ended.
Must not know: what is measured meanwhile.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import accounting
from benchmarks.environments import BENCH, Environment, prepare, process_variables
from benchmarks.servers import HOST, Certificate, Server, Serving
from development.commands import CommandError
from development.interpreters import Interpreter

# Seconds until a server must answer, until it must have ended, and between two looks.
_START_TIMEOUT = 60.0
_STOP_TIMEOUT = 5.0
_INTERVAL = 0.05


@dataclass(frozen=True)
class RunningServer:
    """A server that answers."""

    server: Server
    environment: Environment
    pid: int
    serving: Serving

    def cpu_seconds(self) -> float:
        """CPU time so far, user and system, of all of its processes."""
        return accounting.cpu_seconds(accounting.tree(self.pid))

    def resident_bytes(self) -> int:
        """Memory of all of its processes."""
        return accounting.resident_bytes(accounting.tree(self.pid))


@contextmanager
def running(
    server: Server,
    python: Interpreter,
    application: str,
    *,
    certificate: Certificate | None = None,
    idle_connections: int = 0,
    body: int = 13,
    is_http2: bool = False,
    workers: int = 1,
) -> Iterator[RunningServer]:
    """Serve one of the `applications` until the block ends.

    Raises:
        CommandError: the server could not be installed, or does not answer.
    """
    environment = prepare(server, python)
    target = f"benchmarks.applications.{application}:app"
    serving = Serving(_free_port(), target, certificate, idle_connections, is_http2, workers)
    name, *arguments = server.command(serving)
    log = BENCH / "logs" / f"{server.name}.log"
    with _process([environment.program(name), *arguments], log, body) as process:
        _wait_until_it_answers(process, serving, log)
        yield RunningServer(server, environment, process.pid, serving)


@contextmanager
def _process(command: Sequence[str], log: Path, body: int) -> Iterator[subprocess.Popen[bytes]]:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=process_variables(BENCH_BODY=str(body)),
            cwd=BENCH,  # not the checkout, whose folders could be imported by accident
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A process group of its own: Ctrl+C reaches tools/bench alone, which ends the group.
            start_new_session=True,
        )
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process that leads a session: gently, and then all that is left of its group."""
    try:
        process.terminate()
        process.wait(_STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        pass
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # nothing is left
        process.wait()


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        return int(sock.getsockname()[1])


def _wait_until_it_answers(process: subprocess.Popen[bytes], serving: Serving, log: Path) -> None:
    """Ask until there is an answer.

    Raises:
        CommandError: the server ended, took too long, or did not answer with 200.
    """
    deadline = time.monotonic() + _START_TIMEOUT
    while True:
        try:
            if serving.is_http2:
                return _listens(serving)
            status = _ask(serving)
            break
        except (OSError, http.client.HTTPException) as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise CommandError(_explanation(process, error, log)) from error
        time.sleep(_INTERVAL)
    if status != 200:
        raise CommandError(f"{serving.url} answered {status}; its log is {log}")


def _listens(serving: Serving) -> None:
    """Connect. Whether it answers shows under load: Python has no client of HTTP/2.

    Raises:
        OSError: nobody listens.
    """
    socket.create_connection((HOST, serving.port), _STOP_TIMEOUT).close()


def _ask(serving: Serving) -> int:
    """Make one request and give the response's status."""
    connection: http.client.HTTPConnection
    if serving.certificate is None:
        connection = http.client.HTTPConnection(HOST, serving.port, timeout=_STOP_TIMEOUT)
    else:
        context = ssl.create_default_context(cafile=str(serving.certificate.certificate))
        connection = http.client.HTTPSConnection(
            HOST, serving.port, timeout=_STOP_TIMEOUT, context=context
        )
    try:
        connection.request("GET", "/")
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def _explanation(process: subprocess.Popen[bytes], error: Exception, log: Path) -> str:
    what = "did not answer" if process.returncode is None else f"exited ({process.returncode})"
    said = log.read_text(errors="replace")[-2000:]
    return f"{process.args!r} {what}: {error}\n{said}"
