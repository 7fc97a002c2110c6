"""Options on logs and metrics.

Knows: the groups of logging and of StatsD.
Must not know: how a line is written or a metric sent.
"""

from __future__ import annotations

import logging
from typing import Any

from hypercorn.logging import Logger

from .kinds import Level, LogTarget, Maybe, Path, PythonClass, Table, Text
from .option import OptionGroup, option

__all__ = ["LoggingOptions", "MetricsOptions"]


class HostPort(Text):
    """A host and a port."""

    name = "host:port"
    metavar = "HOST:PORT"

    def check(self, value: object) -> str:
        host, separator, port = super().check(value).rpartition(":")
        if not host or not separator or not port.isdecimal() or int(port) > 65_535:
            raise ValueError("must be host:port, such as localhost:8125")
        return f"{host}:{port}"


class LogConfigPath(Path):
    """A path, with ``json:`` or ``toml:`` in front unless it is an ini file."""

    name = "path, `json:PATH` or `toml:PATH`"


class LoggingOptions(OptionGroup, title="Logging"):
    """What is logged, how, and where to."""

    accesslog: logging.Logger | str | None = option(
        LogTarget(),
        None,
        "Where requests are logged: `-` for stdout, a file to append to, nothing for not at all.",
        flags=("--access-logfile",),
        old_flags=("--access-log",),
    )
    access_log_format: str = option(
        Text(),
        '%(h)s %(l)s %(l)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"',
        "The format of the access log; the parts are listed in the logging guide.",
        flags=("--access-logformat",),
    )
    errorlog: logging.Logger | str | None = option(
        LogTarget(),
        "-",
        "Where everything else is logged: `-` for stderr, a file to append to, nothing for not "
        "at all.",
        flags=("--error-logfile", "--log-file"),
        old_flags=("--error-log",),
    )
    loglevel: str = option(
        Level(), "INFO", "The least important level that is logged.", flags=("--log-level",)
    )
    logconfig: str | None = option(
        Maybe(LogConfigPath()),
        None,
        "A file that configures the logging module: ini, or JSON or TOML with that prefix.",
        flags=("--log-config",),
    )
    logconfig_dict: dict[str, Any] | None = option(
        Maybe(Table()),
        None,
        "Configures the logging module (`logging.config.dictConfig`) if logconfig is not set.",
    )
    logger_class: type[Logger] = option(
        PythonClass(), Logger, "The class whose instance writes the logs."
    )


class MetricsOptions(OptionGroup, title="Metrics"):
    """StatsD."""

    statsd_host: str | None = option(
        Maybe(HostPort()), None, "The StatsD server that gets counts and durations of requests."
    )
    statsd_prefix: str = option(Text(), "", "Put before the name of each metric, with a dot.")
    dogstatsd_tags: str = option(
        Text(), "", "Tags in DogStatsD's format, comma separated, for each metric."
    )
