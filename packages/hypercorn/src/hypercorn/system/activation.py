"""Socket activation: the descriptors that a service manager has opened, sd_listen_fds(3).

Knows: the variables ``LISTEN_*``.
Must not know: what is done with the descriptors.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from dataclasses import dataclass

from hypercorn.errors import ConfigError

__all__ = ["Inherited", "inherited_descriptors"]

FIRST = 3
"""SD_LISTEN_FDS_START: the first after the standard streams."""
NAMELESS = "unknown"
COUNT = "LISTEN_FDS"
NAMES = "LISTEN_FDNAMES"
PROCESS = "LISTEN_PID"
VARIABLES = (COUNT, NAMES, PROCESS, "LISTEN_PIDFDID")


@dataclass(frozen=True)
class Inherited:
    """An open descriptor, which the caller closes."""

    fd: int
    name: str
    """``FileDescriptorName=`` of the socket's unit."""


def inherited_descriptors(environment: MutableMapping[str, str]) -> list[Inherited]:
    """The descriptors that this process was started with, in the manager's order.

    The variables are removed, and programs that this one runs do not get the descriptors. They
    are for the process that was started, so this comes before detaching. Raises ConfigError for
    variables that are wrong.
    """
    values = {name: environment.pop(name, "") for name in VARIABLES}
    if not values[PROCESS] or not values[COUNT]:
        return []
    if _number(PROCESS, values[PROCESS]) != os.getpid():
        return []
    count = _number(COUNT, values[COUNT])
    names = _names(values[NAMES], count)
    for fd in range(FIRST, FIRST + count):
        _keep_from_programs(fd, count)
    return [Inherited(fd, name) for fd, name in enumerate(names, FIRST)]


def _number(variable: str, value: str) -> int:
    if not (value.isascii() and value.isdigit()):
        raise ConfigError(f"{variable} = {value!r}: a number is expected in this variable")
    return int(value)


def _names(text: str, count: int) -> list[str]:
    names = text.split(":") if text else [NAMELESS] * count
    if len(names) != count:
        raise ConfigError(
            f"{NAMES} = {text!r}: {len(names)} names for {count} descriptors ({COUNT})"
        )
    return [name or NAMELESS for name in names]


def _keep_from_programs(fd: int, count: int) -> None:
    try:
        os.set_inheritable(fd, False)
    except OSError as error:
        raise ConfigError(f"{COUNT} = {count}: descriptor {fd}: {error.strerror}") from None
