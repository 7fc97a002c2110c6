"""One request to an installed server: start it, ask, stop it, and look at its exit code."""

from __future__ import annotations

import http.client
import socket
import subprocess
import threading
from pathlib import Path
from typing import IO

from development.commands import CommandError

EXPECTED = b"Hello from Hypercorn\n"
# What the server logs once its sockets listen.
READY = "Running on"
# Seconds that each step may take; a fresh machine compiles every module first.
PATIENCE = 60.0


class UnixConnection(http.client.HTTPConnection):
    """The standard library's client over a Unix socket, which needs no free port."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket's path instead of a host and a port."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def serve_once(program: Path, folder: Path) -> None:
    """Serve ``examples.hello:app`` from `folder`, request it once and stop the server.

    Raises:
        CommandError: it did not start, answered anything else, or did not exit with 0.
    """
    path = folder / "server.sock"
    command = [str(program), "--bind", f"unix:{path.name}", "examples.hello:app"]
    print(f"$ {' '.join(command)}", flush=True)
    with subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as server:
        # Bounds every wait below: a killed server closes its pipe and its sockets.
        deadline = threading.Timer(2 * PATIENCE, server.kill)
        deadline.start()
        try:
            _wait_until_ready(server.stderr)
            body = _request(path)
            server.terminate()
            _, rest = server.communicate()
            print(rest, end="", flush=True)
        finally:
            deadline.cancel()
            server.kill()
    if body != EXPECTED or server.returncode != 0:
        raise CommandError(f"the server answered {body!r} and exited with {server.returncode}")
    print(f"answered {body!r}; exited with 0 on SIGTERM", flush=True)


def _wait_until_ready(log: IO[str] | None) -> None:
    """Read the server's log, repeating it, until it says that it listens."""
    for line in log or ():
        print(line, end="", flush=True)
        if READY in line:
            return
    raise CommandError(f"the server ended before it logged {READY!r}")


def _request(path: Path) -> bytes:
    """Make one request and give the response's body.

    Raises:
        CommandError: the status is not 200.
    """
    connection = UnixConnection(path)
    connection.request("GET", "/")
    response = connection.getresponse()
    body = response.read()
    connection.close()
    if response.status != 200:
        raise CommandError(f"the server answered {response.status} {response.reason}")
    return body
