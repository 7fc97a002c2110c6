"""Workers that start, die and stop: real processes and real signals."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.hypercorn.processes import PID_APP, pid_app, served

LOOPS = ["asyncio", "uvloop", "trio"]

BREAKABLE_APP = (
    """
import os

if os.path.exists("broken"):
    raise RuntimeError("broken by the test")
"""
    + PID_APP
)

ENDLESS_STARTUP_APP = """
import asyncio, sys

async def app(scope, receive, send):
    await receive()
    print("starting", file=sys.stderr, flush=True)
    await asyncio.Event().wait()
"""

BLOCKING_APP = """
import sys, time

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        print("blocked", file=sys.stderr, flush=True)
        time.sleep(600)
"""

SLOW_APP = """
import asyncio, sys

async def app(scope, receive, send):
    if scope["type"] != "http":
        raise ValueError
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"begun", "more_body": True})
    print("begun", file=sys.stderr, flush=True)
    await asyncio.sleep(600)
"""


@pytest.mark.parametrize("loop", LOOPS)
def test_workers_serve_on_shared_sockets_and_stop(tmp_path: Path, loop: str) -> None:
    with served(tmp_path, "--workers", "2", "--worker-class", loop) as server:
        address = server.wait_for_address()
        assert server.get(address).isdigit()
        assert server.stop() == 0
    assert server.output.count("Running on http://127.0.0.1:") == 1


def test_worker_that_is_killed_is_replaced(tmp_path: Path) -> None:
    with served(tmp_path, "--workers", "1") as server:
        address = server.wait_for_address()
        pid = server.get(address)
        os.kill(int(pid), signal.SIGKILL)
        line = server.wait_for("starting another")
        assert f"Worker {pid} was killed by SIGKILL" in line
        assert server.get(address) != pid
        assert server.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_to_all_processes_stops_them_gracefully(
    tmp_path: Path, number: signal.Signals
) -> None:
    with served(tmp_path, "--workers", "2") as server:
        server.wait_for_address()
        server.send_signal_to_all(number)
        server.send_signal_to_all(number)
        assert server.wait_for_end() == 0
    assert "instead of stopping" not in server.output


def test_worker_that_is_told_to_stop_before_the_server_is(tmp_path: Path) -> None:
    """It has not failed, though it does not serve yet."""
    app = """
import os, sys, time
sys.stderr.write(f"importing in {os.getpid()}\\n")
time.sleep(600)
"""
    with served(tmp_path, "--workers", "1", app=app) as server:
        pid = server.wait_for("importing in").split()[-1]
        os.kill(int(pid), signal.SIGTERM)
        server.wait_for(f"worker {pid} was killed by SIGTERM before it served")
        server.send_signal(signal.SIGTERM)
        assert server.wait_for_end() == 0


@pytest.mark.parametrize("loop", LOOPS)
def test_crash_tells_where(tmp_path: Path, loop: str) -> None:
    app = PID_APP.replace(
        'await send({"type": "http.response.start"',
        'import ctypes; scope["path"] == "/crash" and ctypes.string_at(0)\n'
        '    await send({"type": "http.response.start"',
    )
    with served(tmp_path, "--workers", "2", "--worker-class", loop, app=app) as server:
        address = server.wait_for_address()
        with server.begin(address, "/crash"):
            server.wait_for("was killed by SIGSEGV, starting another; it was here:")
        server.wait_for("Segmentation fault")
        server.wait_for("served_app.py")
        assert server.get(address).isdigit()
        assert server.stop() == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork(2)")
def test_crash_of_what_the_application_has_forked_tells_where(tmp_path: Path) -> None:
    """It says so itself: for the supervisor the worker is well."""
    app = pid_app("import ctypes", "os.fork() or ctypes.string_at(0)")
    with served(tmp_path, "--workers", "1", app=app) as server:
        address = server.wait_for_address()
        pid = server.get(address)
        server.wait_for("Segmentation fault")
        server.wait_for("served_app.py")
        assert server.get(address) == pid
        assert server.stop() == 0


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors are not limited there")
@pytest.mark.parametrize("options", [(), ("--no-reuse-port",), ("--preload",)], ids=" ".join)
def test_more_workers_than_the_system_has_room_for(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    (tmp_path / "limited.py").write_text(
        "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\n"
    )
    arguments = ("--config", "file:limited.py", "--workers", "1000", *options)
    with served(tmp_path, *arguments) as server:
        assert server.wait_for_end() == 2
    assert server.lines[-1] == (
        "hypercorn: error: workers = 1000: there is not enough for so many (Too many open files); "
        "start fewer, or allow more descriptors (ulimit -n)"
    )
    assert "Traceback" not in server.output


def test_exit_within_a_request(tmp_path: Path) -> None:
    app = PID_APP.replace(
        'await send({"type": "http.response.start"',
        'scope["path"] == "/exit" and os._exit(7)\n    await send({"type": "http.response.start"',
    )
    with served(tmp_path, "--workers", "2", app=app) as server:
        address = server.wait_for_address()
        with server.begin(address, "/exit"):
            server.wait_for("ended with exit code 7, starting another")
        assert server.get(address).isdigit()


def test_workers_that_keep_dying_are_slowed_down(tmp_path: Path) -> None:
    pauses = ["", "", "", "", "", " in 1 s", " in 2 s"]
    with served(tmp_path, "--workers", "1", app=pid_app("os._exit(9)")) as server:
        address = server.wait_for_address()
        for pause in pauses:
            with server.begin(address):
                line = server.wait_for("ended with exit code 9, starting another")
            assert line.endswith(f"starting another{pause}")
        assert server.stop() == 0


def test_worker_whose_descendants_live_on(tmp_path: Path) -> None:
    """They may have what tells of its end."""
    app = (
        PID_APP
        + """
