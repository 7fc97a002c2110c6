"""Workers that are forked, with the real processes, and the test in the supervisor's place."""

from __future__ import annotations

import contextlib
import http.client
import importlib
import logging
import multiprocessing
import os
import signal
from collections.abc import Iterator
from math import inf
from multiprocessing import connection
from pathlib import Path
from typing import IO

import psutil
import pytest

from hypercorn.config import Config
from hypercorn.errors import ExitCode
from hypercorn.supervision.channel import Failed, Message, Ready
from hypercorn.supervision.handle import Generation, WorkerHandle
from hypercorn.supervision.health import HealthCheck
from hypercorn.supervision.listening import ListeningSockets
from hypercorn.supervision.preloading import Preloader
from hypercorn.supervision.process import Spawner
from hypercorn.supervision.starters import starter_of
from hypercorn_workers.worker import Ending
from tests.hypercorn.processes import PATIENCE, PID_APP, pid_app, served

NOTE_IMPORT = """
import os
with open("imports", "a") as file:
    print(os.getpid(), file=file)
"""
"""Leaves the id of the process that imports the application in a file."""
APP = NOTE_IMPORT + PID_APP
GATED_APP = NOTE_IMPORT + "open('gate').read()\n" + PID_APP
"""The import waits for the end of what comes through a pipe."""
THREADED_APP = (
    NOTE_IMPORT
    + """
import threading
threading.Thread(target=threading.Event().wait, name="cache filler", daemon=True).start()
"""
    + PID_APP
)
BROKEN_APP = NOTE_IMPORT + "raise RuntimeError('broken by the test')\n"
OWN_LOGGING = """
from hypercorn.logging import Logger

class OwnLogger(Logger):
    pass
"""


class Supervision:
    """What a supervisor has of the workers that it starts with a preloader."""

    def __init__(self, config: Config, *, imports_application: bool) -> None:
        log = logging.getLogger("tests.preloading")
        self.preloader = Preloader(config, log, imports_application=imports_application)
        self.generation = Generation(config, ListeningSockets(config), self.preloader)
        self.workers: list[WorkerHandle] = []

    def start(self, number: int = 1) -> WorkerHandle:
        self.workers.append(WorkerHandle(self.generation, number))
        return self.workers[-1]

    def started(self, number: int = 1) -> WorkerHandle:
        """One that serves."""
        worker = self.start(number)
        messages = heard(worker)
        assert any(isinstance(message, Ready) for message in messages), messages
        worker.serves(now=0.0, heartbeat=1.0)
        return worker

    def get(self) -> int:
        """The process id that a request is answered with."""
        host, port = self.generation.sockets.of(1).insecure_sockets[0].getsockname()
        client = http.client.HTTPConnection(host, port, timeout=PATIENCE)
        with contextlib.closing(client):
            client.request("GET", "/")
            return int(client.getresponse().read())

    def close(self) -> None:
        for worker in self.workers:
            worker.kill()
            worker.close()
        self.generation.close()
        self.workers.clear()
        for child in multiprocessing.active_children():
            child.join(PATIENCE)
            assert child.exitcode is not None, f"{child.name} does not end"


def heard(worker: WorkerHandle) -> list[Message]:
    """What a worker says that has come to serve, or has ended."""
    while worker.exit_code() is None:
        assert connection.wait(worker.waited_for(), PATIENCE), "the worker is silent"  # type: ignore[arg-type]
        if messages := worker.listen():
            worker.exit_code()  # reads what its process is called, which has come by now
            return messages
    return worker.listen()


def ended(worker: WorkerHandle) -> int:
    """The exit code of a worker, when it has ended."""
    while (code := worker.exit_code()) is None:
        assert connection.wait(worker.waited_for(), PATIENCE), "the worker goes on"  # type: ignore[arg-type]
        worker.listen()
    return code


def importers(folder: Path) -> list[int]:
    """The ids of the processes that have imported the application."""
    return [int(line) for line in (folder / "imports").read_text().splitlines()]


@contextlib.contextmanager
def supervision(
    folder: Path, app: str = APP, *, imports_application: bool = True, **options: object
) -> Iterator[Supervision]:
    (folder / "preloaded.py").write_text(app)
    options |= {"application_path": "preloaded:app", "bind": ["127.0.0.1:0"], "reuse_port": False}
    config = Config.from_mapping(options)
    supervision = Supervision(config, imports_application=imports_application)
    try:
        yield supervision
    finally:
        supervision.close()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the processes run."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("loop", ["asyncio", "uvloop", "trio"])
def test_workers_share_one_import(folder: Path, loop: str) -> None:
    with supervision(folder, worker_class=loop) as supervisor:
        first, second = supervisor.started(1), supervisor.started(2)
        (importer,) = importers(folder)
        assert len({first.pid, second.pid, importer, os.getpid()}) == 4
        assert supervisor.get() in {first.pid, second.pid}


