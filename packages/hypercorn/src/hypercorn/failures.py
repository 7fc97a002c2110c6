"""Why the server did not start: the exit code, and what to tell the operator.

Knows: which errors are told in one line, and which with the application's traceback.
Must not know: where it is shown.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from types import TracebackType

from hypercorn_asgi.errors import LifespanFailureError, LifespanTimeoutError

from .errors import BindError, ConfigError, ExitCode, NoAppError

__all__ = ["complain", "exit_code", "reason"]

CONFIGURATION_ERRORS = (ConfigError, BindError)
ONE_LINE_ERRORS = (*CONFIGURATION_ERRORS, NoAppError, LifespanFailureError, LifespanTimeoutError)
OWN_FILES = (os.path.dirname(__file__), os.path.dirname(importlib.__file__), "<frozen importlib")


def exit_code(error: BaseException) -> ExitCode:
    """How the process ends after a start that failed with this error."""
    if isinstance(_unwrapped(error), CONFIGURATION_ERRORS):
        return ExitCode.BAD_CONFIGURATION
    return ExitCode.APPLICATION_FAILED


def reason(error: BaseException, target: str) -> str:
    """What to tell about a start that failed: one line, or a traceback and one line.

    The traceback begins where the application's code does."""
    error = _unwrapped(error)
    if isinstance(error, ONE_LINE_ERRORS):
        return str(error)
    if isinstance(error, SystemExit):
        return f"{target} ended the process: {error.code}"
    lines = traceback.format_exception(type(error), error, _application_part(error.__traceback__))
    return f"{target} raised\n{''.join(lines)}".rstrip()


def complain(message: str) -> None:
    """Tell the operator on stderr, whatever logging is configured."""
    if sys.stderr is not None:  # as it is when it was closed
        sys.stderr.write(f"hypercorn: error: {message}\n")
        sys.stderr.flush()


def _unwrapped(error: BaseException) -> BaseException:
    """The only error of a group, as nurseries make them."""
    inner: tuple[BaseException, ...] = getattr(error, "exceptions", ())
    return _unwrapped(inner[0]) if len(inner) == 1 else error


def _application_part(trace: TracebackType | None) -> TracebackType | None:
    part = trace
    while part is not None and part.tb_frame.f_code.co_filename.startswith(OWN_FILES):
        part = part.tb_next
    return part or trace
