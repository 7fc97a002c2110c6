"""The logs: their loggers and handlers, the atoms, and what a worker's reports become."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hypercorn.config import Config, ConfigError
from hypercorn.logging import AccessLogAtoms, Logger, standard_logger
from hypercorn.observer import LogObserver
from hypercorn_workers.settings import ServedResponse

SCOPE: Any = {
    "type": "http",
    "http_version": "2",
    "method": "GET",
    "path": "/a b",
    "query_string": b"c=d",
    "scheme": "https",
    "client": ("127.0.0.1", 5000),
    "headers": [(b"user-agent", b"Hypercorn"), (b"referer", b"hypercorn"), (b"x-one", b"1")],
}
RESPONSE: Any = {"status": 200, "headers": [(b"content-length", b"5"), (b"x-two", b"2")]}


@pytest.fixture(autouse=True)
def loggers() -> Iterator[None]:
    """Leaves the two loggers as they are without a server."""
    yield
    for name in ("hypercorn.access", "hypercorn.error"):
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            logger.removeHandler(handler)
            handler.close()
        logger.setLevel(logging.NOTSET)
        logger.propagate = True


def logger_of(**options: Any) -> Logger:
    return Config.from_mapping(options).log


def run(awaitable: Awaitable[object]) -> None:
    """Run a coroutine that waits for nothing, as the methods of a Logger are."""
    with pytest.raises(StopIteration):
        awaitable.__await__().__next__()


# Atoms


@pytest.mark.parametrize(
    ("atom", "expected"),
    [
        ("h", "127.0.0.1:5000"),
        ("l", "-"),
        ("r", "GET /a b 2"),
        ("R", "GET /a b?c=d 2"),
        ("m", "GET"),
        ("U", "/a b"),
        ("Uq", "/a b?c=d"),
        ("q", "c=d"),
        ("H", "2"),
        ("s", "200"),
        ("st", "OK"),
        ("S", "https"),
        ("b", "5"),
        ("B", "5"),
        ("f", "hypercorn"),
        ("a", "Hypercorn"),
        ("T", "1"),
        ("D", "1500000"),
        ("L", "1.500000"),
        ("u", "-"),
        ("nothing", "-"),
        ("{x-one}i", "1"),
        ("{X-ONE}i", "1"),
        ("{x-two}o", "2"),
        ("{X-Two}O", "2"),
        ("{x-two}i", "-"),
        ("{hypercorn_of_test}e", "value"),
        ("{none}e", "-"),
        ("{x-one}z", "-"),
    ],
)
def test_atoms(monkeypatch: pytest.MonkeyPatch, atom: str, expected: str) -> None:
    monkeypatch.setenv("HYPERCORN_OF_TEST", "value")
    atoms = AccessLogAtoms(SCOPE, RESPONSE, 1.5)
    assert f"%({atom})s" % atoms == expected


def test_process_atom() -> None:
    assert AccessLogAtoms(SCOPE, RESPONSE, 1.5)["p"] == f"<{os.getpid()}>"


def test_time_atom_has_no_locale() -> None:
    atoms = AccessLogAtoms(SCOPE, RESPONSE, 0)
    assert re.fullmatch(r"\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]", atoms["t"])


@pytest.mark.parametrize(
    ("scope", "response", "atom", "expected"),
    [
        ({"client": None}, RESPONSE, "h", "-"),
        ({"client": ("only",)}, RESPONSE, "h", "only"),
        ({"query_string": b""}, RESPONSE, "R", "GET /a b 2"),
        ({"headers": []}, RESPONSE, "a", "-"),
        ({}, None, "s", "-"),
        ({}, None, "st", "-"),
        ({}, None, "b", "-"),
        ({}, {"status": 299, "headers": []}, "st", "<???299???>"),
        ({}, {"status": 200, "headers": []}, "B", "-"),
    ],
)
def test_atoms_of_what_is_missing(
    scope: dict[str, Any], response: Any, atom: str, expected: str
) -> None:
    assert AccessLogAtoms(SCOPE | scope, response, 0)[atom] == expected


def test_atoms_of_a_websocket() -> None:
    scope: Any = {
        key: value for key, value in SCOPE.items() if key not in {"method", "http_version"}
    }
    atoms = AccessLogAtoms(scope, None, 0)
    assert (atoms["m"], atoms["H"], atoms["r"]) == ("GET", "ws", "GET /a b ws")


def test_a_client_cannot_forge_a_line() -> None:
    scope: Any = {
        **SCOPE,
        "path": '/\r\n127.0.0.1 "\x1b[2J\u2028é',
        "headers": [(b"user-agent", b'x" 200\xff\x85')],
    }
    atoms = AccessLogAtoms(scope, RESPONSE, 0)
    assert atoms["U"] == r"/\x0d\x0a127.0.0.1 \x22\x1b[2J\u2028é"
    assert atoms["a"] == r"x\x22 200ÿ\x85"


# Loggers


def test_streams_and_formats(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logger_of(accesslog="-", errorlog="-", access_log_format="%(m)s %(s)s")
    run(logger.access(SCOPE, RESPONSE, 0))
    run(logger.warning("careful %s", "now"))
    said = capsys.readouterr()
    stamp = rf"\[\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{{4}}\] \[{os.getpid()}\]"
    assert re.fullmatch(rf"{stamp} \[INFO\] GET 200\n", said.out)
    assert re.fullmatch(rf"{stamp} \[WARNING\] careful now\n", said.err)


def test_names_and_propagation() -> None:
    logger = logger_of(accesslog="-")
    assert logger.access_logger is logging.getLogger("hypercorn.access")
    assert logger.error_logger is logging.getLogger("hypercorn.error")
    assert not logger.access_logger.propagate
    assert logger.error_logger.propagate


def test_files(tmp_path: Path) -> None:
    access, error = tmp_path / "access.log", tmp_path / "error.log"
    access.write_text("before\n")
    logger = logger_of(accesslog=access, errorlog=str(error))
    run(logger.access(SCOPE, RESPONSE, 0))
    run(logger.error("oh"))
    assert access.read_text().startswith("before\n")
    assert '"GET /a b 2" 200 5 "hypercorn" "Hypercorn"' in access.read_text()
    assert error.read_text().endswith("[ERROR] oh\n")


def test_a_second_logger_does_not_double_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        logger = logger_of()
    run(logger.info("once"))
    assert capsys.readouterr().err.count("once") == 1


def test_nothing_is_logged_where_there_is_no_log(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logger_of(accesslog=None, errorlog=None)
    for method in ("critical", "error", "warning", "info", "debug", "exception"):
        run(getattr(logger, method)("nothing"))
    run(logger.log(logging.ERROR, "nothing"))
    run(logger.access(SCOPE, RESPONSE, 0))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("level", "lines"), [("ERROR", 2), ("warning", 3), ("DEBUG", 5)])
def test_level(capsys: pytest.CaptureFixture[str], level: str, lines: int) -> None:
    logger = logger_of(loglevel=level)
    for method in ("critical", "error", "warning", "info", "debug"):
        run(getattr(logger, method)(method))
    assert len(capsys.readouterr().err.splitlines()) == lines


def test_a_logger_object_is_left_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    own = logging.getLogger("of.the.test")
    logger = logger_of(errorlog=own, accesslog=own, loglevel="ERROR")
    with caplog.at_level(logging.DEBUG, "of.the.test"):
        run(logger.debug("to my own"))
    assert own.handlers == []
    assert "to my own" in caplog.text


def test_exception_logs_the_one_being_handled(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logger_of()
    try:
        raise ValueError("handled")
    except ValueError:
        run(logger.exception("it went wrong"))
    assert "ValueError: handled" in capsys.readouterr().err


def test_other_attributes_are_the_error_loggers() -> None:
    logger = logger_of()
    assert logger.name == "hypercorn.error"
    with pytest.raises(AttributeError):
        _ = logger.no_such_attribute
    with pytest.raises(AttributeError):
        _ = Logger.__new__(Logger).name


def test_log_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot log to '.*/no/file': No such file"):
        logger_of(errorlog=f"{tmp_path}/no/file")


def test_standard_logger_of_anything() -> None:
    assert standard_logger(logger_of()) is logging.getLogger("hypercorn.error")
    for other in (object(), logger_of(errorlog=None)):
        assert standard_logger(other).name == "hypercorn.silent"


# Configurations of the logging module

INI = """
[loggers]
keys = root,of.the.ini
[handlers]
keys =
[formatters]
keys =
[logger_root]
handlers =
[logger_of.the.ini]
level = %(level)s
qualname = of.the.ini
handlers =
"""


def test_ini(tmp_path: Path) -> None:
    path = tmp_path / "log.ini"
    path.write_text(INI % {"level": "ERROR"})
    logger = logger_of(logconfig=str(path))
    assert logging.getLogger("of.the.ini").level == logging.ERROR
    assert logger.error_logger is not None
    assert not logger.error_logger.disabled


@pytest.mark.parametrize("kind", ["json", "toml"])
def test_json_and_toml(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "log"
    name = f"of.the.{kind}"
    if kind == "json":
        path.write_text(json.dumps({"version": 1, "loggers": {name: {"level": "ERROR"}}}))
    else:
        path.write_text(f'version = 1\n[loggers."{name}"]\nlevel = "ERROR"\n')
    logger = logger_of(logconfig=f"{kind}:{path}")
    assert logging.getLogger(name).level == logging.ERROR
    assert logger.error_logger is not None
    assert not logger.error_logger.disabled


def test_dictionary() -> None:
    logger_of(logconfig_dict={"version": 1, "loggers": {"of.the.dict": {"level": "ERROR"}}})
    assert logging.getLogger("of.the.dict").level == logging.ERROR


@pytest.mark.parametrize(
    ("location", "text", "message"),
    [
        ("{}", "[nothing]", "logconfig = '{}': "),
        ("json:{}", "[", "logconfig = 'json:{}': "),
        ("json:{}", '{"version": 2}', "json:{}: Unsupported version: 2"),
        ("toml:{}", "[", "logconfig = 'toml:{}': "),
    ],
)
def test_configurations_that_are_refused(
    tmp_path: Path, location: str, text: str, message: str
) -> None:
    path = tmp_path / "log"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        logger_of(logconfig=location.format(path))
    assert str(refused.value).startswith(message.format(path))


# Reports


class Recorder(Logger):
    """Keeps what it is told, and waits meanwhile, as a subclass may."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.calls: list[tuple[Any, ...]] = []

    async def access(self, request: Any, response: Any, request_time: float) -> None:
        await asyncio.sleep(0)
        self.calls.append((request, response, request_time))

    async def info(self, message: str, *args: Any, **kwargs: Any) -> None:
        await asyncio.sleep(0)
        self.calls.append((message, *args))


