"""What each signal asks the server for."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.hypercorn.processes import PATIENCE, PID_APP, Server, served

BREAKABLE_APP = (
    """
import os

if os.path.exists("broken"):
    raise RuntimeError("broken by the test")
"""
    + PID_APP
)

ENV_APP = PID_APP.replace(
    "str(os.getpid()).encode()", "f\"{os.getpid()} {os.environ.get('VALUE')}\".encode()"
)


def stopped(server: Server, number: int) -> set[str]:
    """Wait until so many workers have been replaced; returns their ids."""
    lines = [server.wait_for("has stopped, another one serves") for _ in range(number)]
    return {line.split("Worker ")[1].split()[0] for line in lines}


@pytest.mark.parametrize(
    ("loop", "number"),
    [("asyncio", signal.SIGUSR1), ("uvloop", signal.SIGHUP), ("trio", signal.SIGUSR1)],
)
def test_workers_are_replaced_one_after_another(
    tmp_path: Path, loop: str, number: signal.Signals
) -> None:
    with served(tmp_path, "--workers", "2", "--worker-class", loop) as server:
        address = server.wait_for_address()
        server.send_signal(number)
        gone = stopped(server, 2)
        assert len(gone) == 2
        assert server.get(address) not in gone
        assert server.stop() == 0


def test_several_are_replaced_at_once(tmp_path: Path) -> None:
    """The application of a new worker does not start before another one's has."""
    app = (
        """
import os, sys

if os.path.exists("pairs"):
    with open("gate", "rb", buffering=0) as gate:
        sys.stderr.write("importing\\n")  # in one piece: the other one writes as well
        gate.read(1)
"""
        + PID_APP
    )
    os.mkfifo(tmp_path / "gate")
    with (
        served(tmp_path, "--workers", "4", "--max-surge", "2", app=app) as server,
        open(tmp_path / "gate", "r+b", buffering=0) as gate,  # no worker waits to open it
    ):
        server.wait_for_address()
        (tmp_path / "pairs").touch()
        server.send_signal(signal.SIGUSR1)
        for _ in range(2):
            server.wait_for("importing")
        (tmp_path / "pairs").unlink()
        gate.write(b"..")
        assert len(stopped(server, 4)) == 4
        assert server.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGHUP])
def test_restart_is_given_up_for_all_that_are_replaced_at_once(
    tmp_path: Path, number: signal.Signals
) -> None:
    """Or new and old workers would serve side by side."""
    app = (
        """
import os, sys

if os.path.exists("pairs"):
    with open("gate", "rb", buffering=0) as gate:
        sys.stderr.write(f"importing in {os.getpid()}\\n")
        gate.read(1)
    raise RuntimeError("broken by the test")
"""
        + PID_APP
    )
    os.mkfifo(tmp_path / "gate")
    with (
        served(tmp_path, "--workers", "2", "--max-surge", "2", app=app) as server,
        open(tmp_path / "gate", "r+b", buffering=0) as gate,
    ):
        server.wait_for_address()
        (tmp_path / "pairs").touch()
        server.send_signal(number)
        lines = [server.wait_for("importing in ") for _ in range(2)]
        successors = [psutil.Process(int(line.split()[-1])) for line in lines]
        gate.write(b".")  # one of them goes on
        server.wait_for("The restart is given up, the workers go on")
        assert psutil.wait_procs(successors, PATIENCE)[1] == []
        assert server.stop() == 0
    assert server.output.count("RuntimeError: broken by the test") == 1
    assert "another one serves" not in server.output


def test_one_worker_more_and_one_less(tmp_path: Path) -> None:
    with served(tmp_path, "--workers", "1") as server:
        address = server.wait_for_address()
        pid = server.get(address)
        server.send_signal(signal.SIGTTIN)
        server.wait_for("2 workers from now on")
        pids = {pid}
        while len(pids) < 2:
            pids.add(server.get(address))
        server.send_signal(signal.SIGTTOU)
        server.wait_for("1 worker from now on")
        assert stopped(server, 1) == pids - {pid}
        server.send_signal(signal.SIGTTOU)
        server.wait_for("1 worker from now on")
        assert {server.get(address) for _ in range(10)} == {pid}
        assert server.stop() == 0


def test_what_is_sent_to_all_processes_is_the_supervisors(tmp_path: Path) -> None:
    with served(tmp_path, "--workers", "2") as server:
        address = server.wait_for_address()
        for number in (signal.SIGTTIN, signal.SIGTTOU, signal.SIGHUP, signal.SIGUSR1):
            server.send_signal_to_all(number)
        stopped(server, 2)
        assert server.get(address).isdigit()
        assert server.stop() == 0
    assert "was killed" not in server.output


