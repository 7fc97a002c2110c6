"""Workers whose event loops are blocked, and those that only seem so."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from hypercorn.sockets import BALANCING
from tests.hypercorn.processes import pid_app, served

LOOPS = ["asyncio", "trio"]

GATED_APP = pid_app(
    'if path == "/block":',
    '    import sys; sys.stderr.write(f"blocked {os.getpid()}\\n")',
    '    with open("gate") as gate: gate.read()',
)
"""Blocks its event loop until somebody has opened the gate."""


@pytest.mark.parametrize("loop", LOOPS)
def test_blocked_worker_is_killed_and_tells_where(tmp_path: Path, loop: str) -> None:
    os.mkfifo(tmp_path / "gate")
    arguments = ("--worker-healthcheck-timeout", "2", "--worker-class", loop)
    with served(tmp_path, *arguments, app=GATED_APP) as server:
        address = server.wait_for_address()
        with server.begin(address, "/block"):
            pid = server.wait_for("blocked").split()[1]
            server.wait_for(f"Worker {pid} has not answered for 2.0 s")
            line = server.wait_for(f"Worker {pid} was killed by ")
            assert "starting another; it was here:" in line
        lines = (tmp_path / "served_app.py").read_text().splitlines()
        (number,) = (number for number, line in enumerate(lines, 1) if "gate.read()" in line)
        server.wait_for(f'served_app.py", line {number} in app')
        assert server.get(address) != pid
        assert server.stop() == 0


def test_slow_startup_is_not_taken_for_hanging(tmp_path: Path) -> None:
    app = "import time; time.sleep(4)" + pid_app()
    with served(tmp_path, "--worker-healthcheck-timeout", "3", app=app) as server:
        server.wait_for_address()
        assert server.stop() == 0
    assert "has not answered" not in server.output


def test_loop_that_is_blocked_for_less_is_left_alone(tmp_path: Path) -> None:
    app = "import time" + pid_app('if path == "/block": time.sleep(2)')
    with served(tmp_path, "--worker-healthcheck-timeout", "6", app=app) as server:
        address = server.wait_for_address()
        assert server.get(address, "/block") == server.get(address)
        assert server.stop() == 0
    assert "has not answered" not in server.output


@pytest.mark.skipif(BALANCING is None, reason="workers have a queue in common")
@pytest.mark.parametrize("loop", ["uvloop"])
def test_others_look_after_the_connections_of_a_blocked_worker(tmp_path: Path, loop: str) -> None:
    os.mkfifo(tmp_path / "gate")
    with served(tmp_path, "--workers", "2", "--worker-class", loop, app=GATED_APP) as server:
        address = server.wait_for_address()
        with server.begin(address, "/block"):
            pid = server.wait_for("blocked").split()[1]
            others = {server.get(address) for _ in range(20)}
            assert len(others) == 1
            assert pid not in others
            with open(tmp_path / "gate", "w"):
                pass
            while pid not in others:
                others.add(server.get(address))
        assert len(others) == 2
        assert server.stop() == 0
    assert "was killed" not in server.output


FILLED_APP = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
taken = []

def take_all():
    try:
        while True:
            taken.append(os.dup(0))
    except OSError:
        pass
""" + pid_app(
    "path == '/fill' and take_all()",
    "while path == '/free' and taken:",
    "    os.close(taken.pop())",
)
"""Uses up the worker's descriptors, and gives them back."""


@pytest.mark.skipif(BALANCING is None, reason="workers have a queue in common")
@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_worker_without_descriptors_looks_after_others_later(tmp_path: Path, loop: str) -> None:
    with ExitStack() as stack:
        options = ("--workers", "2", "--worker-class", loop)
        server = stack.enter_context(served(tmp_path, *options, app=FILLED_APP))
        address = server.wait_for_address()
        clients: dict[str, HTTPConnection] = {}
        while len(clients) < 2:
            client = stack.enter_context(closing(server.connect(address)))
            clients[body(client, "/")] = client
        for client in clients.values():
            body(client, "/fill")
        server.send_signal(signal.SIGTTOU)
        gone = server.wait_for("has stopped, another one serves").split("Worker ")[1].split()[0]
        del clients[gone]
        ((pid, client),) = clients.items()
        body(client, "/free")
        assert {server.get(address) for _ in range(20)} == {pid}
        assert server.stop() == 0


def body(client: HTTPConnection, path: str) -> str:
    """What is answered on a connection that stays open."""
    client.request("GET", path)
    return client.getresponse().read().decode()


@pytest.mark.skipif(sys.platform == "win32", reason="processes cannot be stopped")
def test_server_that_was_suspended_blames_nobody(tmp_path: Path) -> None:
    arguments = ("--workers", "2", "--worker-healthcheck-timeout", "3")
    with served(tmp_path, *arguments) as server:
        server.wait_for_address()
        server.send_signal_to_all(signal.SIGSTOP)
        server.listen(4)
        server.send_signal_to_all(signal.SIGCONT)
        server.send_signal(signal.SIGTTIN)
        server.wait_for("3 workers from now on")
        assert server.stop() == 0
    assert "has not answered" not in server.output
