"""The server as the first process of a container, with which everything else would end."""

from __future__ import annotations

import os
import signal
import subprocess
from multiprocessing import connection
from pathlib import Path

import psutil
import pytest

from tests.hypercorn.processes import PATIENCE
from tests.hypercorn.service.services import SELF_APP, Service, asked, begun_request, service

TCP = ("--bind", "127.0.0.1:0")
NEW_NAMESPACE = ["--pid", "--fork", "--kill-child", "--mount-proc"]


def unsharing() -> list[str]:
    """The command that makes another one the first process; empty if the system does not let us,
    as systems without namespaces do, or those that leave them to root."""
    for rights in ([], ["--map-root-user"]):
        command = ["unshare", *rights, *NEW_NAMESPACE]
        try:
            tried = subprocess.run([*command, "true"], capture_output=True, check=False)
        except OSError:
            return []
        if tried.returncode == 0:
            return command
    return []


UNSHARING = unsharing()
pytestmark = pytest.mark.skipif(not UNSHARING, reason="no pid namespaces here")

ORPHANING_APP = (
    """
import subprocess, sys

# This ends when it has started another one, which nobody waits for and which ends with the gate.
parent = "import subprocess; subprocess.Popen(['cat'], stdin=open('gate', 'rb'))"
subprocess.run([sys.executable, "-c", parent], check=True)
"""
    + SELF_APP
)


