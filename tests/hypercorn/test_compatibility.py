"""What programs written for 0.18 import and call is where it was."""

from __future__ import annotations

import importlib
import inspect
import os
import socket
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hypercorn import utils
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated

TYPES = """
ASGIFramework ASGIReceiveCallable ASGIReceiveEvent ASGISendCallable ASGISendEvent ASGIVersions
AppWrapper ConnectionState Event Framework H11SendableEvent H2AsyncStream H2SyncStream
HTTPDisconnectEvent HTTPEarlyHintEvent HTTPRequestEvent HTTPResponseBodyEvent
HTTPResponseStartEvent HTTPResponseTrailersEvent HTTPScope HTTPServerPushEvent LifespanScope
LifespanShutdownCompleteEvent LifespanShutdownEvent LifespanShutdownFailedEvent
LifespanStartupCompleteEvent LifespanStartupEvent LifespanStartupFailedEvent LifespanState
ResponseSummary Scope SingleTask TaskGroup WSGIFramework WWWScope WebsocketAcceptEvent
WebsocketCloseEvent WebsocketConnectEvent WebsocketDisconnectEvent WebsocketReceiveEvent
WebsocketResponseBodyEvent WebsocketResponseStartEvent WebsocketScope WebsocketSendEvent
WorkerContext WorkerFunc
"""
HELPERS = """
ShutdownError NoAppError LifespanTimeoutError LifespanFailureError UnexpectedMessageError
FrameTooLargeError suppress_body build_and_validate_headers filter_pseudo_headers load_application
wrap_app files_to_watch check_for_updates raise_shutdown check_multiprocess_shutdown_event
write_pid_file parse_socket_addr repr_socket_addr valid_server_name is_asgi
"""
NAMES = {
    "hypercorn": "Config",
    "hypercorn.__main__": "main",
    "hypercorn.app_wrappers": "ASGIWrapper WSGIWrapper InvalidPathError _build_environ",
    "hypercorn.asyncio": "serve",
    "hypercorn.asyncio.run": "worker_serve asyncio_worker uvloop_worker",
    "hypercorn.asyncio.statsd": "StatsdLogger",
    "hypercorn.config": (
        "Config Sockets SocketTypeError FilePath SocketKind BYTES OCTETS SECONDS time"
    ),
    "hypercorn.events": "Event RawData Closed Updated",
    "hypercorn.logging": "Logger AccessLogAtoms",
    "hypercorn.middleware": (
        "AsyncioWSGIMiddleware DispatcherMiddleware HTTPToHTTPSRedirectMiddleware "
        "ProxyFixMiddleware TrioWSGIMiddleware"
    ),
    "hypercorn.middleware.dispatcher": (
        "AsyncioDispatcherMiddleware TrioDispatcherMiddleware DispatcherMiddleware "
        "_DispatcherMiddleware MAX_QUEUE_SIZE"
    ),
    "hypercorn.middleware.http_to_https": "HTTPToHTTPSRedirectMiddleware",
    "hypercorn.middleware.proxy_fix": "ProxyFixMiddleware",
    "hypercorn.middleware.wsgi": (
        "AsyncioWSGIMiddleware TrioWSGIMiddleware _WSGIMiddleware MAX_BODY_SIZE InvalidPathError "
        "WSGICallable"
    ),
    "hypercorn.run": "run",
    "hypercorn.statsd": (
        "StatsdLogger METRIC_VAR VALUE_VAR MTYPE_VAR GAUGE_TYPE COUNTER_TYPE HISTOGRAM_TYPE"
    ),
    "hypercorn.trio": "serve",
    "hypercorn.trio.run": "worker_serve trio_worker",
    "hypercorn.trio.statsd": "StatsdLogger",
    "hypercorn.typing": TYPES,
    "hypercorn.utils": HELPERS,
}


@pytest.mark.parametrize("module", NAMES)
def test_names(module: str) -> None:
    found = importlib.import_module(module)
    assert [name for name in NAMES[module].split() if not hasattr(found, name)] == []


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        ("hypercorn.asyncio:serve", ["app", "config", "*shutdown_trigger", "*mode"]),
        ("hypercorn.trio:serve", ["app", "config", "*shutdown_trigger", "*task_status", "*mode"]),
        ("hypercorn.asyncio.run:worker_serve", ["app", "config", "*sockets", "*shutdown_trigger"]),
        ("hypercorn.trio.run:worker_serve", ["app", "config", "*sockets", "*shutdown_trigger"]),
        ("hypercorn.asyncio.run:asyncio_worker", ["config", "sockets", "shutdown_event"]),
        ("hypercorn.asyncio.run:uvloop_worker", ["config", "sockets", "shutdown_event"]),
        ("hypercorn.trio.run:trio_worker", ["config", "sockets", "shutdown_event"]),
        ("hypercorn.run:run", ["config"]),
        ("hypercorn.__main__:main", ["sys_args"]),
        ("hypercorn.utils:load_application", ["path", "wsgi_max_body_size"]),
        ("hypercorn.utils:wrap_app", ["app", "wsgi_max_body_size", "mode"]),
    ],
)
def test_signatures(function: str, parameters: list[str]) -> None:
    module, name = function.split(":")
    found = inspect.signature(getattr(importlib.import_module(module), name)).parameters
    shown = [f"*{p.name}" if p.kind is p.KEYWORD_ONLY else p.name for p in found.values()]
    assert [each for each in shown if each in parameters] == parameters


