"""Sockets: made of binds, and shared by the processes that serve.

Knows: socket options, name resolution, inherited descriptors, and how to listen.
Must not know: configuration, TLS, or who serves the sockets.

Sockets are made once, in the process that was started, and worker processes inherit them: every
worker accepts from the same queue. The alternative, a socket for each worker with SO_REUSEPORT,
gives each worker a queue of its own, and connections that wait in the queue of a worker that stops
are reset. For the same reason the first process listens before its workers are ready: connections
wait in the queue while the application starts, and none is refused when workers are replaced.
"""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .binds import Bind, FDBind, TCPBind, UnixBind, is_ipv6, parse_bind
from .errors import BindError, ConfigError
from .unix_sockets import UnixOwnership, bind_unix

__all__ = ["SocketTypeError", "Sockets", "listen", "open_sockets"]

IPV4_WILDCARD = "0.0.0.0"
UNUSABLE_ADDRESS = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}


class SocketTypeError(ConfigError):
    """An inherited socket is of another type than its use needs."""

    def __init__(self, expected: int, actual: int) -> None:
        super().__init__(
            f"Unexpected socket type, wanted {socket.SocketKind(expected)} "
            f"got {socket.SocketKind(actual)}"
        )


@dataclass
class Sockets:
    """Bound sockets by what is spoken on them."""

    secure_sockets: list[socket.socket]
    insecure_sockets: list[socket.socket]
    quic_sockets: list[socket.socket] = field(default_factory=list)

    @property
    def stream_sockets(self) -> list[socket.socket]:
        """Those that connections come in on."""
        return [*self.secure_sockets, *self.insecure_sockets]

    def close(self) -> None:
        """Close all of them in this process."""
        for sock in (*self.stream_sockets, *self.quic_sockets):
            sock.close()


def open_sockets(binds: Iterable[str], ownership: UnixOwnership) -> list[socket.socket]:
    """Make and bind the sockets of these binds, in their order, none of them listening.

    A name that stands for several addresses gives a socket for each of them. The caller closes the
    sockets. Raises BindError for an address that cannot be had, SocketTypeError for an ``fd://``
    that is no stream socket; then none is left open.
    """
    parsed = [parse_bind(text) for text in binds]
    sockets: list[socket.socket] = []
    try:
        for bind in parsed:
            sockets += _open(bind, parsed, ownership)
    except BaseException:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def _open(bind: Bind, others: Sequence[Bind], ownership: UnixOwnership) -> list[socket.socket]:
    if isinstance(bind, UnixBind):
        return [_prepared(bind_unix(bind.path, ownership))]
    if isinstance(bind, FDBind):
        return [_adopt(bind.fd)]
    return _open_tcp(bind, dual_stack=_is_dual_stack(bind, others))


def _is_dual_stack(bind: TCPBind, others: Sequence[Bind]) -> bool:
    """``[::]`` serves IPv4 too, on every system, unless IPv4 is bound to the same port itself."""
    return bind.is_ipv6_wildcard and not any(
        isinstance(other, TCPBind) and other.port == bind.port and not is_ipv6(other.host)
        for other in others
    )


def _open_tcp(bind: TCPBind, *, dual_stack: bool) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    failure: OSError | None = None
    for family, address in _resolve(bind):
        try:
            sockets.append(_bind_tcp(family, address, dual_stack=dual_stack))
        except OSError as error:
            # A name such as localhost may stand for an address that this machine does not have.
            failure = error
            if error.errno not in UNUSABLE_ADDRESS:
                break
    if failure is not None and (not sockets or failure.errno not in UNUSABLE_ADDRESS):
        for sock in sockets:
            sock.close()
        raise BindError.of(failure, str(bind)) from None
    return sockets


def _resolve(bind: TCPBind) -> list[tuple[int, tuple[object, ...]]]:
    host = bind.host or IPV4_WILDCARD
    try:
        found = socket.getaddrinfo(
            host, bind.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except socket.gaierror as error:
        raise BindError(
            None, f"cannot resolve {bind.host!r}: {error.strerror}; choose another with --bind"
        ) from None
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def _bind_tcp(family: int, address: tuple[object, ...], *, dual_stack: bool) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":
            # On Windows it would let two servers have one port.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not dual_stack)
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    return _prepared(sock)


def _prepared(sock: socket.socket) -> socket.socket:
    sock.setblocking(False)
    sock.set_inheritable(True)
    return sock


def _adopt(fd: int) -> socket.socket:
    try:
        sock = socket.socket(fileno=fd)
    except OSError as error:
        raise BindError(
            error.errno, f"fd://{fd} is not an open socket: {error.strerror}"
        ) from None
    if sock.type != socket.SOCK_STREAM:
        kind = sock.type
        sock.detach()
        raise SocketTypeError(socket.SOCK_STREAM, kind)
    return _prepared(sock)


def listen(sockets: Iterable[socket.socket], backlog: int) -> None:
    """Let connections queue up. Raises BindError."""
    for sock in sockets:
        try:
            sock.listen(backlog)
        except OSError as error:
            raise BindError.of(error, _socket_name(sock)) from None


def _socket_name(sock: socket.socket) -> str:
    name = sock.getsockname()
    if sock.family not in {socket.AF_INET, socket.AF_INET6}:
        return f"unix:{name}"
    return str(TCPBind(*name[:2]))
