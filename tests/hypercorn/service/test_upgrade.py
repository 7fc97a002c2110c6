"""An upgrade in place: another server takes over the sockets, and nobody who asks notices."""

from __future__ import annotations

import signal
from pathlib import Path

import psutil
import pytest

from tests.hypercorn.processes import PATIENCE
from tests.hypercorn.service.services import (
    Service,
    answer_on,
    asked,
    begun_request,
    service,
    stop,
)

TCP = ("--bind", "127.0.0.1:0")
UNIX = ("--bind", "unix:server.sock")


def address_of(server: Service, folder: Path, binds: tuple[str, ...]) -> str | Path:
    """Where it serves, once it does."""
    if binds == UNIX:
        server.wait_for("Running on ")
        return folder / "server.sock"
    return server.wait_for_address()


@pytest.mark.parametrize(
    ("workers", "reuse"), [("1", "--reuse-port"), ("2", "--reuse-port"), ("2", "--no-reuse-port")]
)
@pytest.mark.parametrize("binds", [TCP, UNIX], ids=["tcp", "unix"])
def test_upgrade(tmp_path: Path, workers: str, reuse: str, binds: tuple[str, ...]) -> None:
    pid_file, arguments = tmp_path / "pid", ("--workers", workers, reuse, "--pid", "pid", *binds)
    with service(tmp_path, *arguments) as server:
        address = address_of(server, tmp_path, binds)
        with begun_request(address) as request:
            server.send_signal(signal.SIGUSR2)
            successor = server.wait_for_successor()
            request.send(b"1")
            assert answer_on(request)["parent"] == server.pid
        assert asked(address)["parent"] in {server.pid, successor}
        assert server.wait_for_first_to_end() == 0
        assert asked(address)["parent"] == successor
        assert pid_file.read_text() == str(successor)
        stop(successor)
        assert not pid_file.exists()
        assert not (tmp_path / "server.sock").exists()
        server.wait_for_end()


@pytest.mark.parametrize(
    ("workers", "binds"),
    [
        ("1", ("--bind", "fd://3")),
        ("1", ("--bind", "fd://web")),
        ("2", ("--bind", "fd://web", "--bind", "fd://4")),
        ("2", ()),
    ],
)
def test_upgrade_with_sockets_of_a_service_manager(
    tmp_path: Path, workers: str, binds: tuple[str, ...]
) -> None:
    arguments = ("--workers", workers, *binds)
    names = ["web"] if len(binds) == 2 else ["web", "1=one,2"]
    with service(tmp_path, *arguments, sockets=names) as server:
        addresses = [server.wait_for_address() for _ in names]
        former = psutil.Process(server.pid)
        for _ in range(2):
            former.send_signal(signal.SIGUSR2)
            assert [server.wait_for_address() for _ in names] == addresses
            successor = server.wait_for_successor()
            if former.pid != server.pid:
                psutil.wait_procs([former], PATIENCE)
            former = psutil.Process(successor)
        assert server.wait_for_first_to_end() == 0
        assert {asked(address)["parent"] for address in addresses} == {successor}
        stop(successor)


def test_upgrade_with_an_inherited_socket_that_no_variable_tells_of(tmp_path: Path) -> None:
    forget = ["env", "--unset=LISTEN_PID", "--unset=LISTEN_FDS"]
    with service(tmp_path, "--bind", "fd://3", sockets=[""], through=forget) as server:
        address = server.wait_for_address()
        server.send_signal(signal.SIGUSR2)
        assert server.wait_for_address() == address
        successor = server.wait_for_successor()
        assert server.wait_for_first_to_end() == 0
        assert asked(address)["parent"] == successor


