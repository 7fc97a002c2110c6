"""Config: its sources, and what is made of it."""

from __future__ import annotations

import pickle
import ssl
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import hypercorn.config
from hypercorn import Config
from hypercorn.config import ConfigError
from hypercorn.logging import Logger
from hypercorn_protocols.settings import HTTP1Settings, HTTP2Settings, WebSocketSettings
from hypercorn_workers.settings import WorkerSettings


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


# Mappings


def test_mapping_and_keywords() -> None:
    config = Config.from_mapping({"workers": 2, "debug": True}, workers=3)
    assert (config.workers, config.debug) == (3, True)


def test_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError) as refused:
        Config.from_mapping(wrokers=2)
    assert str(refused.value) == "unknown option 'wrokers'; did you mean 'workers'?"


def test_name_that_is_near_to_nothing() -> None:
    with pytest.raises(ConfigError) as refused:
        Config.from_mapping(zzz=2)
    assert str(refused.value) == "unknown option 'zzz'"


def test_read_only_names_are_left_alone() -> None:
    assert Config.from_mapping(ssl_enabled=True, log=1).ssl_enabled is False


# TOML


@pytest.mark.parametrize("table", ["", "[hypercorn]\n", "[tool.hypercorn]\n"])
def test_toml(tmp_path: Path, table: str) -> None:
    path = write(tmp_path, "h.toml", f'{table}bind = "a:1"\nkeep_alive_timeout = 2\n')
    for name in (path, str(path), bytes(path)):
        config = Config.from_toml(name)
        assert (config.bind, config.keep_alive_timeout) == (["a:1"], 2.0)


def test_toml_of_a_project_beside_other_tables(tmp_path: Path) -> None:
    path = write(
        tmp_path, "pyproject.toml", "[project]\nname = 'x'\n[tool.hypercorn]\nworkers = 2\n"
    )
    assert Config.from_toml(path).workers == 2


def test_toml_with_a_logging_table(tmp_path: Path) -> None:
    path = write(tmp_path, "h.toml", "[logconfig_dict]\nversion = 1\n")
    assert Config.from_toml(path).logconfig_dict == {"version": 1}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("h.toml", "workers = 'four'", "h.toml: workers = 'four': must be a whole number"),
        ("h.toml", "binds = 'a'", "h.toml: unknown option 'binds'; did you mean 'bind'?"),
        ("h.toml", "workers = ", "h.toml: not TOML: "),
        ("pyproject.toml", "[project]\n", "pyproject.toml: there is no table [tool.hypercorn]"),
    ],
)
def test_toml_that_is_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = write(tmp_path, name, text)
    with pytest.raises(ConfigError) as refused:
        Config.from_toml(path)
    assert str(refused.value).startswith(f"{tmp_path}/{message}")


def test_toml_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Config.from_toml(tmp_path / "none.toml")


# Python

PYFILE = """
from __future__ import annotations
import os
from pathlib import Path

CORES = 4
HERE = Path(__file__).parent
_private = "not an option"

class Helper: ...

def twice(number): return 2 * number

workers = twice(CORES)
bind = [f"unix:{HERE}/a.sock"]
"""


@pytest.mark.parametrize("name", ["conf.py", "conf"])
def test_pyfile_with_helpers(tmp_path: Path, name: str) -> None:
    config = Config.from_pyfile(write(tmp_path, name, PYFILE))
    assert (config.workers, config.bind) == (8, [f"unix:{tmp_path}/a.sock"])
    assert not (tmp_path / "__pycache__").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("host = 'a'", "unknown option 'host'; the name of a helper begins with an underscore"),
        ("worker = 4", "unknown option 'worker'; did you mean 'workers'?"),
        ("BIND = 'a:1'", "unknown option 'BIND'; did you mean 'bind'?"),
    ],
)
def test_pyfile_with_a_name_that_looks_meant(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, "conf.py", text)
    with pytest.raises(ConfigError) as refused:
        Config.from_pyfile(path)
    assert str(refused.value) == f"{path}: {message}"