if hasattr(os, "fork") and os.fork() == 0:
    import time
    time.sleep(600)
"""
    )
    with served(tmp_path, "--workers", "1", app=app) as server:
        address = server.wait_for_address()
        pid = server.get(address)
        os.kill(int(pid), signal.SIGKILL)
        server.wait_for(f"Worker {pid} was killed by SIGKILL")
        assert server.get(address) != pid


@pytest.mark.parametrize(
    "arguments",
    [
        *[["--workers", "0"], ["--workers", "1"], ["--workers", "2"], ["--preload"], ["--reload"]],
        ["--bind", "unix:server.sock"],
    ],
    ids=" ".join,
)
def test_programs_that_an_application_executes_have_no_sockets(
    tmp_path: Path, arguments: list[str]
) -> None:
    """A port that one of them had would be taken after the server's end, and connections that come
    to it be lost."""
    (tmp_path / "program.py").write_text(
        "import os, stat\n"
        "for fd in range(3, 1000):\n"
        "    try: is_socket = stat.S_ISSOCK(os.fstat(fd).st_mode)\n"
        "    except OSError: is_socket = False\n"
        "    if is_socket: raise SystemExit(f'{fd} is a socket')\n"
    )
    app = pid_app("import sys", 'code = os.system(f"{sys.executable} program.py")').replace(
        "str(os.getpid())", "str(code)"
    )
    with served(tmp_path, *arguments, app=app) as server:
        address = server.wait_for_address()
        assert server.get(address) == "0"
        assert server.stop() == 0


FORKING_APP = pid_app(
    "reader, writer = os.pipe()",
    "child = os.fork()",
    "if child == 0:",
    "    import time",
    "    os.write(writer, b'.')  # Python forgets what comes while it forks",
    "    time.sleep(600)",
    "os.read(reader, 1)",
    "os.kill(child, 15)",
    "assert os.waitpid(child, 0)[1] == 15",
)
"""Answers when the child that it has forked has ended by SIGTERM."""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork(2)")
@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("workers", ["0", "1"])
def test_sigterm_to_what_the_application_has_forked(
    tmp_path: Path, loop: str, workers: str
) -> None:
    """It ends, and nobody else does."""
    options = ("--workers", workers, "--worker-class", loop)
    with served(tmp_path, *options, app=FORKING_APP) as server:
        address = server.wait_for_address()
        pid = server.get(address)
        assert server.get(address) == pid
        assert server.stop() == 0
        assert "ended with" not in server.output


PROGRAM_APP = """
import os, signal, subprocess

IN_COMMON = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)

def ignored_signals():
    for number in IN_COMMON:
        if subprocess.run(["sh", "-c", f"kill -{number:d} $$"]).returncode != -number:
            yield number.name
