"""Servers as a service has them: started with an environment and open sockets, and replaced.

Knows: how a service manager starts a program, and what a server's processes tell of themselves.
Must not know: what is tested with that.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from tests.hypercorn.processes import PATIENCE, Server

__all__ = [
    "IS_ROOT",
    "SELF_APP",
    "STRANGER",
    "Service",
    "address_in",
    "answer_on",
    "asked",
    "begun_request",
    "connection_to",
    "gone_at_the_end",
    "service",
    "stop",
]

IS_ROOT = os.geteuid() == 0
STRANGER = 54321
"""A user, and a group, that no system knows."""

MOST_AT_ONCE = 64
SELF_APP = """
import json, os, time

if os.path.exists("broken"):
    raise RuntimeError("broken by the test")

def about():
    umask = os.umask(0)
    os.umask(umask)
    return {
        "pid": os.getpid(),
        "parent": os.getppid(),
        "user": os.geteuid(),
        "group": os.getegid(),
        "groups": sorted({*os.getgroups(), os.getegid()}),
        "umask": umask,
        "environment": dict(os.environ),
    }

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            while message["type"] == "lifespan.startup" and os.path.exists("held"):
                time.sleep(0.01)
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    while (await receive()).get("more_body"):
        pass
    body = json.dumps({**about(), "scheme": scope["scheme"]}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
"""
"""Answers with what the process is that does it, once the request's body has come. It does not
start in a folder with a file ``broken``, and waits with that as long as there is one ``held``."""

LAUNCHER = """
import json, os, socket, sys

environment, names, command = json.loads(sys.argv[1])
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in names or ()]
for number, sock in enumerate(sockets, 3):
    os.dup2(sock.detach(), number)
    os.set_inheritable(number, True)  # it may have had that number already
if names is not None:
    os.environ.update({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(sockets))})
    if any(names):
        os.environ["LISTEN_FDNAMES"] = ":".join(names)
os.environ.update(environment)
os.execvp(command[0], command)
"""
"""Starts a program as service managers do: in its own process, with sockets from descriptor 3."""


class Service(Server):
    """A server that a service manager has started; those that take its place belong to it.

    Args:
        command: what is started, found by PATH.
        environment: added to that of the tests.
        sockets: the names of sockets that are opened for it (``LISTEN_FDNAMES``), empty for one
            without a name; None for no activation at all.
    """

    def __init__(
        self,
        folder: Path,
        command: Sequence[str],
        environment: Mapping[str, str],
        sockets: Sequence[str] | None,
    ) -> None:
        order = json.dumps([dict(environment), sockets, list(command)])
        super().__init__(folder, command=["-c", LAUNCHER, order])

    def wait_for_successor(self) -> int:
        """The id of the server that has taken over; the one before has seen that."""
        return int(self.wait_for("has taken over").split("Process ")[1].split()[0])


@contextlib.contextmanager
def service(
    folder: Path,
    *arguments: str,
    app: str = SELF_APP,
    environment: Mapping[str, str] | None = None,
    sockets: Sequence[str] | None = None,
    through: Sequence[str] = (),
) -> Iterator[Service]:
    """A server of an application with this source, started by a command that runs another one if
    it is to go ``through`` that; all of it is gone at the end."""
    (folder / "served_app.py").write_text(app)
    command = [*through, sys.executable, "-m", "hypercorn", *arguments, "served_app:app"]
    server = Service(folder, command, environment or {}, sockets)
    try:
        yield server
    finally:
        server.abandon()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self._path)


def connection_to(address: str | Path, ca_certs: str | None = None) -> http.client.HTTPConnection:
    """A connection to a host and port, or to the path of a unix socket."""
    if isinstance(address, Path):
        return _UnixConnection(str(address))
    if ca_certs is None:
        return http.client.HTTPConnection(address, timeout=PATIENCE)
    context = ssl.create_default_context(cafile=ca_certs)
    return http.client.HTTPSConnection(address, timeout=PATIENCE, context=context)


def asked(address: str | Path, ca_certs: str | None = None) -> dict[str, Any]:
    """What a new connection is told by :data:`SELF_APP`; with TLS, if there is an authority."""
    with contextlib.closing(connection_to(address, ca_certs)) as connection:
        connection.request("GET", "/")
        return answer_on(connection)


def answer_on(connection: http.client.HTTPConnection) -> dict[str, Any]:
    """The answer of :data:`SELF_APP`."""
    about: dict[str, Any] = json.loads(connection.getresponse().read())
    return about


@contextlib.contextmanager
def begun_request(address: str | Path) -> Iterator[http.client.HTTPConnection]:
    """A request that its application waits for: the byte of its body is still to be sent."""
    with contextlib.closing(connection_to(address)) as connection:
        connection.putrequest("POST", "/")
        connection.putheader("content-length", "1")
        connection.putheader("expect", "100-continue")  # sent when the application reads
        connection.endheaders()
        assert connection.sock is not None
        assert connection.sock.recv(1024).startswith(b"HTTP/1.1 100 ")
        yield connection


def free_low_port() -> int:
    """A port below 1024, of those that only root may have, that nobody listens on. Tests that run
    at the same time get others."""
    own = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for port in range(1023 - own % MOST_AT_ONCE, 599, -MOST_AT_ONCE):
        with socket.socket() as sock, contextlib.suppress(PermissionError):
            if sock.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise AssertionError("all low ports are taken")


def stop(pid: int) -> None:
    """Stop a server that is not a child of the tests."""
    server = psutil.Process(pid)
    server.terminate()
    server.wait(PATIENCE)


def address_in(output: str) -> str:
    """The host and port that a server has said it runs on."""
    (line,) = (line for line in output.splitlines() if "Running on " in line)
    return urlsplit(line.split("Running on ")[1].split()[0]).netloc


@contextlib.contextmanager
def gone_at_the_end(folder: Path) -> Iterator[None]:
    """What is started inside, in this folder, is gone at the end, whoever its parents are."""
    try:
        yield
    finally:
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.cwd() == str(folder.resolve()):
                    process.send_signal(signal.SIGKILL)
