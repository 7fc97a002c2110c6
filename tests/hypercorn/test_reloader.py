"""Reloading: on the command line, and for programs that call ``serve``."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hypercorn.processes import Server, served

LOOPS = ["asyncio", "uvloop", "trio"]

APP = """
from served_text import TEXT

async def app(scope, receive, send):
    if scope["type"] != "http":
        raise ValueError
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": TEXT})
"""

PROGRAM = """
import sys
from hypercorn.config import Config
from hypercorn.reloader import run_with_reloader
from served_app import app

config = Config.from_mapping(bind="127.0.0.1:0", graceful_timeout=1)

def serve_on_asyncio():
    import asyncio
    from hypercorn.asyncio import serve
    asyncio.run(serve(app, config))

def serve_on_trio():
    import trio
    from hypercorn.trio import serve
    trio.run(serve, app, config)

def end():
    sys.exit(4)

def return_at_once():
    pass

if __name__ == "__main__":
    sys.exit(run_with_reloader(globals()[sys.argv[1]], config))
"""


def save(folder: Path, text: str, name: str = "served_text.py") -> None:
    """Save a file as editors do."""
    (folder / "draft").write_text(text)
    os.replace(folder / "draft", folder / name)


def say(folder: Path, text: str) -> None:
    """Have the application answer with this text."""
    save(folder, f"TEXT = {text.encode()!r}")


@contextlib.contextmanager
def reloading(folder: Path, *arguments: str) -> Iterator[tuple[Server, str]]:
    say(folder, "old")
    with served(folder, "--reload", *arguments, app=APP) as server:
        yield server, server.wait_for_address()


@pytest.mark.parametrize("loop", LOOPS)
def test_new_code_is_served(tmp_path: Path, loop: str) -> None:
    with reloading(tmp_path, "--worker-class", loop) as (server, address):
        assert server.get(address) == "old"
        say(tmp_path, "new")
        server.wait_for("Reloading: served_text.py has changed")
        server.wait_for("has stopped, another one serves")
        assert server.get(address) == "new"
        say(tmp_path, "newer")
        server.wait_for("has stopped, another one serves")
        assert server.get(address) == "newer"
        assert server.stop() == 0


def test_several_workers(tmp_path: Path) -> None:
    with reloading(tmp_path, "--workers", "3") as (server, address):
        say(tmp_path, "new")
        for _ in range(3):
            server.wait_for("has stopped, another one serves")
        assert {server.get(address) for _ in range(20)} == {"new"}
        assert server.stop() == 0


def test_error_is_shown_and_waited_out(tmp_path: Path) -> None:
    with reloading(tmp_path, "--workers", "2") as (server, address):
        save(tmp_path, "TEXT = = 1")
        server.wait_for("The restart is given up, the workers go on")
        server.wait_for("SyntaxError: invalid syntax")
        assert server.get(address) == "old"
        say(tmp_path, "mended")
        for _ in range(2):
            server.wait_for("has stopped, another one serves")
        assert server.get(address) == "mended"
        assert server.stop() == 0
    assert server.output.count("SyntaxError") == 1


def test_server_that_starts_with_an_error(tmp_path: Path) -> None:
    save(tmp_path, "TEXT = = 1")
    with served(tmp_path, "--reload", "--workers", "2", app=APP) as server:
        server.wait_for("The application does not start, waiting for changes")
        server.wait_for("SyntaxError: invalid syntax")
        save(tmp_path, "TEXT = 1 / 0")
        server.wait_for("A worker did not start, waiting for changes")
        server.wait_for("ZeroDivisionError")
        say(tmp_path, "mended")
        address = server.wait_for_address()
        assert server.get(address) == "mended"
        assert server.stop() == 0
    assert server.output.count("SyntaxError") == 1


def test_new_files_and_other_files_than_pythons(tmp_path: Path) -> None:
    arguments = ("--reload-include", "*.html", "--reload-exclude", "unused*")
    with reloading(tmp_path, *arguments) as (server, _):
        save(tmp_path, "", "unused.html")
        save(tmp_path, "", "page.html")
        server.wait_for("Reloading: page.html has changed")
        server.wait_for("has stopped, another one serves")
    assert "unused" not in server.output


def test_application_that_the_program_has_imported(tmp_path: Path) -> None:
    """It is what a worker forked from it would keep."""
    say(tmp_path, "old")
    (tmp_path / "served_app.py").write_text(APP)
    (tmp_path / "program.py").write_text("""
import served_app
from hypercorn.config import Config
from hypercorn.run import run

if __name__ == "__main__":
    config = Config.from_mapping(
        application_path="served_app:app", bind="127.0.0.1:0", use_reloader=True
    )
    raise SystemExit(run(config))
""")
    server = Server(tmp_path, command=["program.py"])
    try:
        address = server.wait_for_address()
        say(tmp_path, "new")
        server.wait_for("has stopped, another one serves")
        assert server.get(address) == "new"
    finally:
        server.abandon()


@contextlib.contextmanager
def program(folder: Path, target: str) -> Iterator[Server]:
    say(folder, "old")
    (folder / "served_app.py").write_text(APP)
    (folder / "program.py").write_text(PROGRAM)
    server = Server(folder, command=["program.py", target])
    try:
        yield server
    finally:
        server.abandon()


@pytest.mark.parametrize("target", ["serve_on_asyncio", "serve_on_trio"])
def test_program(tmp_path: Path, target: str) -> None:
    with program(tmp_path, target) as server:
        address = server.wait_for_address()
        assert server.get(address) == "old"
        save(tmp_path, "TEXT = = 1")
        server.wait_for("SyntaxError: invalid syntax")
        server.wait_for("waiting for changes")
        say(tmp_path, "new")
        assert server.get(address) == "new"  # it waited in the queue
        assert server.wait_for_address() == address
        assert server.stop() == 0


def test_program_that_ends(tmp_path: Path) -> None:
    with program(tmp_path, "return_at_once") as server:
        assert server.wait_for_end() == 0
    with program(tmp_path, "end") as server:
        server.wait_for("The program has ended with exit code 4, waiting for changes")
        server.send_signal(signal.SIGINT)
        assert server.wait_for_end() == 0


def test_program_does_not_outlive_its_reloader(tmp_path: Path) -> None:
    with program(tmp_path, "serve_on_asyncio") as server:
        server.wait_for_address()
        server.send_signal(signal.SIGKILL)
        assert server.wait_for_end() == -signal.SIGKILL  # all have let go of stderr
