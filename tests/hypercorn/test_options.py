"""The table of options: kinds of values, defaults, and how a refusal reads."""

from __future__ import annotations

import logging
import os
import ssl
from pathlib import Path
from typing import Any

import pytest

from hypercorn.config import Config, ConfigError
from hypercorn.logging import Logger
from hypercorn.options import declared_options, option
from hypercorn.options.kinds import Integer

DEFAULTS_OF_0_18 = {
    "access_log_format": '%(h)s %(l)s %(l)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"',
    "accesslog": None,
    "alpn_protocols": ["h2", "http/1.1"],
    "alt_svc_headers": [],
    "bind": ["127.0.0.1:8000"],
    "ca_certs": None,
    "certfile": None,
    "ciphers": "ECDHE+AESGCM",
    "daemon": True,
    "debug": False,
    "dogstatsd_tags": "",
    "errorlog": "-",
    "graceful_timeout": 3.0,
    "group": None,
    "h11_max_incomplete_size": 16_384,
    "h11_pass_raw_headers": False,
    "h2_max_concurrent_streams": 100,
    "h2_max_header_list_size": 65_536,
    "h2_max_inbound_frame_size": 16_384,
    "include_date_header": True,
    "include_server_header": True,
    "insecure_bind": [],
    "keep_alive_max_requests": 1000,
    "keep_alive_timeout": 5.0,
    "keyfile": None,
    "keyfile_password": None,
    "logconfig": None,
    "logconfig_dict": None,
    "logger_class": Logger,
    "loglevel": "INFO",
    "max_app_queue_size": 10,
    "max_requests": None,
    "max_requests_jitter": 0,
    "pid_path": None,
    "quic_bind": [],
    "read_timeout": None,
    "root_path": "",
    "server_names": [],
    "shutdown_timeout": 60.0,
    "ssl_handshake_timeout": 60.0,
    "startup_timeout": 60.0,
    "statsd_host": None,
    "statsd_prefix": "",
    "umask": None,
    "use_reloader": False,
    "user": None,
    "verify_flags": None,
    "verify_mode": None,
    "websocket_max_message_size": 16_777_216,
    "workers": 1,
    "wsgi_max_body_size": 16_777_216,
}


@pytest.mark.parametrize("name", DEFAULTS_OF_0_18)
def test_options_of_0_18_have_their_defaults(name: str) -> None:
    assert getattr(Config(), name) == DEFAULTS_OF_0_18[name]
    assert getattr(Config, name) == DEFAULTS_OF_0_18[name]


def test_changed_defaults() -> None:
    config = Config()
    assert (config.worker_class, config.backlog) == ("auto", 4096)
    assert config.websocket_ping_interval == 20


def test_every_default_is_a_value_that_may_be_set() -> None:
    config = Config()
    for name in declared_options(Config):
        if hasattr(config, name):
            setattr(config, name, getattr(config, name))
    config.validate()


def test_every_option_is_documented_and_grouped() -> None:
    for each in declared_options(Config).values():
        assert each.about.endswith(".")
        assert each.group != "Options"


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("accesslog", Path("access.log"), "access.log"),
        ("accesslog", None, None),
        ("bind", "unix:a.sock", ["unix:a.sock"]),
        ("bind", ("a:1", "b:2"), ["a:1", "b:2"]),
        ("group", "0", 0),
        ("keep_alive_timeout", 7, 7.0),
        ("loglevel", "debug", "debug"),
        ("read_timeout", 2.5, 2.5),
        ("root_path", "/mounted/", "/mounted"),
        ("user", 0, 0),
        ("verify_flags", "VERIFY_X509_STRICT", ssl.VerifyFlags.VERIFY_X509_STRICT),
        ("verify_mode", "CERT_REQUIRED", ssl.CERT_REQUIRED),
        ("verify_mode", 1, ssl.CERT_OPTIONAL),
        ("verify_mode", ssl.CERT_NONE, ssl.CERT_NONE),
    ],
)
def test_accepted_values(name: str, value: object, kept: object) -> None:
    config = Config()
    setattr(config, name, value)
    assert getattr(config, name) == kept


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("access_log_format", 1, "access_log_format = 1: must be text"),
        ("accesslog", 1, "accesslog = 1: must be a path, '-', a logging.Logger or None"),
        ("bind", [1], "bind = [1]: must be a list of texts"),
        ("certfile", "", "certfile = '': must be a path"),
        ("daemon", 1, "daemon = 1: must be true or false"),
        ("graceful_timeout", -1, "graceful_timeout = -1: must be a number of seconds, 0 or more"),
        (
            "graceful_timeout",
            float("nan"),
            "graceful_timeout = nan: must be a number of seconds, 0 or more",
        ),
        ("graceful_timeout", "3", "graceful_timeout = '3': must be a number of seconds"),
        ("logconfig_dict", 1, "logconfig_dict = 1: must be a table of keys and values"),
        ("logger_class", "L", "logger_class = 'L': must be a class, so it can only be set from"),
        ("loglevel", "loud", "loglevel = 'loud': must be one of critical, error, warning, info"),
        ("statsd_host", "x", "statsd_host = 'x': must be host:port, such as localhost:8125"),
        ("umask", "99", "umask = '99': must be a whole number written in octal"),
        ("user", "no such user", "user = 'no such user': is no user of this system"),
        ("verify_mode", 9, "verify_mode = 9: must be one of CERT_NONE, CERT_OPTIONAL, CERT_REQ"),
        (
            "worker_class",
            "gevent",
            "worker_class = 'gevent': must be one of auto, asyncio, uvloop",
        ),
        (
            "h2_max_inbound_frame_size",
            2**24,
            "h2_max_inbound_frame_size = 16777216: must be a whole number, 16384 to 16777215",
        ),
        ("workers", "four", "workers = 'four': must be a whole number, 0 or more"),
        ("workers", -1, "workers = -1: must be a whole number, 0 or more"),
        ("workers", True, "workers = True: must be a whole number, 0 or more"),
    ],
)
def test_refused_values(name: str, value: object, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        setattr(Config(), name, value)
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)