def test_ends_of_workers(folder: Path) -> None:
    with supervision(folder) as supervisor:
        stopped, killed = supervisor.started(1), supervisor.started(2)
        killed.kill()
        stopped.stop(Ending.STOPPED)
        assert ended(killed) == -signal.SIGKILL
        assert ended(stopped) == ExitCode.OK


def test_a_worker_whose_descendants_live_on(folder: Path) -> None:
    """They have all that it had, and with it what could tell of its end."""
    app = pid_app("if os.fork() == 0:", "    import time", "    time.sleep(600)")
    with served(folder, "--preload", "--workers", "1", app=app) as server:
        address = server.wait_for_address()
        pid = server.get(address)
        os.kill(int(pid), signal.SIGKILL)
        server.wait_for(f"Worker {pid} was killed by SIGKILL")
        assert server.get(address) != pid


def test_exit_functions(folder: Path) -> None:
    """Those of a worker are called when it ends, those of the import once."""
    app = """
import atexit, os

def note(what):
    with open("exits", "a") as file:
        print(what, os.getpid(), file=file)

atexit.register(note, "import")
""" + pid_app("atexit.register(note, 'request')")
    with served(folder, "--preload", "--workers", "1", app=app) as server:
        pid = server.get(server.wait_for_address())
        assert server.stop() == 0
    ends = (folder / "exits").read_text().splitlines()
    assert f"request {pid}" in ends
    assert [line.split()[0] for line in sorted(ends)] == ["import", "request"]


def test_a_worker_leaves_the_other_ones_end_to_be_seen(folder: Path) -> None:
    with supervision(folder) as supervisor:
        first, second = supervisor.started(1), supervisor.started(2)
        first.stop(Ending.REPLACED)
        assert ended(first) == ExitCode.OK
        assert supervisor.get() == second.pid


def test_an_import_that_fails_is_told_and_tried_again(folder: Path) -> None:
    with supervision(folder, BROKEN_APP) as supervisor:
        workers = [supervisor.start(number) for number in (1, 2)]
        for worker in workers:
            (failed,) = heard(worker)
            assert ended(worker) == ExitCode.APPLICATION_FAILED
            assert isinstance(failed, Failed)
            assert failed.code == ExitCode.APPLICATION_FAILED
            assert "RuntimeError: broken by the test" in failed.reason
        assert len(importers(folder)) == 1
        (folder / "preloaded.py").write_text("# mended\n" + APP)
        supervisor.started()
        assert len(importers(folder)) == 2


