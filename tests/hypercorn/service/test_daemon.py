"""``--daemon``: the command ends when the server serves, and the server goes on by itself."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.hypercorn.processes import PATIENCE
from tests.hypercorn.service.services import (
    SELF_APP,
    address_in,
    asked,
    gone_at_the_end,
    stop,
)

ON_TERMINAL = """
import fcntl, os, sys, termios

fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
"""Runs Python with its standard input as the terminal that its session has."""

WAYS = [("--workers", "0"), ("--workers", "1"), ("--workers", "2"), ("--preload",)]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "served_app.py").write_text(SELF_APP)
    with gone_at_the_end(tmp_path):
        yield tmp_path


def daemonize(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, once it has ended and nobody has its output any more."""
    command = ("-m", "hypercorn", "--daemon", "--pid", "pid", *arguments, "served_app:app")
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def pid_in(folder: Path) -> int:
    return int((folder / "pid").read_text())


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
def test_command_ends_when_the_server_serves(folder: Path, way: tuple[str, ...]) -> None:
    ended = daemonize(folder, "--bind", "127.0.0.1:0", *way)
    assert ended.returncode == 0, ended.stderr
    about, server = asked(address_in(ended.stderr)), pid_in(folder)
    assert f"Going on in the background as process {server}" in ended.stderr
    assert server in (about["pid"], about["parent"], psutil.Process(about["parent"]).ppid())
    stop(server)
    assert not psutil.pid_exists(about["pid"])
    assert not (folder / "pid").exists()


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
def test_server_has_no_terminal(folder: Path, way: tuple[str, ...]) -> None:
    ours, theirs = os.openpty()
    command = ("-m", "hypercorn", "--daemon", "--pid", "pid", *way, "--bind", "unix:server.sock")
    process = subprocess.Popen(
        [sys.executable, "-c", ON_TERMINAL, *command, "served_app:app"],
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    assert process.wait(PATIENCE) == 0
    os.close(ours)  # the terminal hangs up

    server = pid_in(folder)
    assert os.getsid(server) not in (server, process.pid)
    for each in (psutil.Process(server), *psutil.Process(server).children(recursive=True)):
        assert each.terminal() is None
        assert os.getsid(each.pid) == os.getsid(server)
    assert asked(folder / "server.sock")["scheme"] == "http"
    stop(server)
    assert not (folder / "server.sock").exists()


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
def test_standard_streams_lead_nowhere(folder: Path, way: tuple[str, ...]) -> None:
    daemonize(folder, "--bind", "unix:server.sock", *way)
    pids = [pid_in(folder), asked(folder / "server.sock")["pid"]]
    streams = {os.readlink(f"/proc/{pid}/fd/{stream}") for pid in pids for stream in range(3)}
    assert streams == {os.devnull}


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
def test_command_without_standard_streams(folder: Path, way: tuple[str, ...]) -> None:
    """As some scripts start it: nothing else is taken for them."""
    closed = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    server = ("-m", "hypercorn", "--daemon", "--pid", "pid", "--bind", "unix:server.sock")
    command = [*closed, sys.executable, *server, *way]
    assert subprocess.call([*command, "no_such:app"], cwd=folder, timeout=PATIENCE) == 3
    assert subprocess.call([*command, "served_app:app"], cwd=folder, timeout=PATIENCE) == 0
    assert asked(folder / "server.sock")["scheme"] == "http"
    stop(pid_in(folder))


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
def test_application_that_does_not_start(folder: Path, way: tuple[str, ...]) -> None:
    (folder / "broken").touch()
    ended = daemonize(folder, "--bind", "unix:server.sock", *way)
    assert ended.returncode == 3
    assert ended.stderr.count("RuntimeError: broken by the test") == 1
    files = sorted(path.name for path in folder.iterdir() if path.is_file())
    assert files == ["broken", "served_app.py"]


@pytest.mark.parametrize("workers", ["0", "1"])
def test_port_that_is_in_use(folder: Path, workers: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = "{}:{}".format(*taken.getsockname())
        ended = daemonize(folder, "--bind", bind, "--workers", workers)
    assert ended.returncode == 2
    assert ended.stderr.count(f"hypercorn: error: address already in use: {bind}") == 1


def test_second_server_on_the_same_pid_file(folder: Path) -> None:
    daemonize(folder, "--bind", "unix:server.sock")
    first = pid_in(folder)
    ended = daemonize(folder, "--bind", "unix:other.sock")
    assert ended.returncode == 2
    assert f"pid_path = 'pid': process {first} is running with it" in ended.stderr
    assert not (folder / "other.sock").exists()
    assert asked(folder / "server.sock")["parent"] == first


def test_log_goes_to_its_file(folder: Path) -> None:
    ended = daemonize(folder, "--bind", "unix:server.sock", "--log-file", "error.log")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    stop(pid_in(folder))
    log = (folder / "error.log").read_text()
    assert "Running on " in log
    assert "Stopping (SIGTERM)" in log


def test_upgrade_in_the_background(folder: Path) -> None:
    daemonize(folder, "--bind", "unix:server.sock")
    first = psutil.Process(pid_in(folder))
    session = os.getsid(first.pid)
    first.send_signal(signal.SIGUSR2)
    first.wait(PATIENCE)
    second = pid_in(folder)
    assert second != first.pid
    assert os.getsid(second) == session
    assert asked(folder / "server.sock")["parent"] == second
    stop(second)
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == ["served_app.py"]