def id_inside(process: psutil.Process) -> int:
    """What the process is called in its own namespace."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("NSpid:"))
    return int(line.split()[-1])


def namespace(process: psutil.Process) -> str | None:
    """Where it has its id; None if it has ended, or belongs to somebody else."""
    try:
        return os.readlink(f"/proc/{process.pid}/ns/pid")
    except OSError:
        return None


def is_called(role: str, process: psutil.Process) -> bool:
    """Whether it is one of those; what has ended is none, though it may be listed still."""
    try:
        return f": {role} " in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False


def wait_for_end(process: psutil.Process) -> None:
    """Whether its parent looks at that or not."""
    end = os.pidfd_open(process.pid)
    try:
        assert connection.wait([end], PATIENCE)
    finally:
        os.close(end)


class Container:
    """A server in a pid namespace of its own."""

    def __init__(self, server: Service) -> None:
        self.server = server
        self.address = server.wait_for_address()
        (self.first,) = psutil.Process(server.pid).children()
        self._namespace = namespace(self.first)

    def servers(self) -> dict[int, psutil.Process]:
        """The supervisors, by their ids in the container."""
        return {id_inside(each): each for each in psutil.process_iter() if self._is_server(each)}

    def _is_server(self, process: psutil.Process) -> bool:
        return namespace(process) == self._namespace and is_called("supervisor", process)

    def upgrade(self) -> psutil.Process:
        """Have another server take over; returns it."""
        self.first.send_signal(signal.SIGUSR2)
        successor = self.server.wait_for_successor()
        return self.servers()[successor]

    def wait_for_successor(self) -> int:
        """The server that has taken over, once those before are gone, but for the first process,
        which has no workers any more."""
        successor = self.server.wait_for_successor()
        former = [each for number, each in self.servers().items() if number not in (1, successor)]
        workers = [each for each in self.first.children() if is_called("worker", each)]
        psutil.wait_procs([*former, *workers], PATIENCE)
        assert self.servers().keys() == {1, successor}
        return successor

    def end(self) -> int:
        """Stop the first process; returns the exit code that the container has."""
        self.first.terminate()
        return self.server.wait_for_end()


@pytest.mark.parametrize("workers", ["0", "1", "2"])
def test_stop(tmp_path: Path, workers: str) -> None:
    arguments = (*TCP, "--workers", workers, "--pid", "pid")
    with service(tmp_path, *arguments, through=UNSHARING) as server:
        container = Container(server)
        assert (tmp_path / "pid").read_text() == "1"
        assert asked(container.address)["parent"] == (0 if workers == "0" else 1)
        assert container.end() == 0


def test_exit_code_of_a_failure(tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    with service(tmp_path, *TCP, through=UNSHARING) as server:
        assert server.wait_for_end() == 3


def test_stop_before_anything_is_served(tmp_path: Path) -> None:
    """What signals do by themselves they do not do to the first process."""
    config = tmp_path / "conf.py"
    config.write_text("import sys, time; sys.stderr.write('reading\\n'); time.sleep(600)")
    with service(tmp_path, "--config", "file:conf.py", through=UNSHARING) as server:
        server.wait_for("reading")
        psutil.Process(server.pid).children()[0].terminate()
        assert server.wait_for_end() == 128 + signal.SIGTERM
    assert "Traceback" not in server.output


def test_pid_file_of_a_container_that_was_killed(tmp_path: Path) -> None:
    arguments = (*TCP, "--pid", "pid")
    with service(tmp_path, *arguments, through=UNSHARING) as server:
        Container(server).first.kill()
        server.wait_for_end()
    with service(tmp_path, *arguments, through=UNSHARING) as server:
        server.wait_for("Process 1 has left its pid file behind, replacing it")
        assert Container(server).end() == 0


def test_upgrades_leave_the_first_process(tmp_path: Path) -> None:
    arguments = (*TCP, "--pid", "pid")
    with service(tmp_path, *arguments, through=UNSHARING) as server:
        container = Container(server)
        for _ in range(3):
            container.first.send_signal(signal.SIGUSR2)
            successor = container.wait_for_successor()
            assert (tmp_path / "pid").read_text() == str(successor)
            assert asked(container.address)["parent"] == successor
        assert container.end() == 0
    assert not (tmp_path / "pid").exists()


def test_other_signals_reach_the_server_behind(tmp_path: Path) -> None:
    with service(tmp_path, *TCP, through=UNSHARING) as server:
        container = Container(server)
        container.first.send_signal(signal.SIGUSR2)
        container.wait_for_successor()
        former = asked(container.address)["pid"]
        container.first.send_signal(signal.SIGHUP)
        server.wait_for(f"Worker {former} has stopped, another one serves")
        assert asked(container.address)["pid"] != former
        assert container.end() == 0


def test_exit_code_of_the_server_behind(tmp_path: Path) -> None:
    with service(tmp_path, *TCP, through=UNSHARING) as server:
        container = Container(server)
        container.first.send_signal(signal.SIGUSR2)
        successor = container.wait_for_successor()
        container.servers()[successor].kill()
        assert server.wait_for_end() == 128 + signal.SIGKILL


def test_stop_while_the_first_process_hands_over(tmp_path: Path) -> None:
    with service(tmp_path, *TCP, through=UNSHARING) as server:
        container = Container(server)
        with begun_request(container.address):
            container.first.send_signal(signal.SIGUSR2)
            server.wait_for_successor()
            assert container.end() == 0


def test_end_of_a_later_server_while_the_first_process_hands_over(tmp_path: Path) -> None:
    with service(tmp_path, *TCP, "--graceful-timeout", "60", through=UNSHARING) as server:
        container = Container(server)
        with begun_request(container.address):
            second, third = container.upgrade(), container.upgrade()
            wait_for_end(second)
            third.kill()
            wait_for_end(third)
        assert server.wait_for_end() == 128 + signal.SIGKILL


def test_end_of_a_later_server_while_the_one_before_hands_over(tmp_path: Path) -> None:
    """It is that one's child, but the container ends with it all the same."""
    with service(tmp_path, *TCP, "--graceful-timeout", "60", through=UNSHARING) as server:
        container = Container(server)
        container.upgrade()
        with begun_request(container.address):
            third = container.upgrade()
            third.kill()
            wait_for_end(third)
        assert server.wait_for_end() == 128 + signal.SIGKILL


def test_upgrade_that_fails(tmp_path: Path) -> None:
    with service(tmp_path, *TCP, through=UNSHARING) as server:
        container = Container(server)
        (tmp_path / "broken").touch()
        container.first.send_signal(signal.SIGUSR2)
        server.wait_for("The upgrade has failed with exit code 3, this server goes on")
        assert container.end() == 0


@pytest.mark.parametrize("signals", [(), (signal.SIGUSR2,)], ids=["first", "upgraded"])
def test_orphans_are_let_go_of(tmp_path: Path, signals: tuple[signal.Signals, ...]) -> None:
    os.mkfifo(tmp_path / "gate")
    with (
        open(tmp_path / "gate", "r+b", buffering=0) as gate,
        service(tmp_path, *TCP, app=ORPHANING_APP, through=UNSHARING) as server,
    ):
        container = Container(server)
        for number in signals:
            container.first.send_signal(number)
            container.wait_for_successor()
        orphans = [each for each in container.first.children() if each.name() == "cat"]
        assert len(orphans) == 1 + len(signals)
        gate.close()
        assert psutil.wait_procs(orphans, PATIENCE)[1] == []
        assert container.end() == 0
