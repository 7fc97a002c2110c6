"""How the server stops, and that it does in bounded time."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from hypercorn.supervision.handle import STOP_SLACK
from tests.hypercorn.processes import Server, pid_app, served

LOOPS = ["asyncio", "trio"]

GATED_APP = pid_app(
    'if path == "/wait":',
    "    import sys; from anyio import to_thread",
    '    print("begun", file=sys.stderr, flush=True)',
    '    await to_thread.run_sync(lambda: open("gate").read())',
)
"""Answers when somebody has opened the gate."""

ENDLESS_APP = """
import sys

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise ValueError
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
    else:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"data: 1\\n\\n", "more_body": True})
    while (message := await receive())["type"] == "http.request":
        pass
    print("told", message["type"], file=sys.stderr, flush=True)
"""

STUBBORN_APP = pid_app(
    "import asyncio, sys, time",
    'print("begun", file=sys.stderr, flush=True)',
    'if path == "/block": time.sleep(600)',
    "while True:",
    "    try: await asyncio.sleep(600)",
    "    except asyncio.CancelledError: pass",
)

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def begin_raw(address: str, request: bytes) -> socket.socket:
    host, port = address.split(":")
    sock = socket.create_connection((host, int(port)), timeout=60)
    sock.sendall(request)
    return sock


def wait_until_refused(address: str) -> None:
    host, port = address.split(":")
    deadline = time.monotonic() + 30
    with contextlib.suppress(ConnectionRefusedError, ConnectionResetError):
        while time.monotonic() < deadline:
            socket.create_connection((host, int(port)), timeout=60).close()
    assert time.monotonic() < deadline, "connections are still taken"


def test_server_that_drains_accepts_but_is_not_ready(tmp_path: Path) -> None:
    arguments = ("--drain-delay", "60", "--readiness-path", "/ready")
    with served(tmp_path, "--workers", "2", *arguments) as server:
        address = server.wait_for_address()
        assert server.status(address, "/ready") == 200
        server.send_signal(signal.SIGTERM)
        server.wait_for("Stopping (SIGTERM)")
        ready = [200]
        while 200 in ready:
            ready = [server.status(address, "/ready") for _ in range(10)]
        assert set(ready) == {503}
        assert server.get(address).isdigit()
        server.listen(0.3)  # until another one is not the same request
        server.send_signal(signal.SIGTERM)
        server.wait_for("Told to stop again")
        assert server.wait_for_end() == 0


@pytest.mark.parametrize("reuse", ["--reuse-port", "--no-reuse-port"])
def test_connections_are_refused_while_open_requests_end(tmp_path: Path, reuse: str) -> None:
    """Whoever balances load is to go elsewhere at once."""
    os.mkfifo(tmp_path / "gate")
    arguments = ("--workers", "2", "--drain-delay", "0.2", "--graceful-timeout", "60", reuse)
    with served(tmp_path, *arguments, "--worker-class", "asyncio", app=GATED_APP) as server:
        address = server.wait_for_address()
        with server.begin(address, "/wait") as connection:
            server.wait_for("begun")
            server.send_signal(signal.SIGTERM)
            wait_until_refused(address)
            with open(tmp_path / "gate", "w"):
                pass
            assert connection.getresponse().status == 200
        assert server.wait_for_end() == 0


@pytest.mark.parametrize("loop", LOOPS)
def test_endless_answers_are_told_when_the_delay_has_passed(tmp_path: Path, loop: str) -> None:
    arguments = ("--drain-delay", "0.5", "--graceful-timeout", "60", "--worker-class", loop)
    with served(tmp_path, *arguments, app=ENDLESS_APP) as server:
        address = server.wait_for_address()
        with begin_raw(address, REQUEST) as stream, begin_raw(address, HANDSHAKE) as websocket:
            assert stream.recv(12) == b"HTTP/1.1 200"
            assert websocket.recv(12) == b"HTTP/1.1 101"
            told_to_stop = time.monotonic()
            server.send_signal(signal.SIGTERM)
            told = {server.wait_for("told ").split()[1] for _ in range(2)}
            assert told == {"http.disconnect", "websocket.disconnect"}
            assert 0.5 <= time.monotonic() - told_to_stop < 30
        assert server.wait_for_end() == 0


@pytest.mark.parametrize(("path", "code"), [("/block", 1), ("/ignore-cancellation", 0)])
def test_application_that_will_not_end(tmp_path: Path, path: str, code: int) -> None:
    """One that lets its event loop turn is left behind, the other one takes its worker along."""
    times = ("--graceful-timeout", "0.2", "--shutdown-timeout", "0.2")
    arguments = (*times, "--worker-class", "asyncio")
    with served(tmp_path, *arguments, app=STUBBORN_APP) as server:
        address = server.wait_for_address()
        with server.begin(address, path):
            server.wait_for("begun")
            began_at = time.monotonic()
            server.send_signal(signal.SIGTERM)
            assert server.wait_for_end() == code
        assert time.monotonic() - began_at < 20
    assert ("was killed by SIGKILL instead of stopping" in server.output) is bool(code)


def test_worker_keeps_the_time_that_it_was_started_with(tmp_path: Path) -> None:
    """A configuration that is read later is for the workers that are started later."""
    os.mkfifo(tmp_path / "gate")
    config = tmp_path / "hypercorn.toml"
    config.write_text("graceful_timeout = 60")
    arguments = ("--config", "hypercorn.toml", "--worker-class", "asyncio")
    with (
        open(tmp_path / "gate", "r+b", buffering=0) as gate,
        served(tmp_path, *arguments, app=GATED_APP) as server,
    ):
        address = server.wait_for_address()
        with server.begin(address, "/wait") as connection:
            server.wait_for("begun")
            config.write_text("graceful_timeout = 0\nshutdown_timeout = 1")
            server.send_signal(signal.SIGHUP)
            server.listen(STOP_SLACK + 2)
            gate.close()
            assert connection.getresponse().status == 200
        server.wait_for("has stopped, another one serves")
        assert server.stop() == 0
    assert "instead of stopping" not in server.output


@pytest.mark.parametrize("loop", LOOPS)
def test_open_requests_end_when_the_supervisor_is_killed(tmp_path: Path, loop: str) -> None:
    os.mkfifo(tmp_path / "gate")
    arguments = ("--graceful-timeout", "60", "--worker-class", loop)
    with served(tmp_path, *arguments, app=GATED_APP) as server:
        address = server.wait_for_address()
        with server.begin(address, "/wait") as connection:
            server.wait_for("begun")
            server.send_signal(signal.SIGKILL)
            wait_until_refused(address)
            with open(tmp_path / "gate", "w"):
                pass
            assert connection.getresponse().status == 200
        assert server.wait_for_end() == -signal.SIGKILL


FAILING_SERVER = """
import os, sys
from hypercorn.config import Config
from hypercorn.run import run

class FailingConfig(Config):
    @property
    def max_surge(self):
        if os.path.exists("broken"):
            raise RuntimeError("broken by the test")
        return 1

if __name__ == "__main__":
    config = FailingConfig()
    config.bind = ["127.0.0.1:0"]
    config.worker_class = "asyncio"
    config.graceful_timeout = 60
    config.application_path = "served_app:app"
    sys.exit(run(config))
"""


def test_open_requests_end_when_the_supervisor_fails(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    (tmp_path / "served_app.py").write_text(GATED_APP)
    (tmp_path / "server.py").write_text(FAILING_SERVER)
    server = Server(tmp_path, command=["server.py"])
    try:
        address = server.wait_for_address()
        with server.begin(address, "/wait") as connection:
            server.wait_for("begun")
            (tmp_path / "broken").touch()
            server.send_signal(signal.SIGUSR1)
            server.wait_for("The supervisor has failed, stopping")
            wait_until_refused(address)
            with open(tmp_path / "gate", "w"):
                pass
            assert connection.getresponse().status == 200
        assert server.wait_for_end() == 1
        assert "broken by the test" in server.output
    finally:
        server.abandon()