@pytest.mark.parametrize(
    ("method", "status", "expected"),
    [
        ("HEAD", 200, True),
        ("GET", 200, False),
        ("GET", 204, True),
        ("GET", 304, True),
        ("GET", 101, True),
    ],
)
def test_suppress_body(method: str, status: int, expected: bool) -> None:
    assert utils.suppress_body(method, status) is expected


def test_build_and_validate_headers() -> None:
    assert utils.build_and_validate_headers([(b"x ", b" y ")]) == [(b"x", b"y")]
    wrong: Any = [("x", b"y")]
    with pytest.raises(TypeError):
        utils.build_and_validate_headers(wrong)
    with pytest.raises(ValueError, match="pseudo"):
        utils.build_and_validate_headers([(b":status", b"200")])


def test_filter_pseudo_headers() -> None:
    headers = [(b":method", b"GET"), (b"host", b"a"), (b"x", b"y"), (b":authority", b"b")]
    assert utils.filter_pseudo_headers(headers) == [(b"host", b"b"), (b"x", b"y")]
    assert utils.filter_pseudo_headers(headers[:3]) == [(b"host", b"a"), (b"x", b"y")]


def test_files_to_watch(tmp_path: Path) -> None:
    files = utils.files_to_watch()
    assert Path(utils.__file__) in files
    watched = tmp_path / "watched"
    watched.touch()
    times = {watched: watched.stat().st_mtime, tmp_path / "missing": 0.0}
    assert not utils.check_for_updates(times)
    os.utime(watched, (0, times[watched] + 10))
    assert utils.check_for_updates(times)
    assert not utils.check_for_updates(times)


def test_raise_shutdown() -> None:
    async def event() -> None: ...

    with pytest.raises(utils.ShutdownError):
        utils.raise_shutdown(event).send(None)


def test_shutdown_event_of_another_process() -> None:
    event: Any = threading.Event()
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        event.set()

    with pytest.raises(StopIteration):
        utils.check_multiprocess_shutdown_event(event, sleep).send(None)
    assert slept == [0.1]


def test_write_pid_file(tmp_path: Path) -> None:
    utils.write_pid_file(str(tmp_path / "pid"))
    assert (tmp_path / "pid").read_text() == str(os.getpid())


@pytest.mark.parametrize(
    ("family", "address", "parsed", "shown"),
    [
        (socket.AF_INET, ("127.0.0.1", 80), ("127.0.0.1", 80), "127.0.0.1:80"),
        (socket.AF_INET6, ("::1", 80, 0, 0), ("::1", 80), "[::1]:80"),
        (getattr(socket, "AF_UNIX", -1), "/a.sock", None, "unix:/a.sock"),
        (-2, ("a", "b"), None, "('a', 'b')"),
    ],
)
def test_socket_addresses(family: int, address: Any, parsed: object, shown: str) -> None:
    assert utils.parse_socket_addr(family, address) == parsed
    assert utils.repr_socket_addr(family, address) == shown


def test_valid_server_name() -> None:
    request = SimpleNamespace(headers=[(b"Host", b"a:80")])
    assert utils.valid_server_name(Config(), request)
    assert utils.valid_server_name(Config.from_mapping(server_names="a:80"), request)
    assert not utils.valid_server_name(Config.from_mapping(server_names="a"), request)


def test_events() -> None:
    assert RawData(b"x") == RawData(data=b"x", address=None)
    assert (Closed(), Updated(idle=True)) == (Closed(), Updated(True))
    assert all(issubclass(each, Event) for each in (RawData, Closed, Updated))


def test_uvloop_worker_without_uvloop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hypercorn.asyncio.run import uvloop_worker

    (tmp_path / "of_uvloop.py").write_text("async def app(scope, receive, send): ...")
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setitem(sys.modules, "uvloop", None)
    config = Config.from_mapping(application_path=f"{tmp_path}/of_uvloop.py:app")
    with pytest.raises(ImportError):
        uvloop_worker(config)
