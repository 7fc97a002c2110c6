"""The service manager: what a real notify socket receives."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hypercorn.system.service_manager import ServiceManager


class NotifySocket:
    """What systemd reads."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(address)

    def received(self) -> str:
        """The datagram that is there; sending puts it there."""
        return self._socket.recv(4096).decode()

    def is_full(self) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.setblocking(False)
            try:
                other.sendto(b"x", self._socket.getsockname())
            except BlockingIOError:
                return True
        return False

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "n")


@pytest.fixture
def notified(path: str) -> Iterator[NotifySocket]:
    with contextlib.closing(NotifySocket(path)) as notify_socket:
        yield notify_socket


def manager(path: str, **variables: str) -> ServiceManager:
    return ServiceManager({"NOTIFY_SOCKET": path, **variables})


def test_each_message(path: str, notified: NotifySocket) -> None:
    server = manager(path)
    server.ready()
    assert notified.received() == "READY=1"
    server.stopping()
    assert notified.received() == "STOPPING=1"
    server.alive()
    assert notified.received() == "WATCHDOG=1"
    server.main_pid(17)
    assert notified.received() == "MAINPID=17"


def test_reloading_has_the_time_of_the_system_s_clock(path: str, notified: NotifySocket) -> None:
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    manager(path).reloading()
    after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    message, moment = notified.received().split("\n")
    assert message == "RELOADING=1"
    assert before <= int(moment.removeprefix("MONOTONIC_USEC=")) <= after


def test_a_status_is_one_line(path: str, notified: NotifySocket) -> None:
    manager(path).status("2 workers\nREADY=1 grün")
    assert notified.received() == "STATUS=2 workers READY=1 grün"


def test_an_abstract_socket() -> None:
    name = f"hypercorn-test-{os.getpid()}"
    with contextlib.closing(NotifySocket(f"\0{name}")) as notify_socket:
        manager(f"@{name}").ready()
        assert notify_socket.received() == "READY=1"


@pytest.mark.parametrize("address", ["", "relative", "vsock:2:1234", "/no/such/socket", "/" * 200])
def test_nothing_is_told_where_nobody_listens(address: str) -> None:
    server = manager(address)
    server.ready()
    server.alive()


def test_nothing_is_told_without_a_manager() -> None:
    server = ServiceManager({})
    server.ready()
    assert server.watchdog_interval is None
    assert server.variables_for_successor() == {}


def test_a_manager_that_does_not_read_holds_nobody_up(path: str, notified: NotifySocket) -> None:
    server = manager(path)
    while not notified.is_full():
        server.alive()
    server.ready()


@pytest.mark.parametrize(
    ("variables", "interval"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": str(os.getpid())}, 0.25),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid() + 1)}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({}, None),
    ],
    ids=["any process", "this process", "another process", "no number", "off", "none"],
)
def test_the_watchdog_is_told_twice_as_often(
    path: str, variables: dict[str, str], interval: float | None
) -> None:
    assert manager(path, **variables).watchdog_interval == interval


def test_no_watchdog_without_a_socket() -> None:
    assert ServiceManager({"WATCHDOG_USEC": "30000000"}).watchdog_interval is None


def test_children_do_not_know_the_manager(path: str, notified: NotifySocket) -> None:
    environment = {
        "NOTIFY_SOCKET": path,
        "WATCHDOG_USEC": "2000000",
        "WATCHDOG_PID": str(os.getpid()),
        "HOME": "/",
    }
    server = ServiceManager(environment)
    ServiceManager.forget(environment)
    ServiceManager.forget(environment)
    assert environment == {"HOME": "/"}
    server.ready()
    assert notified.received() == "READY=1"
    assert server.watchdog_interval == 1


def test_a_successor_is_heard_and_watched_whatever_its_process(
    path: str, notified: NotifySocket
) -> None:
    variables = {"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": str(os.getpid())}
    successor = ServiceManager(manager(path, **variables).variables_for_successor())
    successor.ready()
    assert notified.received() == "READY=1"
    assert successor.watchdog_interval == 1