def test_reading_a_file_again(tmp_path: Path) -> None:
    """The address that is kept never refuses, one that is given up does in the end."""
    config = tmp_path / "hypercorn.toml"
    config.write_text('workers = 2\ninclude_server_header = true\nbind = "127.0.0.1:0"\n')
    with served(tmp_path, "--config", "hypercorn.toml", bind=None) as server:
        address = server.wait_for_address()
        config.write_text(
            f'workers = 1\ninclude_server_header = false\nbind = ["{address}", "unix:added.sock"]'
        )
        server.send_signal(signal.SIGHUP)
        stopped(server, 2)
        with server.begin(address) as connection:
            assert connection.getresponse().getheader("server") is None
        assert (tmp_path / "added.sock").is_socket()
        config.write_text('bind = "unix:added.sock"\n')
        server.send_signal(signal.SIGHUP)
        stopped(server, 1)
        with pytest.raises(ConnectionError):
            server.get(address)
        assert server.stop() == 0
    assert not (tmp_path / "added.sock").exists()


def test_file_that_is_put_back_before_it_was_used(tmp_path: Path) -> None:
    """The former address is still served, by the workers that were to be replaced."""
    hesitation = "await receive(); os.write(2, b'hesitating\\n'); open('gate').close()\n"
    app = PID_APP.replace("await receive()\n", hesitation)
    config = tmp_path / "hypercorn.toml"
    config.write_text('workers = 1\nbind = "127.0.0.1:0"\n')
    (tmp_path / "gate").touch()
    with served(tmp_path, "--config", "hypercorn.toml", app=app, bind=None) as server:
        address = server.wait_for_address()
        (tmp_path / "gate").unlink()
        os.mkfifo(tmp_path / "gate")
        for bind in ("unix:other.sock", address):
            config.write_text(f'workers = 1\nbind = "{bind}"\n')
            server.send_signal(signal.SIGHUP)
            server.wait_for("hesitating")
        with open(tmp_path / "gate", "w"):
            stopped(server, 1)
        assert server.get(address)
        server.send_signal(signal.SIGQUIT)  # or the application waits again
        server.wait_for_end()
    assert "Nothing is changed" not in server.output


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("workers = 'four'", "workers = 'four': must be a whole number"),
        ("workers = 0", "workers = 0: to serve without workers the server has to be restarted"),
        ("wrokers = 4", "unknown option 'wrokers'; did you mean 'workers'?"),
        ("not toml", "hypercorn.toml: not TOML"),
        ('bind = "192.0.2.1:0"', "this machine does not have the address 192.0.2.1:0"),
        ('certfile = "none"\nkeyfile = "none"', "certfile = 'none': No such file"),
    ],
)
def test_file_that_cannot_be_used_changes_nothing(
    tmp_path: Path, content: str, message: str
) -> None:
    config = tmp_path / "hypercorn.toml"
    config.write_text("workers = 1")
    with served(tmp_path, "--config", "hypercorn.toml") as server:
        address = server.wait_for_address()
        pid = server.get(address)
        config.write_text(content)
        server.send_signal(signal.SIGHUP)
        if "bind" in content:  # the flag wins
            assert stopped(server, 1) == {pid}
            return
        assert message in server.wait_for("Nothing is changed, the configuration cannot be used")
        assert server.get(address) == pid


@pytest.mark.parametrize("location", ["file:conf.py", "python:conf"])
def test_configuration_that_exits_does_not_end_the_server(tmp_path: Path, location: str) -> None:
    (tmp_path / "conf.py").write_text("workers = 1")
    with served(tmp_path, "--config", location) as server:
        address = server.wait_for_address()
        pid = server.get(address)
        (tmp_path / "conf.py").write_text("import sys\nsys.exit('no secret')")
        server.send_signal(signal.SIGHUP)
        line = server.wait_for("Nothing is changed, the configuration cannot be used")
        assert "ended the process: no secret" in line
        assert server.get(address) == pid
        assert server.stop() == 0


@pytest.mark.parametrize("location", ["file:conf.py", "python:conf", "python:conf.settings"])
def test_reading_python_again(tmp_path: Path, location: str) -> None:
    source = (
        "class settings:\n    workers = {0}\n" if "settings" in location else "workers = {0}\n"
    )
    (tmp_path / "conf.py").write_text(source.format(2))
    with served(tmp_path, "--config", location) as server:
        server.wait_for_address()
        # As many seconds and bytes as before: what is compiled must not be taken for it.
        (tmp_path / "conf.py").write_text(source.format(1))
        server.send_signal(signal.SIGHUP)
        stopped(server, 2)
        server.send_signal(signal.SIGHUP)
        stopped(server, 1)
        assert server.stop() == 0


