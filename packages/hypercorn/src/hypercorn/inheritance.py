"""Listening sockets that exist already: inherited from the process before, or of one's own.

Knows: the variables that name inherited descriptors, and how a bind finds the socket that it is
bound to already. Whoever binds takes a duplicate, so that every holder closes its own.
Must not know: who else serves them, or when.

Sockets come from systemd (socket activation), from the server that this one replaces, from a
reloader, or from this server's own former configuration. Whatever waits in their queues is kept.
"""

from __future__ import annotations

import contextlib
import functools
import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar

from .errors import ConfigError
from .system.activation import Inherited, inherited_descriptors

__all__ = [
    "Offer",
    "activated",
    "current_offer",
    "descriptors",
    "duplicate",
    "environment",
    "is_somebody_elses",
    "leave_to_this_process",
    "offered",
    "offered_by_environment",
]

SOCKETS_VARIABLE = "HYPERCORN_INHERITED_SOCKETS"
ACTIVATED_VARIABLE = "HYPERCORN_INHERITED_ACTIVATION"
VARIABLES = (SOCKETS_VARIABLE, ACTIVATED_VARIABLE)

Address = tuple[object, ...] | str | bytes


class Offer:
    """Sockets to be used again, duplicates once. Those that are handed in stay their owner's to
    close."""

    def __init__(self, sockets: Iterable[socket.socket] = ()) -> None:
        self._sockets = _without_duplicates(sock for sock in sockets if sock.fileno() >= 0)
        for sock in self._sockets:
            # A duplicate is as blocking as its original seems to be, and with it every copy that
            # other processes have: to seem so is enough to have their accept() hang.
            sock.setblocking(False)

    def take(self, family: int, address: Address) -> socket.socket | None:
        """A duplicate of the socket that is bound there, each only once; None if there is none.

        Port 0 means any: any one on that host."""
        for sock in self._sockets:
            if sock.family == family and _is_at(sock, address):
                self._sockets.remove(sock)
                return sock.dup()
        return None

    def left(self) -> list[socket.socket]:
        """What nobody has taken."""
        return list(self._sockets)


def _without_duplicates(sockets: Iterable[socket.socket]) -> list[socket.socket]:
    found: dict[object, socket.socket] = {}
    for sock in sockets:
        found.setdefault(_identity(sock.fileno()) or sock, sock)
    return [*found.values()]


def _identity(descriptor: int) -> tuple[int, int] | None:
    """What duplicates have in common; None where sockets have no such thing, and if it is
    closed."""
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status.st_ino else None


def _is_at(sock: socket.socket, address: Address) -> bool:
    bound: Address = sock.getsockname()
    if not isinstance(bound, tuple) or not isinstance(address, tuple):
        return bound == address
    return bound[0] == address[0] and address[1] in (0, bound[1])


_offer: ContextVar[Offer | None] = ContextVar("_offer", default=None)


def current_offer() -> Offer:
    """What is offered to whoever binds now."""
    return _offer.get() or Offer()


@contextlib.contextmanager
def offered(offer: Offer) -> Iterator[Offer]:
    """Inside, binds take from this offer, unless they are inside of another one."""
    if _offer.get() is not None:
        yield current_offer()
        return
    token = _offer.set(offer)
    try:
        yield offer
    finally:
        _offer.reset(token)


@contextlib.contextmanager
def offered_by_environment() -> Iterator[Offer]:
    """Inside, binds take what the process before has left to this one, the first time."""
    sockets = _inherited_sockets()
    try:
        with offered(Offer(sockets)) as offer:
            yield offer
    finally:
        for sock in sockets:
            sock.close()


def _inherited_sockets() -> list[socket.socket]:
    text = os.environ.pop(SOCKETS_VARIABLE, "")
    try:
        return [socket.socket(fileno=int(number)) for number in text.split(",") if number]
    except (ValueError, OSError):
        raise ConfigError(
            f"{SOCKETS_VARIABLE}={text}: these are no open sockets; it is not to be set by hand"
        ) from None


@functools.cache
def activated() -> tuple[Inherited, ...]:
    """The sockets that a service manager has opened for this server (sd_listen_fds(3))."""
    text = os.environ.pop(ACTIVATED_VARIABLE, None)
    if text is None:
        return tuple(inherited_descriptors(os.environ))
    pairs = [pair.partition("=") for pair in text.split(":")]  # names have no colon
    return tuple(Inherited(int(number), name) for number, _, name in pairs)


_named: set[int] = set()


def duplicate(descriptor: int) -> int:
    """A duplicate of an inherited descriptor, which itself stays: configurations and servers that
    come after this one may name it again. The caller closes it. Raises OSError."""
    duplicated = os.dup(descriptor)
    _named.add(descriptor)
    return duplicated


def is_somebody_elses(sock: socket.socket) -> bool:
    """Whether a bind has named it by its number: who has opened it decides what else listens at
    its address, and for how long."""
    identity = _identity(sock.fileno())
    return identity is not None and identity in map(_identity, _named)


def environment(sockets: Iterable[socket.socket]) -> Mapping[str, str]:
    """The variables that leave these sockets, and those of activation, to another process, which
    has to be given their descriptors under the same numbers: :func:`descriptors`."""
    variables = {SOCKETS_VARIABLE: ",".join(str(sock.fileno()) for sock in sockets)}
    if activated():
        variables[ACTIVATED_VARIABLE] = ":".join(f"{each.fd}={each.name}" for each in activated())
    return variables


def descriptors(sockets: Iterable[socket.socket]) -> list[int]:
    """What :func:`environment` speaks of, and what binds have named by its number."""
    activated_ones = {each.fd for each in activated()}
    return sorted({sock.fileno() for sock in sockets} | activated_ones | _named)


def leave_to_this_process(sockets: Iterable[socket.socket]) -> None:
    """Whoever binds first in this process is to take these."""
    os.environ[SOCKETS_VARIABLE] = ",".join(str(sock.detach()) for sock in sockets)
