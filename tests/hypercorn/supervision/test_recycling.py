"""Workers that are replaced though nothing is wrong with them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.hypercorn.processes import PID_APP, served

LOOPS = ["asyncio", "trio"]

GATED_APP = (
    """
import os, sys

if os.path.exists("closed"):
    print("importing", file=sys.stderr, flush=True)
    with open("gate") as gate:
        gate.read()
"""
    + PID_APP
)
"""Is imported when somebody has opened the gate."""

BREAKABLE_APP = 'import os; assert not os.path.exists("broken"), "broken by the test"' + PID_APP

LARGE_ONCE_APP = (
    """
import os

if os.path.exists("large"):
    os.unlink("large")
    ballast = b"x" * (200 << 20)
"""
    + PID_APP
)


@pytest.mark.parametrize("loop", LOOPS)
def test_worker_serves_until_its_successor_does(tmp_path: Path, loop: str) -> None:
    os.mkfifo(tmp_path / "gate")
    arguments = ("--max-requests", "3", "--max-requests-jitter", "2", "--worker-class", loop)
    with served(tmp_path, *arguments, app=GATED_APP) as server:
        address = server.wait_for_address()
        (tmp_path / "closed").touch()
        (pid,) = {server.get(address) for _ in range(5)}
        server.wait_for(f"Worker {pid} has served its requests, starting another")
        server.wait_for("importing")
        assert {server.get(address) for _ in range(5)} == {pid}
        (tmp_path / "closed").unlink()
        with open(tmp_path / "gate", "w"):
            pass
        server.wait_for(f"Worker {pid} has stopped, another one serves")
        assert server.get(address) != pid
        assert server.stop() == 0
    assert server.output.count(f"Worker {pid} has served its requests") == 1


def test_lifetime(tmp_path: Path) -> None:
    with served(tmp_path, "--worker-max-lifetime", "1") as server:
        address = server.wait_for_address()
        pid = server.get(address)
        server.wait_for(f"Worker {pid} has reached its maximum lifetime, starting another")
        server.wait_for(f"Worker {pid} has stopped, another one serves")
        assert server.get(address) != pid
        assert server.stop() == 0


def test_memory(tmp_path: Path) -> None:
    (tmp_path / "large").touch()
    with served(tmp_path, "--worker-max-rss", "150M", app=LARGE_ONCE_APP) as server:
        address = server.wait_for_address()
        server.wait_for("MiB of memory, starting another")
        gone = server.wait_for("has stopped, another one serves").split("Worker ")[1].split()[0]
        assert server.get(address) != gone
        assert server.stop() == 0
    assert server.output.count("MiB of memory") == 1


def test_worker_goes_on_if_its_successor_does_not_start(tmp_path: Path) -> None:
    with served(tmp_path, "--max-requests", "1", app=BREAKABLE_APP) as server:
        address = server.wait_for_address()
        for _ in range(2):  # it is told each time that something new has gone wrong
            (tmp_path / "broken").touch()
            pid = server.get(address)
            server.wait_for("The restart is given up, the workers go on")
            server.wait_for("broken by the test")
            assert server.get(address) == pid
            (tmp_path / "broken").unlink()
            server.wait_for(f"Worker {pid} has stopped, another one serves")
        assert server.stop() == 0