def test_object_may_be_anything_with_attributes() -> None:
    class Settings:
        workers = 2

        def __init__(self) -> None:
            self.bind = "a:1"

    assert Config.from_object(Settings).workers == 2
    config = Config.from_object(Settings())
    assert (config.workers, config.bind) == (2, ["a:1"])


def test_object_may_be_another_configuration() -> None:
    original = Config.from_mapping(workers=2, application_path="a:b")
    copy = Config.from_object(original)
    assert (copy.workers, copy.application_path) == (2, "a:b")


def test_object_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "named_settings.py", "workers = 2\nclass Production:\n    workers = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert Config.from_object("named_settings").workers == 2
    assert Config.from_object("named_settings.Production").workers == 3
    del sys.modules["named_settings"]


def test_object_that_is_not_there() -> None:
    with pytest.raises(ModuleNotFoundError):
        Config.from_object("no_such_module")


# What is made of it


def test_instances_travel_to_other_processes() -> None:
    config = Config.from_mapping(workers=2, bind="a:1", verify_mode=ssl.CERT_REQUIRED)
    assert isinstance(config.log, Logger)
    copy = pickle.loads(pickle.dumps(config))
    assert (copy.workers, copy.bind, copy.verify_mode) == (2, ["a:1"], ssl.CERT_REQUIRED)
    assert isinstance(copy.log, Logger)


def test_an_assigned_logger_is_used() -> None:
    config = Config()
    logger = Logger(config)
    config._log = logger
    assert config.log is logger


def test_the_logger_is_made_once() -> None:
    config = Config()
    assert config.log is config.log


def test_statsd_class_takes_the_place_of_the_default_only() -> None:
    class Statsd(Logger): ...

    class Own(Logger): ...

    without, with_host, own = Config(), Config(), Config()
    with_host.statsd_host = own.statsd_host = "127.0.0.1:8125"
    own.logger_class = Own
    assert not isinstance(with_host.log, Statsd)
    for config in (without, with_host, own):
        config.set_statsd_logger_class(Statsd)
    assert isinstance(with_host.log, Statsd)
    assert (without.logger_class, own.logger_class) == (Logger, Own)