def test_threads_of_the_import_prevent_forking(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with supervision(folder, THREADED_APP) as supervisor:
        workers = [supervisor.start(number) for number in (1, 2)]
        for worker in workers:
            assert [type(message) for message in heard(worker)] == [Ready]
        third = supervisor.started(3)
        pids = {worker.pid for worker in (*workers, third)}
        assert len(pids) == 3
        assert pids < set(importers(folder))
        (warning,) = [record.message for record in caplog.records]
        assert "cache filler" in warning
        workers[0].kill()
        third.stop(Ending.STOPPED)
        assert ended(workers[0]) == -signal.SIGKILL
        assert ended(third) == ExitCode.OK


def test_workers_outlive_the_preloader(folder: Path) -> None:
    with supervision(folder) as supervisor:
        first, second = supervisor.started(1), supervisor.started(2)
        os.kill(importers(folder)[0], signal.SIGKILL)
        first.kill()
        # Nobody can tell how it ended, but it has not said that it would.
        assert ended(first) == -signal.SIGKILL
        assert supervisor.get() == second.pid
        successor = supervisor.started(1)
        second.stop(Ending.REPLACED)
        assert ended(second) == ExitCode.OK
        assert supervisor.get() == successor.pid


def test_workers_whose_descendants_outlive_them_and_the_preloader(folder: Path) -> None:
    app = NOTE_IMPORT + pid_app("if os.fork() == 0:", "    import time", "    time.sleep(600)")
    with supervision(folder, app) as supervisor:
        worker = supervisor.started()
        (descendant,) = psutil.Process(supervisor.get()).children()
        os.kill(importers(folder)[0], signal.SIGKILL)
        worker.kill()
        assert ended(worker) == -signal.SIGKILL
        descendant.kill()


def test_the_preloader_outlives_a_signal_to_all(folder: Path) -> None:
    with supervision(folder) as supervisor:
        supervisor.started(1)
        (importer,) = importers(folder)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(importer, number)
        supervisor.started(2)
        assert importers(folder) == [importer]


def test_a_signal_ends_workers_that_have_just_been_forked(folder: Path) -> None:
    with supervision(folder) as supervisor:
        supervisor.started(1)
        for _ in range(5):
            worker = supervisor.start(2)
            worker.stop(Ending.STOPPED)
            assert ended(worker) in {-signal.SIGTERM, ExitCode.OK}


def held_up(folder: Path) -> IO[str]:
    """The gate, when the import of GATED_APP has come to it; closing it lets the import go on."""
    return (folder / "gate").open("w")


def test_a_worker_can_be_called_off_while_the_application_is_imported(folder: Path) -> None:
    os.mkfifo(folder / "gate")
    with supervision(folder, GATED_APP) as supervisor:
        stopped, killed, wanted = (supervisor.start(number) for number in (1, 2, 3))
        with held_up(folder):
            stopped.stop(Ending.STOPPED)
            killed.kill()
            assert stopped.exit_code() == -signal.SIGTERM
            assert killed.exit_code() == -signal.SIGKILL
        assert [type(message) for message in heard(wanted)] == [Ready]
        assert supervisor.get() == wanted.pid
        assert stopped.pid is None


def test_a_start_that_takes_long_is_reported_once(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    os.mkfifo(folder / "gate")
    caplog.set_level(logging.INFO, "tests.health")
    with supervision(folder, GATED_APP) as supervisor:
        health, worker = HealthCheck(logging.getLogger("tests.health")), supervisor.start()
        reported_at = health.deadline(worker)
        with held_up(folder):
            for now in (reported_at - 1, reported_at, reported_at + 60):
                health.check(worker, now)
        assert health.deadline(worker) == inf
        assert [type(message) for message in heard(worker)] == [Ready]
        health.serves(worker, reported_at + 70)
        assert [record.message for record in caplog.records] == [
            "Worker 1 has been starting for 30 s and does not serve yet",
            f"Worker {worker.pid} serves, after 100 s",
        ]


def test_a_preloader_that_is_killed_while_it_imports(folder: Path) -> None:
    app = NOTE_IMPORT + "import signal; os.kill(os.getpid(), signal.SIGKILL)\n"
    with supervision(folder, app) as supervisor:
        assert [ended(supervisor.start(number)) for number in (1, 2)] == [-signal.SIGKILL] * 2


def test_an_import_is_given_up_when_nobody_waits_for_it(folder: Path) -> None:
    os.mkfifo(folder / "gate")
    with supervision(folder, GATED_APP) as supervisor:
        worker = supervisor.start()
        with held_up(folder):
            worker.stop(Ending.STOPPED)
            supervisor.close()


def test_new_code_after_renewing(folder: Path) -> None:
    with supervision(folder) as supervisor:
        former = supervisor.started(1)
        (folder / "preloaded.py").write_text("# of a greater length\n" + APP)
        supervisor.preloader.renew()
        supervisor.started(2)
        assert len(importers(folder)) == 2
        assert former.exit_code() is None
        former.stop(Ending.REPLACED)
        assert ended(former) == ExitCode.OK


def test_without_the_application_workers_import_it_themselves(folder: Path) -> None:
    with supervision(folder, imports_application=False) as supervisor:
        first = supervisor.started(1)
        (folder / "preloaded.py").write_text("# of a greater length\n" + APP)
        supervisor.preloader.renew()
        second = supervisor.started(2)
        assert importers(folder) == [first.pid, second.pid]
        assert supervisor.preloader.refused is None


def test_what_is_loaded_before_a_change_prevents_forking(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "own_logging.py").write_text(OWN_LOGGING)
    monkeypatch.syspath_prepend(folder)
    logger_class = importlib.import_module("own_logging").OwnLogger
    with supervision(folder, imports_application=False, logger_class=logger_class) as supervisor:
        supervisor.started(1)
        assert "own_logging.py" in (supervisor.preloader.refused or "")
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_how_workers_are_started() -> None:
    log = logging.getLogger("tests.preloading")
    assert isinstance(starter_of(Config(), log), Spawner)
    assert isinstance(starter_of(Config.from_mapping(preload=True), log), Preloader)
    assert isinstance(starter_of(Config.from_mapping(use_reloader=True), log), Preloader)


@pytest.mark.parametrize("restart", [signal.SIGHUP, signal.SIGUSR1])
def test_a_server_that_preloads(folder: Path, restart: signal.Signals) -> None:
    with served(folder, "--preload", "--workers", "2", app=APP) as server:
        address = server.wait_for_address()
        assert len(importers(folder)) == 1
        assert int(server.get(address)) not in importers(folder)
        former = psutil.Process(importers(folder)[0])
        (folder / "served_app.py").write_text(APP.replace("os.getpid()).encode", "'new').encode"))
        server.send_signal(restart)
        for _ in range(2):
            server.wait_for("has stopped, another one serves")
        assert server.get(address) == "new"
        assert len(importers(folder)) == 2
        former.wait(PATIENCE)  # nothing is left of it
        server.send_signal_to_all(signal.SIGTERM)
        assert server.wait_for_end() == ExitCode.OK
        assert "ERROR" not in server.output