def test_requests_are_reported_only_if_something_comes_of_it() -> None:
    assert not LogObserver(logger_of()).observes_requests
    assert not LogObserver(logger_of(accesslog="-", loglevel="ERROR")).observes_requests
    assert LogObserver(logger_of(accesslog="-")).observes_requests
    assert LogObserver(Recorder(Config())).observes_requests
    other: Any = object()
    assert LogObserver(other).observes_requests


def test_overridden_methods_are_awaited() -> None:
    recorder = Recorder(Config())
    observer = LogObserver(recorder)
    response = ServedResponse(404, [(b"x", b"y")], complete=True)

    async def report() -> None:
        await observer.request_finished(SCOPE, response, 0.5)
        await observer.request_finished(SCOPE, None, 0.5)
        await observer.listening(["http://127.0.0.1:1", "https://unix:a"])

    asyncio.run(report())
    assert recorder.calls == [
        (SCOPE, {"status": 404, "headers": [(b"x", b"y")]}, 0.5),
        (SCOPE, None, 0.5),
        ("Running on http://127.0.0.1:1 (CTRL + C to quit)",),
        ("Running on https://unix:a (CTRL + C to quit)",),
    ]


def test_wording_of_reports(capsys: pytest.CaptureFixture[str]) -> None:
    observer = LogObserver(logger_of())
    run(observer.application_failed(SCOPE, ValueError("of the app")))
    run(observer.lifespan_unsupported(KeyError("state")))
    run(observer.warn("100% wrong"))
    said = capsys.readouterr().err
    assert "[ERROR] Error in ASGI Framework\n" in said
    assert "ValueError: of the app" in said
    unsupported = "ASGI Framework Lifespan error, continuing without Lifespan support"
    assert f"[WARNING] {unsupported} (KeyError: 'state')\n" in said
    assert "[WARNING] 100% wrong\n" in said


def test_started_is_called_with_the_addresses(capsys: pytest.CaptureFixture[str]) -> None:
    started: list[list[str]] = []
    run(LogObserver(logger_of(), started.append).listening(("http://a:1",)))
    run(LogObserver(logger_of(), started.append, announce=False).listening(("http://b:1",)))
    assert started == [["http://a:1"], ["http://b:1"]]
    assert capsys.readouterr().err.count("Running on") == 1