def test_response_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hypercorn.config, "time", lambda: 1_512_229_395)
    config = Config.from_mapping(alt_svc_headers=['h3=":443"; ma=3600'])
    assert config.response_headers("h11") == [
        (b"date", b"Sat, 02 Dec 2017 15:43:15 GMT"),
        (b"server", b"hypercorn-h11"),
        (b"alt-svc", b'h3=":443"; ma=3600'),
    ]
    config = Config.from_mapping(include_date_header=False, include_server_header=False)
    assert config.response_headers("h2") == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"certfile": "c.pem"}, "certfile = 'c.pem': TLS needs keyfile too"),
        ({"keyfile": "k.pem"}, "keyfile = 'k.pem': TLS needs certfile too"),
        ({"quic_bind": "a:1"}, "quic_bind = ['a:1']: HTTP/3 is not available in this version"),
    ],
)
def test_values_that_do_not_go_together(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Config.from_mapping(values).validate()
    assert str(refused.value).startswith(message)


def test_a_list_that_was_spoilt_in_place_is_found() -> None:
    config = Config()
    config.bind.append("host:port")
    with pytest.raises(ConfigError, match="'host:port' has the port 'port'"):
        config.validate()


SETTINGS: dict[str, tuple[object, str, object]] = {
    "backlog": (7, "backlog", 7),
    "drain_delay": (7, "drain_delay", 7.0),
    "readiness_path": ("/ready", "readiness_path", "/ready"),
    "graceful_timeout": (7, "graceful_timeout", 7.0),
    "root_path": ("/r", "root_path", "/r"),
    "server_names": (["a"], "server_names", ("a",)),
    "shutdown_timeout": (7, "shutdown_timeout", 7.0),
    "ssl_handshake_timeout": (7, "ssl_handshake_timeout", 7.0),
    "startup_timeout": (7, "startup_timeout", 7.0),
    "write_buffer": (7, "write_buffer", 7),
    "write_idle_timeout": (None, "write_idle_timeout", None),
    "write_min_rate": (7, "write_min_rate", 7),
    "max_requests": (7, "max_requests", 7),
}
HTTP1_SETTINGS: dict[str, tuple[object, str, object]] = {
    "http1_engine": ("h11", "engine", "h11"),
    "h11_max_incomplete_size": (7, "max_head_size", 7),
    "h11_pass_raw_headers": (True, "keep_header_case", True),
    "keep_alive_max_requests": (7, "max_requests", 7),
    "keep_alive_timeout": (7, "keep_alive_timeout", 7.0),
    "linger_timeout": (7, "linger_timeout", 7.0),
    "max_body_buffer": (7, "max_body_buffer", 7),
    "max_headers": (7, "max_headers", 7),
    "max_pipeline_buffer": (7, "max_pipeline_buffer", 7),
    "max_request_body_size": (7, "max_body_size", 7),
    "rate_grace": (7, "rate_grace", 7.0),
    "read_body_timeout": (7, "read_timeout", 7.0),
    "read_header_timeout": (7, "head_timeout", 7.0),
    "read_idle_timeout": (7, "read_idle_timeout", 7.0),
    "read_min_rate": (7, "read_min_rate", 7),
    "h2c": (False, "switch_to_http2", False),
}
HTTP2_SETTINGS: dict[str, tuple[object, str, object]] = {
    "h2_control_frames_per_second": (7, "control_frames_per_second", 7),
    "h2_max_concurrent_streams": (7, "max_concurrent_streams", 7),
    "h2_max_control_frames": (7, "max_control_frames", 7),
    "h2_max_header_list_size": (7, "max_header_list_size", 7),
    "h2_max_inbound_frame_size": (20_000, "max_frame_size", 20_000),
    "h2_max_resets": (7, "max_resets", 7),
    "h2_max_window_growth": (7, "max_window_growth", 7),
    "h2_push": (False, "push", False),
    "h2_resets_per_second": (7, "resets_per_second", 7),
    "h2_settings_timeout": (7, "settings_timeout", 7.0),
    "http2_engine": ("hpack", "engine", "hpack"),
    "keep_alive_max_requests": (7, "max_requests", 7),
    "keep_alive_timeout": (7, "keep_alive_timeout", 7.0),
    "linger_timeout": (7, "linger_timeout", 7.0),
    "max_body_buffer": (7, "max_body_buffer", 7),
    "max_headers": (7, "max_headers", 7),
    "max_request_body_size": (7, "max_body_size", 7),
    "rate_grace": (7, "rate_grace", 7.0),
    "read_body_timeout": (7, "read_timeout", 7.0),
    "read_header_timeout": (7, "head_timeout", 7.0),
    "read_idle_timeout": (7, "read_idle_timeout", 7.0),
    "read_min_rate": (7, "read_min_rate", 7),
    "write_idle_timeout": (7, "write_idle_timeout", 7.0),
    "write_min_rate": (7, "write_min_rate", 7),
}


WEBSOCKET_SETTINGS: dict[str, tuple[Any, str, Any]] = {
    "websocket_close_timeout": (7, "close_timeout", 7.0),
    "websocket_deflate_context_takeover": (False, "deflate_context_takeover", False),
    "websocket_deflate_level": (7, "deflate_level", 7),
    "websocket_deflate_memory_level": (7, "deflate_memory_level", 7),
    "websocket_deflate_min_size": (7, "deflate_min_size", 7),
    "websocket_deflate_window_bits": (11, "deflate_window_bits", 11),
    "websocket_engine": ("wsproto", "engine", "wsproto"),
    "websocket_max_message_buffer": (7, "max_message_buffer", 7),
    "websocket_max_message_size": (7, "max_message_size", 7),
    "websocket_permessage_deflate": (False, "deflate", False),
    "websocket_ping_interval": (7, "ping_interval", 7.0),
    "websocket_ping_timeout": (7, "pong_timeout", 7.0),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_worker_settings(name: str) -> None:
    value, field, expected = SETTINGS[name]
    settings = Config.from_mapping({name: value}).to_worker_settings()
    assert getattr(settings, field) == expected


@pytest.mark.parametrize("name", HTTP1_SETTINGS)
def test_http1_settings(name: str) -> None:
    value, field, expected = HTTP1_SETTINGS[name]
    settings = Config.from_mapping({name: value}).to_worker_settings()
    assert getattr(settings.http1, field) == expected


@pytest.mark.parametrize("name", HTTP2_SETTINGS)
def test_http2_settings(name: str) -> None:
    value, field, expected = HTTP2_SETTINGS[name]
    settings = Config.from_mapping({name: value}).to_worker_settings()
    assert getattr(settings.http2, field) == expected


@pytest.mark.parametrize("name", WEBSOCKET_SETTINGS)
def test_websocket_settings(name: str) -> None:
    value, field, expected = WEBSOCKET_SETTINGS[name]
    settings = Config.from_mapping({name: value}).to_worker_settings()
    assert getattr(settings.websocket, field) == expected


@pytest.mark.parametrize("name", ["websocket_ping_interval", "websocket_ping_timeout"])
@pytest.mark.parametrize("value", [0, None])
def test_pings_that_are_switched_off(name: str, value: float | None) -> None:
    settings = Config.from_mapping({name: value}).to_worker_settings().websocket
    assert None in (settings.ping_interval, settings.pong_timeout)


def test_every_setting_below_has_an_option() -> None:
    covered = {field for _, field, _ in SETTINGS.values()}
    covered |= {"http1", "http2", "websocket", "response_headers"}
    assert covered == {field.name for field in fields(WorkerSettings)}
    covered = {field for _, field, _ in HTTP1_SETTINGS.values()}
    assert covered == {field.name for field in fields(HTTP1Settings)}
    covered = {field for _, field, _ in HTTP2_SETTINGS.values()}
    assert covered == {field.name for field in fields(HTTP2Settings)}
    covered = {field for _, field, _ in WEBSOCKET_SETTINGS.values()}
    assert covered == {field.name for field in fields(WebSocketSettings)}


def test_defaults_are_those_below() -> None:
    settings = Config().to_worker_settings()
    assert settings.http1 == HTTP1Settings(switch_to_http2=True)
    assert settings.http2 == HTTP2Settings()
    assert settings.websocket == WebSocketSettings()
    below = {"http1", "http2", "websocket", "response_headers", "server_names"}
    for field in fields(WorkerSettings):
        if field.name not in below:
            assert getattr(settings, field.name) == field.default


@pytest.mark.parametrize(("timeout", "expected"), [(None, 30.0), (2, 2.0), (90, 30.0)])
def test_read_timeout_of_0_18_caps_the_idle_timeout(
    timeout: float | None, expected: float
) -> None:
    settings = Config.from_mapping(read_timeout=timeout).to_worker_settings()
    assert settings.http1.read_idle_timeout == expected
    assert settings.http2.read_idle_timeout == expected


def test_max_requests_jitter() -> None:
    config = Config.from_mapping(max_requests=10, max_requests_jitter=2)
    drawn = {config.to_worker_settings().max_requests for _ in range(200)}
    assert drawn == {10, 11, 12}


def test_importing_the_package_stays_light() -> None:
    """What only some servers need is imported by those alone."""
    import subprocess

    code = (
        "import sys; before = set(sys.modules); import hypercorn;"  # the environment's own aside
        "new = set(sys.modules) - before;"
        "print(*{'asyncio', 'trio', 'uvloop', 'multiprocessing', 'argparse'} & new)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(
    ("name", "engine"),
    [
        ("http1_engine", "httptools"),
        ("http2_engine", "hpack"),
        ("websocket_engine", "websockets"),
        ("websocket_engine", "wsproto"),
    ],
)
def test_engines_that_are_not_installed(
    monkeypatch: pytest.MonkeyPatch, name: str, engine: str
) -> None:
    config = Config.from_mapping({name: engine})
    config.validate()
    monkeypatch.setitem(sys.modules, engine, None)  # as if it was not there

    with pytest.raises(ConfigError, match=f"{name} = '{engine}': it is not installed, `pip"):
        config.validate()
