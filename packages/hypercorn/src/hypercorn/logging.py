"""Logs: where they go, and the line for a request.

Knows: the loggers ``hypercorn.access`` and ``hypercorn.error``, their handlers, and that the
methods of a Logger are coroutines so that a subclass may wait; none here does.
Must not know: when something is logged.
"""

from __future__ import annotations

import json
import logging
import logging.config
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from .access import AccessLogAtoms
from .compatibility import tomllib
from .errors import ConfigError

if TYPE_CHECKING:
    from .config import Config
    from .typing import ResponseSummary, WWWScope

__all__ = ["AccessLogAtoms", "Logger", "standard_logger"]

LINE_FORMAT = "%(asctime)s [%(process)d] [%(levelname)s] %(message)s"
DATE_FORMAT = "[%Y-%m-%d %H:%M:%S %z]"


class Logger:
    """Writes the access and the error log of one configuration.

    Subclass and set ``logger_class``, or assign an instance to ``config._log``, to log in another
    way. Attributes that it does not have are those of its error logger.
    """

    access_log_format: str
    access_logger: logging.Logger | None
    error_logger: logging.Logger | None

    def __init__(self, config: Config) -> None:
        self.access_log_format = config.access_log_format
        self.access_logger = _create_logger(
            "hypercorn.access", config.accesslog, config.loglevel, sys.stdout, propagate=False
        )
        self.error_logger = _create_logger(
            "hypercorn.error", config.errorlog, config.loglevel, sys.stderr
        )
        if config.logconfig is not None:
            _configure_from_file(config.logconfig)
        elif config.logconfig_dict is not None:
            _configure(config.logconfig_dict, "logconfig_dict")

    async def access(
        self, request: WWWScope, response: ResponseSummary | None, request_time: float
    ) -> None:
        """Log a request. ``request_time`` is in seconds; ``response`` None means no answer."""
        if self.access_logger is not None:
            self.access_logger.info(
                self.access_log_format, self.atoms(request, response, request_time)
            )

    async def critical(self, message: str, *args: Any, **kwargs: Any) -> None:
        """Log at level CRITICAL."""
        if self.error_logger is not None:
            self.error_logger.critical(message, *args, **kwargs)

    async def error(self, message: str, *args: Any, **kwargs: Any) -> None:
        """Log at level ERROR."""
        if self.error_logger is not None:
            self.error_logger.error(message, *args, **kwargs)

    async def warning(self, message: str, *args: Any, **kwargs: Any) -> None:
        """Log at level WARNING."""
        if self.error_logger is not None:
            self.error_logger.warning(message, *args, **kwargs)

    async def info(self, message: str, *args: Any, **kwargs: Any) -> None:
        """Log at level INFO."""
        if self.error_logger is not None:
            self.error_logger.info(message, *args, **kwargs)

    async def debug(self, message: str, *args: Any, **kwargs: Any) -> None:
        """Log at level DEBUG."""
        if self.error_logger is not None:
            self.error_logger.debug(message, *args, **kwargs)

    async def exception(self, message: str, *args: Any, **kwargs: Any) -> None:
        """Log at level ERROR with a traceback: ``exc_info``, or the exception being handled."""
        if self.error_logger is not None:
            kwargs.setdefault("exc_info", True)
            self.error_logger.error(message, *args, **kwargs)

    async def log(self, level: int, message: str, *args: Any, **kwargs: Any) -> None:
        """Log at any level."""
        if self.error_logger is not None:
            self.error_logger.log(level, message, *args, **kwargs)

    def atoms(
        self, request: WWWScope, response: ResponseSummary | None, request_time: float
    ) -> Mapping[str, str]:
        """What ``access_log_format`` may refer to; override to add to it."""
        return AccessLogAtoms(request, response, request_time)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "error_logger" not in vars(self):
            raise AttributeError(name)
        return getattr(self.error_logger, name)


def standard_logger(log: object) -> logging.Logger:
    """A Logger's error log, for those who are not in a coroutine; a silent one if it has none."""
    logger = getattr(log, "error_logger", None)
    if isinstance(logger, logging.Logger):
        return logger
    silent = logging.getLogger("hypercorn.silent")
    silent.propagate = False
    if not silent.handlers:
        silent.addHandler(logging.NullHandler())
    return silent


def _create_logger(
    name: str,
    target: logging.Logger | str | None,
    level: str | None,
    sys_default: IO[str],
    *,
    propagate: bool = True,
) -> logging.Logger | None:
    if target is None or isinstance(target, logging.Logger):
        return target
    logger = logging.getLogger(name)
    # A later Logger replaces the handler of an earlier one; others' handlers stay.
    own_name = f"{name} of the server"
    for former in [each for each in logger.handlers if each.get_name() == own_name]:
        logger.removeHandler(former)
        former.close()
    handler = _handler(target, sys_default)
    handler.set_name(own_name)
    handler.setFormatter(logging.Formatter(LINE_FORMAT, DATE_FORMAT))
    logger.addHandler(handler)
    logger.propagate = propagate
    if level is not None:
        logger.setLevel(level.upper())
    return logger


def _handler(target: str, stream: IO[str]) -> logging.Handler:
    if target == "-":
        return logging.StreamHandler(stream)
    try:
        return logging.FileHandler(target)
    except OSError as error:
        raise ConfigError(f"cannot log to {target!r}: {error.strerror}") from None


def _configure_from_file(location: str) -> None:
    try:
        if location.startswith("json:"):
            with open(location.removeprefix("json:"), "rb") as file:
                _configure(json.load(file), location)
        elif location.startswith("toml:"):
            with open(location.removeprefix("toml:"), "rb") as file:
                _configure(tomllib.load(file), location)
        else:
            _configure_from_ini(location)
    except ConfigError:
        raise
    except OSError as error:
        raise ConfigError(f"logconfig = {location!r}: {error.strerror}") from None
    except Exception as error:
        raise ConfigError(f"logconfig = {location!r}: {error}") from error


def _configure_from_ini(path: str) -> None:
    with open(path, "rb"):
        pass  # fileConfig takes a file that is not there for an empty one
    logging.config.fileConfig(
        path,
        defaults={"__file__": path, "here": str(Path(path).resolve().parent)},
        disable_existing_loggers=False,
    )


def _configure(settings: Mapping[str, Any], source: str) -> None:
    """As ``dictConfig``, but loggers that exist are left on unless the settings say otherwise."""
    try:
        logging.config.dictConfig({"version": 1, "disable_existing_loggers": False, **settings})
    except (ValueError, TypeError, AttributeError, ImportError) as error:
        reason = f": {error.__cause__}" if error.__cause__ is not None else ""
        raise ConfigError(f"{source}: {error}{reason}") from error
