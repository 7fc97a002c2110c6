"""The command line: flags, their precedence, and one clear line for what is wrong."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

import hypercorn
from hypercorn import __main__
from hypercorn.cli import build_parser, configuration, main
from hypercorn.config import Config, ConfigError
from hypercorn.options import declared_options


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("HYPERCORN_"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("flag", "text", "name", "value"),
    [
        ("--access-logfile", "-", "accesslog", "-"),
        ("--access-logformat", "%(r)s", "access_log_format", "%(r)s"),
        ("--backlog", "5", "backlog", 5),
        ("-b", "a:1", "bind", ["a:1"]),
        ("--bind", "a:1", "bind", ["a:1"]),
        ("--ca-certs", "c", "ca_certs", "c"),
        ("--certfile", "c", "certfile", "c"),
        ("--ciphers", "c", "ciphers", "c"),
        ("--error-logfile", "e", "errorlog", "e"),
        ("--log-file", "e", "errorlog", "e"),
        ("--graceful-timeout", "1.5", "graceful_timeout", 1.5),
        ("-g", "5", "group", 5),
        ("--http1-engine", "h11", "http1_engine", "h11"),
        ("--insecure-bind", "a:1", "insecure_bind", ["a:1"]),
        ("--keep-alive", "0.5", "keep_alive_timeout", 0.5),
        ("--keyfile", "k", "keyfile", "k"),
        ("--keyfile-password", "k", "keyfile_password", "k"),
        ("--log-config", "l", "logconfig", "l"),
        ("--log-level", "debug", "loglevel", "debug"),
        ("--max-request-body-size", "none", "max_request_body_size", None),
        ("--max-requests", "50", "max_requests", 50),
        ("--max-requests-jitter", "7", "max_requests_jitter", 7),
        ("-p", "pid", "pid_path", "pid"),
        ("--pid", "pid", "pid_path", "pid"),
        ("--quic-bind", "a:1", "quic_bind", ["a:1"]),
        ("--read-header-timeout", "none", "read_header_timeout", None),
        ("--read-timeout", "2.5", "read_timeout", 2.5),
        ("--root-path", "/r/", "root_path", "/r"),
        ("--server-name", "a", "server_names", ["a"]),
        ("--statsd-host", "a:1", "statsd_host", "a:1"),
        ("--statsd-prefix", "p", "statsd_prefix", "p"),
        ("-m", "022", "umask", 0o22),
        ("--umask", "0o27", "umask", 0o27),
        ("-u", "5", "user", 5),
        ("--verify-mode", "CERT_REQUIRED", "verify_mode", ssl.CERT_REQUIRED),
        ("--websocket-ping-interval", "1.5", "websocket_ping_interval", 1.5),
        ("-k", "trio", "worker_class", "trio"),
        ("--worker-class", "asyncio", "worker_class", "asyncio"),
        ("-w", "3", "workers", 3),
        ("--workers", "3", "workers", 3),
    ],
)
def test_flags(flag: str, text: str, name: str, value: object) -> None:
    for arguments in ([flag, text, "app:app"], ["app:app", flag, text]):
        config = configuration(arguments)
        assert getattr(config, name) == value
        assert config.application_path == "app:app"


@pytest.mark.parametrize(
    ("flag", "name", "value"),
    [
        ("--debug", "debug", True),
        ("--no-debug", "debug", False),
        ("-D", "daemonize", True),
        ("--daemon", "daemonize", True),
        ("--preload", "preload", True),
        ("--no-reuse-port", "reuse_port", False),
        ("--reload", "use_reloader", True),
        ("--no-include-server-header", "include_server_header", False),
    ],
)
def test_switches(flag: str, name: str, value: bool) -> None:
    assert getattr(configuration([flag, "app:app"]), name) is value


def test_flags_that_are_not_given_change_nothing() -> None:
    assert vars(configuration(["app:app"])) == {"application_path": "app:app"}


def test_repeated_binds_are_collected_and_replace_the_files(tmp_path: Path) -> None:
    path = tmp_path / "h.toml"
    path.write_text('bind = ["file:1"]\ninsecure_bind = ["file:2"]')
    config = configuration(["-c", str(path), "-b", "a:1", "--bind", "b:2", "app:app"])
    assert config.bind == ["a:1", "b:2"]
    assert config.insecure_bind == ["file:2"]


def test_every_option_that_is_text_has_a_flag_and_help() -> None:
    text = build_parser().format_help()
    for each in declared_options(Config).values():
        for flag in each.flags if each.name != "application_path" else ():
            assert flag in text
        for flag in each.old_flags:
            assert f"{flag} " not in text


def test_unambiguous_prefixes() -> None:
    assert configuration(["--workers=2", "--root", "/r", "app:app"]).root_path == "/r"
    with pytest.raises(ConfigError, match="ambiguous option: --work could match"):
        configuration(["--work", "2", "app:app"])


@pytest.mark.parametrize(
    ("flag", "name"), [("--access-log", "accesslog"), ("--error-log", "errorlog")]
)
def test_old_flags(flag: str, name: str) -> None:
    with pytest.warns(DeprecationWarning, match=f"{flag} is deprecated"):
        config = configuration([flag, "x.log", "app:app"])
    assert getattr(config, name) == "x.log"


def test_old_flag_for_verify_mode() -> None:
    with pytest.warns(DeprecationWarning, match="--cert-reqs is deprecated|use verify_mode"):
        config = configuration(["--cert-reqs", "2", "app:app"])
    assert config.verify_mode is ssl.CERT_REQUIRED


# Precedence


def test_flags_win_over_environment_over_file_over_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "h.toml"
    path.write_text("workers = 2\nbacklog = 2\nmax_headers = 2\n")
    monkeypatch.setenv("HYPERCORN_CONFIG", str(path))
    monkeypatch.setenv("HYPERCORN_WORKERS", "3")
    monkeypatch.setenv("HYPERCORN_BACKLOG", "3")
    config = configuration(["--workers", "4", "app:app"])
    assert (config.workers, config.backlog, config.max_headers) == (4, 3, 2)
    assert config.keep_alive_timeout == 5.0


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("HYPERCORN_BIND", "a:1, unix:b", "bind", ["a:1", "unix:b"]),
        ("HYPERCORN_DEBUG", "yes", "debug", True),
        ("HYPERCORN_INCLUDE_DATE_HEADER", "0", "include_date_header", False),
        ("HYPERCORN_ACCESSLOG", "", "accesslog", None),
        ("HYPERCORN_UMASK", "027", "umask", 0o27),
        ("HYPERCORN_READ_TIMEOUT", "none", "read_timeout", None),
        ("HYPERCORN_APPLICATION_PATH", "env:app", "application_path", "env:app"),
    ],
)
def test_environment(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, name: str, value: object
) -> None:
    monkeypatch.setenv(variable, text)
    assert getattr(configuration([]), name) == value


@pytest.mark.parametrize(
    "variable",
    [
        "HYPERCORN_PORT",
        "HYPERCORN_PORT_8000_TCP_ADDR",
        "HYPERCORN_SERVICE_HOST",
        "HYPERCORN_SERVICE_PORT_HTTP",
        "HYPERCORN_DEPLOYED_BY",
    ],
)
def test_variables_of_others_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "x")
    assert vars(configuration([])) == {}


@pytest.mark.parametrize(
    ("kind", "text"), [("", "workers = 2"), ("file:", "workers = 2"), ("python:", "workers = 2")]
)
def test_kinds_of_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "conf_of_test.py").write_text(text)
    location = f"{kind}conf_of_test" + ("" if kind == "python:" else ".py")
    assert configuration(["--config", location, "app:app"]).workers == 2
    sys.modules.pop("conf_of_test", None)


# What is wrong

CASES: list[tuple[list[str], str]] = [
    ([], "no application is given: `hypercorn module:attribute`"),
    (["--workers", "four", "a:b"], "--workers four: must be a whole number, 0 or more"),
    (["-w", "four", "a:b"], "-w four: must be a whole number, 0 or more"),
    (["--bind", "a:b", "a:b"], "--bind a:b: 'a:b' has the port 'b', it must be a number"),
    (["--wrokers", "4", "a:b"], "unknown flag '--wrokers'; did you mean '--workers'?"),
    (["--zzz", "a:b"], "unknown flag '--zzz'; see hypercorn --help"),
    (["a:b", "c:d"], "unknown argument 'c:d'; see hypercorn --help"),
    (["--bind"], "argument -b/--bind: expected one argument; see hypercorn --help"),
    (["-c", "none.toml", "a:b"], "configuration 'none.toml': No such file or directory"),
    (["-c", "file:none.py", "a:b"], "configuration 'file:none.py': No such file or directory"),
    (["-c", "python:no_such", "a:b"], "configuration 'python:no_such': ModuleNotFoundError: "),
    (["-c", "file:wrong.py", "a:b"], "configuration 'file:wrong.py': line 1: SyntaxError: "),
    (["-c", "file:ends.py", "a:b"], "configuration 'file:ends.py' ended the process: no secret"),
    (["-c", "bad.toml", "a:b"], "bad.toml: unknown option 'wrokers'; did you mean 'workers'?"),
    (["-c", "file:bad.py", "a:b"], "configuration 'file:bad.py': line 2: ZeroDivisionError: "),
    (
        ["--quic-bind", "a:1", "a:b"],
        "quic_bind = ['a:1']: HTTP/3 is not available in this version",
    ),
    (["--reload", "-w", "0", "a:b"], "use_reloader = True: it needs a worker process"),
    (["--reload", "--reload-dir", "no/where", "a:b"], "reload_dirs = ['no/where']: there is no "),
    (
        ["--worker-max-rss", "512", "a:b"],
        "--worker-max-rss 512: must be a size such as 512M or 2G",
    ),
    (["--bind", "fd://web", "a:b"], "fd://web: the service manager has passed no socket"),
    (["--certfile", "c", "a:b"], "certfile = 'c': TLS needs keyfile too"),
    (["--certfile", "c", "--keyfile", "k", "a:b"], "certfile = 'c': No such file or directory"),
    (["--bind", "192.0.2.1:0", "a:b"], "this machine does not have the address 192.0.2.1:0"),
    (
        ["--pid", "no/where", "--bind", "127.0.0.1:0", "a:b"],
        "pid_path = 'no/where': cannot be written: No such file or directory; choose another path",
    ),
    (["--access-logfile", "no/where", "a:b"], "cannot log to 'no/where': No such file"),
    (["--log-config", "none.ini", "a:b"], "logconfig = 'none.ini': No such file or directory"),
]


@pytest.mark.parametrize(("arguments", "message"), CASES)
def test_what_is_wrong_is_told_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "bad.toml").write_text("wrokers = 4")
    (tmp_path / "bad.py").write_text("\nworkers = 1 / 0")
    (tmp_path / "wrong.py").write_text("workers = = 1")
    (tmp_path / "ends.py").write_text("raise SystemExit('no secret')")
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"hypercorn: error: {message}")
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_descriptor_of_another_type(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        assert main(["--bind", f"fd://{sock.fileno()}", "a:b"]) == 2
    assert capsys.readouterr().err.startswith("hypercorn: error: Unexpected socket type")


def test_misspelt_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HYPERCORN_WORKER", "4")
    assert main(["a:b"]) == 2
    assert capsys.readouterr().err == (
        "hypercorn: error: unknown environment variable HYPERCORN_WORKER; "
        "did you mean HYPERCORN_WORKERS?\n"
    )


def test_wrong_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HYPERCORN_WORKERS", "four")
    assert main(["a:b"]) == 2
    assert "HYPERCORN_WORKERS=four: must be a whole number, 0 or more" in capsys.readouterr().err


@pytest.mark.parametrize("loop", ["uvloop", "trio"])
def test_event_loop_that_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], loop: str
) -> None:
    monkeypatch.setattr("hypercorn.eventloops.find_spec", lambda name: None)
    assert main(["-k", loop, "a:b"]) == 2
    assert f"`pip install hypercorn[{loop}]`" in capsys.readouterr().err


# Help


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith(f"hypercorn {hypercorn.__version__} on ")


def test_help_is_grouped(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for heading in ("Application:", "Where to listen:", "Processes:", "TLS:", "Limits:"):
        assert f"\n{heading}\n" in text
    assert "--cert-reqs" not in text


def test_module_can_be_run() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hypercorn", "--bind"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("hypercorn: error: argument -b/--bind")
    assert __main__.main is main
