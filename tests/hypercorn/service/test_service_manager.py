"""What systemd, or who speaks as it does, is told, and the sockets that it hands over."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.hypercorn.certificates import write_certificate
from tests.hypercorn.service.managers import managed
from tests.hypercorn.service.services import SELF_APP, asked, service

TCP = ("--bind", "127.0.0.1:0")
KINDS = ["path", "abstract"] if sys.platform == "linux" else ["path"]
NUMBERS = pytest.mark.parametrize("workers", ["0", "1", "2"])

GATED_APP = (
    """
import os, sys

try:
    os.close(os.open("first", os.O_CREAT | os.O_EXCL))
    print("the first one starts", file=sys.stderr, flush=True)
except FileExistsError:
    open("gate").close()  # returns once somebody opens the other end
"""
    + SELF_APP
)
"""The first worker serves at once, the others are held at the gate."""


@pytest.mark.parametrize("kind", KINDS)
@NUMBERS
def test_from_ready_to_stopping(tmp_path: Path, kind: str, workers: str) -> None:
    arguments = ("--workers", workers, *TCP)
    with managed(tmp_path, kind) as manager:
        with service(tmp_path, *arguments, environment=manager.environment) as server:
            ready = manager.receive()
            assert (ready.sender, ready.values) == (server.pid, {"READY": "1"})
            assert "NOTIFY_SOCKET" not in asked(server.wait_for_address())["environment"]
            assert server.stop() == 0
        stopping = manager.receive()
        assert (stopping.sender, stopping.values) == (server.pid, {"STOPPING": "1"})
        assert manager.is_silent()


def test_ready_when_all_workers_serve(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    arguments = ("--workers", "2", "--bind", "unix:server.sock")
    with managed(tmp_path, "path") as manager:
        environment = manager.environment
        with service(tmp_path, *arguments, app=GATED_APP, environment=environment) as server:
            server.wait_for("the first one starts")
            assert asked(tmp_path / "server.sock")["parent"] == server.pid
            assert manager.is_silent()
            (tmp_path / "gate").write_text("")
            assert manager.receive().values == {"READY": "1"}


def test_nothing_but_stopping_is_told_of_a_start_that_fails(tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    with managed(tmp_path, "path") as manager:
        with service(tmp_path, *TCP, environment=manager.environment) as server:
            assert server.wait_for_end() == 3
        assert manager.receive().values == {"STOPPING": "1"}
        assert manager.is_silent()


def test_reloading(tmp_path: Path) -> None:
    with (
        managed(tmp_path, "path") as manager,
        service(tmp_path, *TCP, environment=manager.environment) as server,
    ):
        ready, address = manager.receive(), server.wait_for_address()
        former = asked(address)["pid"]
        server.send_signal(signal.SIGHUP)
        reloading = manager.receive()
        assert reloading.values.pop("MONOTONIC_USEC").isdecimal()
        assert reloading.values == {"RELOADING": "1"}
        assert manager.receive() == ready
        server.wait_for(f"Worker {former} has stopped")
        assert asked(address)["pid"] != former


def test_reloading_what_cannot_be_used(tmp_path: Path) -> None:
    configuration = tmp_path / "hypercorn.toml"
    configuration.write_text('bind = "127.0.0.1:0"')
    arguments = ("--config", "hypercorn.toml")
    with (
        managed(tmp_path, "path") as manager,
        service(tmp_path, *arguments, environment=manager.environment) as server,
    ):
        ready = manager.receive()
        configuration.write_text("workers = -1")
        server.send_signal(signal.SIGHUP)
        assert "RELOADING" in manager.receive().values
        assert manager.receive() == ready
        server.wait_for("Nothing is changed, the configuration cannot be used")


@NUMBERS
def test_watchdog(tmp_path: Path, workers: str) -> None:
    arguments = ("--workers", workers, *TCP)
    with managed(tmp_path, "path") as manager:
        environment = {**manager.environment, "WATCHDOG_USEC": "200000"}
        with service(tmp_path, *arguments, environment=environment) as server:
            for _ in range(3):
                assert manager.wait_for("WATCHDOG").values == {"WATCHDOG": "1"}
            assert manager.notices[-1].sender == server.pid
            assert "WATCHDOG_USEC" not in asked(server.wait_for_address())["environment"]


def test_watchdog_of_another_process(tmp_path: Path) -> None:
    with managed(tmp_path, "path") as manager:
        watched = {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": str(os.getpid())}
        environment = {**manager.environment, **watched}
        with service(tmp_path, *TCP, environment=environment) as server:
            manager.wait_for("READY")
            assert server.stop() == 0
        manager.wait_for("STOPPING")
        assert not any("WATCHDOG" in notice.values for notice in manager.notices)


def test_upgrade_changes_the_main_process(tmp_path: Path) -> None:
    with managed(tmp_path, "path") as manager:
        environment = {**manager.environment, "WATCHDOG_USEC": "500000"}
        with service(tmp_path, *TCP, environment=environment) as server:
            manager.wait_for("READY")
            server.send_signal(signal.SIGUSR2)
            main = manager.wait_for("MAINPID")
            successor = server.wait_for_successor()
            assert (main.sender, main.values) == (server.pid, {"MAINPID": str(successor)})
            assert server.wait_for_first_to_end() == 0
            while manager.wait_for("WATCHDOG").sender != successor:
                pass
            os.kill(successor, signal.SIGTERM)
            assert manager.wait_for("STOPPING").sender == successor
        ready = [notice.sender for notice in manager.notices if "READY" in notice.values]
        assert ready == [server.pid, successor]


@pytest.mark.parametrize(
    ("workers", "bind"), [("0", "fd://web"), ("0", None), ("1", "fd://3"), ("2", None)]
)
def test_socket_activation(tmp_path: Path, workers: str, bind: str | None) -> None:
    arguments = ("--workers", workers, *(("--bind", bind) if bind else ()))
    with service(tmp_path, *arguments, sockets=["web"]) as server:
        about = asked(server.wait_for_address())
        assert not any(name.startswith("LISTEN_") for name in about["environment"])
        assert server.stop() == 0


def test_socket_activation_without_names(tmp_path: Path) -> None:
    with service(tmp_path, sockets=["", ""]) as server:
        first, second = server.wait_for_address(), server.wait_for_address()
        assert first != second
        assert asked(first)["pid"] == asked(second)["pid"]


def test_socket_activation_with_tls_by_name(tmp_path: Path) -> None:
    files = write_certificate(tmp_path)
    tls = ("--certfile", files.certfile, "--keyfile", files.keyfile)
    binds = ("--bind", "fd://tls", "--insecure-bind", "fd://plain")
    with service(tmp_path, *tls, *binds, sockets=["plain", "tls"]) as server:
        lines = [server.wait_for("Running on http"), server.wait_for("Running on http")]
        addresses = {
            line.split("Running on ")[1].split("://")[0]: line.split("://")[1].split()[0]
            for line in lines
        }
        assert asked(addresses["https"], files.ca_certs)["scheme"] == "https"
        assert asked(addresses["http"])["scheme"] == "http"


def test_sockets_of_another_process_are_left_alone(tmp_path: Path) -> None:
    others = {"LISTEN_PID": str(os.getpid())}
    with service(tmp_path, *TCP, sockets=["web"], environment=others) as server:
        asked(server.wait_for_address())
        assert server.stop() == 0
    with service(tmp_path, "--bind", "fd://web", sockets=["web"], environment=others) as server:
        assert server.wait_for_end() == 2
        assert "fd://web: the service manager has passed no socket of that name" in server.output


def test_a_name_that_no_socket_has(tmp_path: Path) -> None:
    with service(tmp_path, "--bind", "fd://api", sockets=["web", "admin"]) as server:
        assert server.wait_for_end() == 2
        assert "fd://api" in server.output
        assert "(web, admin)" in server.output