@pytest.mark.parametrize("binds", [TCP, UNIX], ids=["tcp", "unix"])
def test_upgrade_that_does_not_start_leaves_the_server(
    tmp_path: Path, binds: tuple[str, ...]
) -> None:
    with service(tmp_path, "--pid", "pid", *binds) as server:
        address = address_of(server, tmp_path, binds)
        (tmp_path / "broken").touch()
        server.send_signal(signal.SIGUSR2)
        line = server.wait_for("The upgrade has failed")
        assert line.endswith("with exit code 3, this server goes on")
        assert "RuntimeError: broken by the test" in server.output
        assert asked(address)["parent"] == server.pid
        assert (tmp_path / "pid").read_text() == str(server.pid)

        (tmp_path / "broken").unlink()
        server.send_signal(signal.SIGUSR2)
        successor = server.wait_for_successor()
        assert server.wait_for_first_to_end() == 0
        assert asked(address)["parent"] == successor


def test_upgrade_to_a_configuration_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "hypercorn.toml").write_text('workers = 1\nbind = "127.0.0.1:0"\n')
    with service(tmp_path, "--config", "hypercorn.toml") as server:
        address = server.wait_for_address()
        (tmp_path / "hypercorn.toml").write_text("workers = -1\n")
        server.send_signal(signal.SIGUSR2)
        server.wait_for("The upgrade has failed with exit code 2, this server goes on")
        assert asked(address)["parent"] == server.pid
        assert server.stop() == 0


def test_upgrade_that_cannot_have_the_pid_file_accepts_nothing(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with service(tmp_path, "--pid", "run/pid", *TCP) as server:
        address = server.wait_for_address()
        (tmp_path / "run").rename(tmp_path / "moved")
        server.send_signal(signal.SIGUSR2)
        server.wait_for("The upgrade has failed with exit code 2, this server goes on")
        assert "pid_path = 'run/pid': cannot be written" in server.output
        assert server.output.count("Running on") == 1
        assert asked(address)["parent"] == server.pid
        assert server.stop() == 0


def test_one_upgrade_at_a_time(tmp_path: Path) -> None:
    with service(tmp_path, *TCP) as server:
        address = server.wait_for_address()
        held = tmp_path / "held"
        held.touch()
        server.send_signal(signal.SIGUSR2)
        server.wait_for("Upgrading: process ")
        server.send_signal(signal.SIGUSR2)
        server.wait_for("An upgrade is under way already")
        assert asked(address)["parent"] == server.pid
        held.unlink()
        successor = server.wait_for_successor()
        assert server.wait_for_first_to_end() == 0
        assert asked(address)["parent"] == successor


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_stop_during_an_upgrade_ends_both(tmp_path: Path, number: signal.Signals) -> None:
    with service(tmp_path, "--pid", "pid", *UNIX) as server:
        server.wait_for("Running on ")
        (tmp_path / "held").touch()
        server.send_signal(signal.SIGUSR2)
        server.wait_for("Upgrading: process ")
        with begun_request(tmp_path / "server.sock"):  # so that the new one ends first
            server.send_signal(number)
            # The new one holds stderr open too.
            assert server.wait_for_end() == 0
        assert "goes on" not in server.output
        assert not (tmp_path / "pid").exists()
        assert not (tmp_path / "server.sock").exists()


def test_upgrade_to_other_binds_and_numbers(tmp_path: Path) -> None:
    configuration = tmp_path / "hypercorn.toml"
    configuration.write_text('workers = 2\nbind = ["127.0.0.1:0", "unix:old.sock"]\n')
    with service(tmp_path, "--config", "hypercorn.toml") as server:
        address = server.wait_for_address()
        server.wait_for("unix:old.sock")
        configuration.write_text('workers = 1\nbind = ["127.0.0.1:0", "unix:new.sock"]\n')
        server.send_signal(signal.SIGUSR2)
        assert server.wait_for_address() == address
        successor = server.wait_for_successor()
        assert server.wait_for_first_to_end() == 0
        assert asked(address)["parent"] == successor
        assert asked(tmp_path / "new.sock")["parent"] == successor
        assert not (tmp_path / "old.sock").exists()