""" + PID_APP.replace("str(os.getpid())", "str([*ignored_signals()])")
"""Answers with the signals that do nothing to a program that it runs."""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize("way", [("--workers", "2"), ("--preload",)])
def test_programs_that_an_application_executes_ignore_no_signals(
    tmp_path: Path, way: tuple[str, ...]
) -> None:
    with served(tmp_path, *way, app=PROGRAM_APP) as server:
        assert server.get(server.wait_for_address()) == "[]"
        assert server.stop() == 0


DESCENDANT_APP = pid_app(
    "if os.fork() == 0:",
    "    import time",
    "    os.closerange(0, 3)",
    "    time.sleep(600)",
)
"""Forks a process for each request."""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork(2)")
@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("way", [("--workers", "0"), ("--workers", "2"), ("--preload",)])
def test_address_is_free_though_descendants_live_on(
    tmp_path: Path, way: tuple[str, ...], loop: str
) -> None:
    with served(tmp_path, *way, "--worker-class", loop, app=DESCENDANT_APP) as former:
        address = former.wait_for_address()
        pid = former.get(address)
        former.send_stop()
        assert former.wait_for_first_to_end() == 0
        with served(tmp_path, bind=address) as server:
            server.wait_for_address()
            assert server.get(address) != pid


def test_sigterm_to_a_worker_alone_replaces_it(tmp_path: Path) -> None:
    with served(tmp_path, "--workers", "1") as server:
        address = server.wait_for_address()
        pid = server.get(address)
        os.kill(int(pid), signal.SIGTERM)
        server.wait_for(f"Worker {pid} ended with exit code 0, starting another")
        assert server.get(address) != pid


def test_replacement_that_cannot_serve_is_tried_again(tmp_path: Path) -> None:
    with served(tmp_path, "--workers", "1", app=BREAKABLE_APP) as server:
        address = server.wait_for_address()
        pid = server.get(address)
        (tmp_path / "broken").touch()
        os.kill(int(pid), signal.SIGKILL)
        server.wait_for("next try in 1 s")
        server.wait_for("RuntimeError: broken by the test")
        (tmp_path / "broken").unlink()
        assert server.get(address) != pid


def test_application_that_cannot_start_ends_the_server(tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    with served(tmp_path, "--workers", "2", app=BREAKABLE_APP) as server:
        assert server.wait_for_end() == 3
    assert server.output.count("RuntimeError: broken by the test") == 1
    assert "hypercorn: error: served_app:app raised" in server.output
    assert "importlib" not in server.output


def test_stop_does_not_wait_for_a_startup(tmp_path: Path) -> None:
    arguments = ("--workers", "2", "--worker-class", "asyncio")
    with served(tmp_path, *arguments, app=ENDLESS_STARTUP_APP) as server:
        server.wait_for("starting")
        assert server.stop() == 0


def test_worker_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    arguments = ("--graceful-timeout", "0.1", "--shutdown-timeout", "0.1")
    with served(tmp_path, *arguments, app=BLOCKING_APP) as server:
        server.wait_for_address()
        server.send_signal(signal.SIGTERM)
        server.wait_for("blocked")
        assert server.wait_for_end() == 1
    assert "was killed by SIGKILL instead of stopping" in server.output


def test_second_signal_ends_the_workers_at_once(tmp_path: Path) -> None:
    with served(tmp_path, app=BLOCKING_APP) as server:
        server.wait_for_address()
        server.send_signal(signal.SIGINT)
        server.wait_for("blocked")
        while "Told to stop again" not in server.output:
            server.send_signal(signal.SIGINT)
            server.listen(0.1)
        assert server.wait_for_end() == 0  # it did what it was told


def test_sigquit_ends_the_workers_at_once(tmp_path: Path) -> None:
    with served(tmp_path, "--workers", "2", app=SLOW_APP) as server:
        address = server.wait_for_address()
        with server.begin(address):
            server.wait_for("begun")
            server.send_signal(signal.SIGQUIT)
            assert server.wait_for_end() == 0
    assert "Ending the workers at once (SIGQUIT)" in server.output


def test_workers_end_with_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    with served(tmp_path, "--workers", "2") as server:
        server.wait_for_address()
        server.send_signal(signal.SIGKILL)
        # Workers hold stderr open: this returns when the last one has gone.
        assert server.wait_for_end() == -signal.SIGKILL


def test_pid_file_and_unix_socket_are_removed(tmp_path: Path) -> None:
    arguments = ("--pid", "server.pid", "--bind", "unix:server.sock")
    with served(tmp_path, *arguments) as server:
        server.wait_for("unix:server.sock")
        assert (tmp_path / "server.pid").read_text().isdigit()
        assert server.stop() == 0
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("server")) == []
