"""Running the server: exit codes, and one worker in the first process."""

from __future__ import annotations

import logging
import signal
from pathlib import Path
from typing import Any

import pytest

from hypercorn.config import Config, ConfigError
from hypercorn.errors import BindError
from hypercorn.failures import exit_code, reason
from hypercorn.logging import Logger
from hypercorn.run import run
from tests.hypercorn.processes import Server, served

LOOPS = ["asyncio", "uvloop", "trio"]

FAILING_APP = """
async def app(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})
"""

SHUTDOWN_APP = """
import sys

async def app(scope, receive, send):
    while True:
        message = await receive()
        print(message["type"], file=sys.stderr, flush=True)
        await send({"type": message["type"] + ".complete"})
"""

STUBBORN_APP = """
import sys, time

async def app(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    print("lifespan.shutdown", file=sys.stderr, flush=True)
    time.sleep(600)
"""

RAISING_APP = """
def app(environ, start_response): return []

raise RuntimeError("at import")
"""

EXITING_APP = """
import sys

sys.exit("SECRET_KEY is not set")
"""

CONFIGURED_APP = """
import logging
from hypercorn.config import Config
from hypercorn.logging import Logger

class Shouting(Logger):
    async def info(self, message, *args, **kwargs):
        await super().info(message.upper(), *args, **kwargs)

class Company(Config):
    tenant = "none"

    @property
    def log(self):
        return super().log

async def app(scope, receive, send):
    raise ValueError

if __name__ == "__main__":
    from hypercorn.run import run

    config = Company.from_mapping(
        application_path="served_app:app", bind="127.0.0.1:0", logger_class=Shouting
    )
    raise SystemExit(run(config))
"""


@pytest.mark.parametrize("loop", LOOPS)
def test_no_worker_processes(tmp_path: Path, loop: str) -> None:
    with served(tmp_path, "--workers", "0", "--worker-class", loop) as server:
        address = server.wait_for_address()
        assert server.get(address) == str(server.pid)
        assert server.stop() == 0


@pytest.mark.parametrize("loop", LOOPS)
def test_signals_that_come_at_once_are_one(tmp_path: Path, loop: str) -> None:
    with served(tmp_path, "--workers", "0", "--worker-class", loop, app=SHUTDOWN_APP) as server:
        server.wait_for_address()
        server.send_signal(signal.SIGSTOP)
        server.send_signal(signal.SIGTERM)
        server.send_signal(signal.SIGINT)
        server.send_signal(signal.SIGCONT)
        assert server.wait_for_end() == 0
    assert "lifespan.shutdown" in server.output


@pytest.mark.parametrize("loop", LOOPS)
def test_another_signal_ends_it_at_once(tmp_path: Path, loop: str) -> None:
    with served(tmp_path, "--workers", "0", "--worker-class", loop, app=STUBBORN_APP) as server:
        server.wait_for_address()
        server.send_signal(signal.SIGTERM)
        server.wait_for("lifespan.shutdown")
        while server.is_running():
            server.send_signal(signal.SIGINT)
            server.listen(0.1)
        assert server.wait_for_end() == -signal.SIGINT


@pytest.mark.parametrize("workers", ["0", "1"])
@pytest.mark.parametrize("loop", LOOPS)
def test_signal_as_the_process_ends(tmp_path: Path, loop: str, workers: str) -> None:
    app = f"""{SHUTDOWN_APP}
import atexit, os, signal
atexit.register(os.kill, os.getpid(), signal.SIGTERM)
"""
    with served(tmp_path, "--workers", workers, "--worker-class", loop, app=app) as server:
        server.wait_for_address()
        server.send_signal(signal.SIGTERM)
        assert server.wait_for_end() == 0


@pytest.mark.parametrize("workers", ["0", "1"])
@pytest.mark.parametrize(
    ("app", "code", "message"),
    [
        (FAILING_APP, 3, "hypercorn: error: Lifespan failure in startup: 'no database'"),
        (RAISING_APP, 3, "RuntimeError: at import"),
        ("", 3, "hypercorn: error: module 'served_app' has no attribute 'app'"),
        (EXITING_APP, 3, "served_app:app ended the process: SECRET_KEY is"),
    ],
)
def test_application_that_does_not_start(
    tmp_path: Path, workers: str, app: str, code: int, message: str
) -> None:
    with served(tmp_path, "--workers", workers, app=app) as server:
        assert server.wait_for_end() == code
    assert server.output.count(message) == 1
    assert "Running on" not in server.output


def test_ctrl_c_during_the_import(tmp_path: Path) -> None:
    app = "import sys, time\nprint('importing', file=sys.stderr, flush=True)\ntime.sleep(600)"
    with served(tmp_path, "--workers", "0", app=app) as server:
        server.wait_for("importing")
        server.send_signal(signal.SIGINT)
        assert server.wait_for_end() == 130
    assert "Traceback" not in server.output


def test_ctrl_c_while_the_configuration_is_read(tmp_path: Path) -> None:
    config = tmp_path / "conf.py"
    config.write_text("import sys, time; sys.stderr.write('reading\\n'); time.sleep(600)")
    with served(tmp_path, "--config", "file:conf.py") as server:
        server.wait_for("reading")
        server.send_signal(signal.SIGINT)
        assert server.wait_for_end() == 130
    assert "Traceback" not in server.output


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, ConfigError, "no application is given"),
        (
            {"application_path": "a:b", "use_reloader": True, "workers": 0},
            ConfigError,
            "use_reloader = True: it needs a worker process",
        ),
        ({"application_path": "a:b", "bind": "192.0.2.1:0"}, BindError, "does not have the"),
        ({"application_path": "a:b", "pid_path": "no/where"}, ConfigError, "pid_path = "),
    ],
)
def test_what_cannot_be_served_is_raised(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        run(Config.from_mapping({"bind": "127.0.0.1:0", "errorlog": None} | options))


def test_configuration_that_cannot_travel() -> None:
    class Local(Logger): ...

    config = Config.from_mapping(
        application_path="a:b", bind="127.0.0.1:0", logger_class=Local, errorlog=None
    )
    with pytest.raises(RuntimeError, match="cannot be sent to a worker process") as refused:
        run(config)
    assert isinstance(refused.value, ConfigError)


def test_program_with_a_configuration_of_its_own(tmp_path: Path) -> None:
    """Classes of the main module travel to the workers, as do logger classes."""
    (tmp_path / "served_app.py").write_text(CONFIGURED_APP)
    server = Server(tmp_path, command=["served_app.py"])
    try:
        server.wait_for_address()
        assert server.stop() == 0
    finally:
        server.abandon()


def test_custom_logger_of_the_first_process(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("of.the.test")
    config = Config.from_mapping(errorlog=logger)
    assert config.log.error_logger is logger


def test_reasons_begin_where_the_application_does() -> None:
    try:
        exec(compile("def start():\n    raise ValueError('deep')\nstart()", "app.py", "exec"), {})
    except ValueError as error:
        text = reason(error, "app:app")
    lines = text.splitlines()
    assert lines[0] == "app:app raised"
    assert lines[-1] == "ValueError: deep"


class GroupError(Exception):
    """As nurseries raise, on any Python."""

    exceptions = (ConfigError(),)


def test_codes() -> None:
    assert exit_code(ConfigError()) == exit_code(BindError(None, "x")) == 2
    assert exit_code(ValueError()) == exit_code(SystemExit()) == 3
    assert exit_code(GroupError()) == 2
