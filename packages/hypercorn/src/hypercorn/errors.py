"""What stops the server from starting, and the exit code that says so.

Knows: the exceptions that mean "this cannot be served as configured" and the process exit codes.
Must not know: where an error is shown.
"""

from __future__ import annotations

import difflib
import errno as codes
from collections.abc import Iterable
from enum import IntEnum

__all__ = [
    "BindError",
    "ConfigError",
    "ConfigPickleError",
    "ExitCode",
    "NoAppError",
    "nearest",
    "suggestion",
    "too_many_workers",
]


class ExitCode(IntEnum):
    """How the process ends."""

    OK = 0
    CRASHED = 1
    """A worker, or the server itself, failed after it had started."""
    BAD_CONFIGURATION = 2
    """An option, a certificate or an address cannot be used."""
    APPLICATION_FAILED = 3
    """The application cannot be imported, or failed to start."""
    INTERRUPTED = 130
    """Ctrl-C before anything was served (128 and the signal's number, as shells have it)."""


class ConfigError(ValueError):
    """An option has a value that cannot be used, or a name that no option has.

    The message is one line: which option, where it stood, its value, and what would be right.
    """


def too_many_workers(workers: int, error: OSError) -> ConfigError:
    """What it means that the system has refused what so many need, such as descriptors."""
    way_out = ", or allow more descriptors (ulimit -n)" if error.errno == codes.EMFILE else ""
    return ConfigError(
        f"workers = {workers}: there is not enough for so many ({error.strerror}); "
        f"start fewer{way_out}"
    )


class ConfigPickleError(ConfigError, RuntimeError):
    """The configuration cannot travel to a worker process."""


class BindError(OSError):
    """A socket cannot be bound. The message is one line that names the bind and the way out."""

    def __init__(self, errno: int | None, message: str) -> None:
        super().__init__(errno, message)

    @classmethod
    def of(cls, error: OSError, bind: str) -> BindError:
        """What an error of the system means for this bind."""
        match error.errno:
            case codes.EADDRINUSE:
                message = (
                    f"address already in use: {bind} - is another server running? "
                    "choose another with --bind"
                )
            case codes.EACCES | codes.EPERM:
                message = (
                    f"not allowed to bind {bind}: ports below 1024 and others' folders need rights"
                )
            case codes.EADDRNOTAVAIL:
                message = (
                    f"this machine does not have the address {bind}; choose another with --bind"
                )
            case _:
                message = f"cannot bind {bind}: {error.strerror or error}"
        return cls(error.errno, message)

    def __str__(self) -> str:
        return str(self.strerror)


class NoAppError(Exception):
    """There is no application where the target points to."""


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.7) -> str | None:
    """The known name that is nearest, in any case; None if none is near."""
    by_lower = {each.lower(): each for each in known}
    matches = difflib.get_close_matches(name.lower(), list(by_lower), n=1, cutoff=cutoff)
    return by_lower[matches[0]] if matches else None


def suggestion(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` for the known name that is nearest, or nothing."""
    near = nearest(name, known)
    return "" if near is None else f"; did you mean {near!r}?"