def test_configuration_whose_application_does_not_start_is_given_up(tmp_path: Path) -> None:
    """Replacements of workers are started with the one that is served."""
    config = tmp_path / "hypercorn.toml"
    config.write_text('application_path = "served_app:app"\nworkers = 1')
    command = ["-m", "hypercorn", "--bind", "127.0.0.1:0", "--config", "hypercorn.toml"]
    (tmp_path / "served_app.py").write_text(PID_APP)
    server = Server(tmp_path, command=command)
    try:
        address = server.wait_for_address()
        pid = server.get(address)
        config.write_text('application_path = "served_app:no_such"\nworkers = 3')
        server.send_signal(signal.SIGHUP)
        server.wait_for("The restart is given up, the workers go on")
        assert server.get(address) == pid
        os.kill(int(pid), signal.SIGKILL)
        server.wait_for(f"Worker {pid} was killed by SIGKILL")
        assert server.get(address) != pid
        assert server.stop() == 0
    finally:
        server.abandon()


def renewable(folder: Path, app: str, *, workers: int) -> tuple[Server, Path]:
    """A server whose configuration can be changed to serve another application, ``new_app``."""
    config = folder / "hypercorn.toml"
    config.write_text(f'application_path = "served_app:app"\nworkers = {workers}')
    (folder / "served_app.py").write_text(PID_APP)
    (folder / "new_app.py").write_text(app)
    command = ["-m", "hypercorn", "--bind", "127.0.0.1:0", "--config", "hypercorn.toml"]
    return Server(folder, command=command), config


def test_configuration_is_given_up_though_the_worker_it_was_to_replace_has_died(
    tmp_path: Path,
) -> None:
    app = """
import sys

print("importing", file=sys.stderr, flush=True)
with open("gate", "rb") as gate:
    gate.read()
raise RuntimeError("broken by the test")
"""
    os.mkfifo(tmp_path / "gate")
    server, config = renewable(tmp_path, app, workers=1)
    try:
        address = server.wait_for_address()
        pid = server.get(address)
        config.write_text('application_path = "new_app:app"\nworkers = 1')
        server.send_signal(signal.SIGHUP)
        server.wait_for("importing")
        os.kill(int(pid), signal.SIGKILL)
        server.wait_for(f"Worker {pid} was killed by SIGKILL")
        (tmp_path / "gate").write_bytes(b"")
        server.wait_for("The restart is given up")
        assert server.get(address) != pid
        assert server.stop() == 0
    finally:
        server.abandon()


def test_configuration_that_is_given_up_leaves_as_many_workers_as_there_were(
    tmp_path: Path,
) -> None:
    server, config = renewable(tmp_path, "", workers=1)
    try:
        server.wait_for_address()
        server.send_signal(signal.SIGTTIN)
        server.wait_for("2 workers from now on")
        config.write_text('application_path = "new_app:app"\nworkers = 1')
        server.send_signal(signal.SIGHUP)
        server.wait_for("The restart is given up")
        server.send_signal(signal.SIGTTIN)
        server.wait_for("3 workers from now on")
        assert server.stop() == 0
    finally:
        server.abandon()


def test_restart_is_given_up_if_the_new_worker_cannot_serve(tmp_path: Path) -> None:
    with served(tmp_path, "--workers", "2", app=BREAKABLE_APP) as server:
        server.wait_for_address()
        (tmp_path / "broken").touch()
        server.send_signal(signal.SIGUSR1)
        server.wait_for("The restart is given up")
        server.wait_for("RuntimeError: broken by the test")
        (tmp_path / "broken").unlink()
        server.send_signal(signal.SIGUSR1)
        assert len(stopped(server, 2)) == 2
        assert server.stop() == 0


@pytest.mark.parametrize(
    ("loop", "number"), [("asyncio", signal.SIGHUP), ("trio", signal.SIGUSR1)]
)
def test_log_files_are_opened_anew(tmp_path: Path, loop: str, number: signal.Signals) -> None:
    arguments = ("--log-file", "error.log", "--access-logfile", "access.log")
    with served(tmp_path, *arguments, "--worker-class", loop, "--pid", "pid") as server:
        server.wait_for_file(tmp_path / "error.log", "Running on ")
        address = server.address_in((tmp_path / "error.log").read_text())
        server.get(address, "/before")
        server.wait_for_file(tmp_path / "access.log", "/before")
        for name in ("error", "access"):
            (tmp_path / f"{name}.log").rename(tmp_path / f"{name}.old")
        server.send_signal(number)
        server.wait_for_file(tmp_path / "error.log", "has stopped, another one serves")
        server.get(address, "/after")
        server.wait_for_file(tmp_path / "access.log", "/after")
        assert server.stop() == 0
    assert "/after" not in (tmp_path / "access.old").read_text()
    assert "another one serves" not in (tmp_path / "error.old").read_text()