def test_a_list_belongs_to_one_configuration() -> None:
    changed, other = Config(), Config()
    changed.bind.append("127.0.0.1:9000")
    assert changed.bind == ["127.0.0.1:8000", "127.0.0.1:9000"]
    assert other.bind == Config.bind == ["127.0.0.1:8000"]


def test_application_path_has_no_default() -> None:
    config = Config()
    with pytest.raises(AttributeError, match="application_path"):
        _ = config.application_path
    config.application_path = "app:app"
    assert config.application_path == "app:app"


def test_cert_reqs_sets_verify_mode_and_warns() -> None:
    config = Config()
    with pytest.warns(DeprecationWarning, match="use verify_mode"):
        config.cert_reqs = 2
    assert config.verify_mode == 2
    with pytest.warns(DeprecationWarning, match="use verify_mode"):
        config.set_cert_reqs(0)
    assert config.verify_mode == 0
    with pytest.raises(AttributeError):
        _ = config.cert_reqs


def test_cert_reqs_that_is_no_mode() -> None:
    warned = pytest.warns(DeprecationWarning, match="use verify_mode")
    with warned, pytest.raises(ConfigError, match="verify_mode = 9"):
        Config().cert_reqs = 9


class Company(Config):
    """A subclass with another default, another option, and an attribute."""

    workers = 4
    server_names: list[str] = ["a", "b"]  # noqa: RUF012 (each instance gets a copy)
    tenant = "none"
    shards: int = option(Integer(minimum=1), 2, "How many shards.")

    @property
    def ssl_enabled(self) -> bool:
        return self.tenant != "none"


def test_subclass_declares_defaults_and_options() -> None:
    config = Company()
    assert (config.workers, config.server_names, config.shards) == (4, ["a", "b"], 2)
    config.workers = 2
    with pytest.raises(ConfigError, match="workers = 'x'"):
        config.workers = "x"  # type: ignore[assignment]
    with pytest.raises(ConfigError, match="shards = 0"):
        config.shards = 0
    assert Config().workers == 1


def test_subclass_with_a_wrong_default_is_refused() -> None:
    with pytest.raises(ConfigError, match="workers = 'many'"):
        type("Wrong", (Config,), {"workers": "many"})


def test_subclass_attributes_can_be_configured() -> None:
    config = Company.from_mapping(tenant="one", shards=3)
    assert (config.tenant, config.shards, config.ssl_enabled) == ("one", 3, True)


def test_any_attribute_may_be_set_on_an_instance() -> None:
    config: Any = Config()
    config.something_else = 1
    assert config.something_else == 1


def test_environment_variables_are_named_for_the_options() -> None:
    names = {each.environment_variable for each in declared_options(Config).values()}
    assert {"HYPERCORN_BIND", "HYPERCORN_KEEP_ALIVE_TIMEOUT"} <= names


def test_accounts_by_name() -> None:
    pwd, grp = pytest.importorskip("pwd"), pytest.importorskip("grp")
    user, group = pwd.getpwuid(os.getuid()), grp.getgrgid(os.getgid())
    config = Config.from_mapping(user=user.pw_name, group=group.gr_name)
    assert (config.user, config.group) == (user.pw_uid, group.gr_gid)


def test_a_logger_object_is_kept() -> None:
    logger = logging.getLogger("of.the.test")
    assert Config.from_mapping(errorlog=logger).errorlog is logger
