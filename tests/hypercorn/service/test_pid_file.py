"""The pid file of a server: whose it is, and that nobody destroys another's."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.hypercorn.service.services import service

ARGUMENTS = ("--bind", "127.0.0.1:0", "--pid", "server.pid")
NUMBERS = pytest.mark.parametrize("workers", ["0", "1"])


@NUMBERS
def test_from_the_beginning_to_the_end(tmp_path: Path, workers: str) -> None:
    with service(tmp_path, *ARGUMENTS, "--workers", workers) as server:
        server.wait_for_address()
        assert (tmp_path / "server.pid").read_text() == str(server.pid)
        assert server.stop() == 0
    assert list(tmp_path.glob("*server.pid*")) == []


@NUMBERS
def test_what_a_killed_server_leaves_is_replaced(tmp_path: Path, workers: str) -> None:
    with service(tmp_path, *ARGUMENTS, "--workers", workers) as killed:
        killed.wait_for_address()
        killed.send_signal(signal.SIGKILL)
        assert killed.wait_for_end() == -signal.SIGKILL
    with service(tmp_path, *ARGUMENTS, "--workers", workers) as server:
        server.wait_for(f"Process {killed.pid} has left its pid file behind, replacing it")
        server.wait_for_address()
        assert (tmp_path / "server.pid").read_text() == str(server.pid)


@NUMBERS
def test_second_server_is_refused(tmp_path: Path, workers: str) -> None:
    with service(tmp_path, *ARGUMENTS, "--workers", workers) as first:
        first.wait_for_address()
        with service(tmp_path, *ARGUMENTS, "--workers", workers) as second:
            assert second.wait_for_end() == 2
        assert f"pid_path = 'server.pid': process {first.pid} is running with it" in second.output
        assert (tmp_path / "server.pid").read_text() == str(first.pid)


def test_file_of_another_kind_is_kept(tmp_path: Path) -> None:
    (tmp_path / "server.pid").write_text("precious")
    with service(tmp_path, *ARGUMENTS) as server:
        assert server.wait_for_end() == 2
    assert "pid_path = 'server.pid': what is there is no pid file" in server.output
    assert (tmp_path / "server.pid").read_text() == "precious"


def test_removed_when_the_application_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    with service(tmp_path, *ARGUMENTS) as server:
        assert server.wait_for_end() == 3
    assert not (tmp_path / "server.pid").exists()
