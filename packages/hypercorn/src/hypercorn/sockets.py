"""Sockets: made of binds, and shared by the processes that serve.

Knows: socket options, name resolution, inherited descriptors, and how to listen.
Must not know: configuration, TLS, or who serves the sockets.

Sockets are made in the process that was started, which holds them open for as long as it serves:
a socket that closes resets the connections that wait in its queue. For the same reason it listens
before its workers are ready: connections wait in the queue while the application starts, and none
is refused when workers are replaced. Workers share sockets, or each has its own of a group
(SO_REUSEPORT) between which the system balances.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from weakref import WeakSet

from .binds import Bind, FDBind, TCPBind, UnixBind, is_ipv6, parse_bind
from .errors import BindError, ConfigError
from .inheritance import activated, current_offer, duplicate, is_somebody_elses
from .unix_sockets import UnixOwnership, UnixSocketFiles, bind_unix

__all__ = [
    "BALANCING",
    "SocketTypeError",
    "Sockets",
    "has_own_queue",
    "keep_to_this_process",
    "listen",
    "open_sockets",
    "sibling",
]

IPV4_WILDCARD = "0.0.0.0"
WILDCARDS = {IPV4_WILDCARD, "::", ""}
BALANCING: int | None = (
    getattr(socket, "SO_REUSEPORT", None)
    if sys.platform == "linux"
    else getattr(socket, "SO_REUSEPORT_LB", None)
)
"""The option of sockets that share an address and the connections to it. Other systems have one
of that name with which the latest socket gets all connections."""
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

    def set_inheritable(self, inheritable: bool) -> None:
        """Whether programs that this process executes have them too."""
        for sock in (*self.stream_sockets, *self.quic_sockets):
            sock.set_inheritable(inheritable)

    def close(self) -> None:
        """Close all of them in this process."""
        for sock in (*self.stream_sockets, *self.quic_sockets):
            sock.close()


def open_sockets(
    binds: Iterable[str], ownership: UnixOwnership, *, reuse_port: bool = False
) -> list[socket.socket]:
    """Make and bind the sockets of these binds, in their order, none of them listening.

    A name that stands for several addresses gives a socket for each of them. With ``reuse_port``
    :func:`sibling` can make more sockets for the same addresses. What is bound already
    (:mod:`.inheritance`) is used again. The caller closes the sockets. Raises BindError for an
    address that cannot be had, SocketTypeError for an ``fd://`` that is no stream socket; then
    none is left open, nor its file behind.
    """
    parsed = [parse_bind(text) for text in binds]
    sockets: list[socket.socket] = []
    files = UnixSocketFiles()
    try:
        for bind in parsed:
            if isinstance(bind, UnixBind):
                sockets.append(_open_unix(bind, ownership, files))
            elif isinstance(bind, FDBind):
                sockets.append(_adopt(bind.fd))
            else:
                sockets += _open_tcp(bind, _is_dual_stack(bind, parsed), reuse_port)
    except BaseException:
        files.remove()
        for sock in sockets:
            sock.close()
        raise
    return sockets


def _open_unix(bind: UnixBind, ownership: UnixOwnership, files: UnixSocketFiles) -> socket.socket:
    inherited = _inherited_unix(bind.path)
    if inherited is not None:
        return _prepared(inherited)
    sock = bind_unix(bind.path, ownership)
    files.claim([f"unix:{bind.path}"])
    return _prepared(sock)


def _inherited_unix(path: str) -> socket.socket | None:
    if not hasattr(socket, "AF_UNIX") or not os.path.exists(path):
        return None  # a socket whose file is gone cannot be reached any more
    return current_offer().take(socket.AF_UNIX, path)


def _is_dual_stack(bind: TCPBind, others: Sequence[Bind]) -> bool:
    """``[::]`` serves IPv4 too, on every system, unless IPv4 is bound to the same port itself."""
    return bind.is_ipv6_wildcard and not any(
        isinstance(other, TCPBind) and other.port == bind.port and not is_ipv6(other.host)
        for other in others
    )


def _open_tcp(bind: TCPBind, dual_stack: bool, reuse_port: bool) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    failure: OSError | None = None
    for family, address in _resolve(bind):
        try:
            inherited = current_offer().take(family, address)
            sockets.append(inherited or _bind_tcp(family, address, dual_stack, reuse_port))
        except OSError as error:
            # A name such as localhost may stand for an address that this machine does not have.
            failure = error
            if error.errno not in UNUSABLE_ADDRESS:
                break
    if failure is not None and (not sockets or failure.errno not in UNUSABLE_ADDRESS):
        for sock in sockets:
            sock.close()
        raise _refusal(failure, bind) from None
    return sockets


def _refusal(failure: OSError, bind: TCPBind) -> BindError:
    """Why it cannot be bound: what is in the way may be this server's own."""
    for sock in current_offer().left():
        if failure.errno == errno.EADDRINUSE and _overlap(sock, bind):
            return BindError(
                failure.errno,
                f"cannot bind {bind}: this server listens on {_socket_name(sock)}, and has to be "
                "restarted to exchange one for the other",
            )
    return BindError.of(failure, str(bind))


def _overlap(sock: socket.socket, bind: TCPBind) -> bool:
    """Whether all addresses are one of them, and the other on the same port."""
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    host, port = sock.getsockname()[:2]
    return bool(port == bind.port and WILDCARDS & {host, bind.host})


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


def _bind_tcp(
    family: int, address: tuple[object, ...], dual_stack: bool, reuse_port: bool
) -> socket.socket:
    if reuse_port and address[1] != 0:
        # Another server's socket of the same kind would let itself be joined without a word.
        _bound(family, address, dual_stack, reuse_port=False).close()
    return _bound(family, address, dual_stack, reuse_port)


def _bound(
    family: int, address: tuple[object, ...], dual_stack: bool, reuse_port: bool
) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":
            # On Windows it would let two servers have one port.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port and BALANCING is not None:
            sock.setsockopt(socket.SOL_SOCKET, BALANCING, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not dual_stack)
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    return _prepared(sock)


def sibling(sock: socket.socket, backlog: int) -> socket.socket:
    """Another listening socket for the same address, with a queue of its own if the system
    balances between them, else a duplicate; the caller closes it."""
    if not has_own_queue(sock):
        return _prepared(sock.dup())
    address = sock.getsockname()
    inherited = current_offer().take(sock.family, address)
    if inherited is not None:
        return _prepared(inherited)
    dual_stack = sock.family == socket.AF_INET6 and not sock.getsockopt(
        socket.IPPROTO_IPV6, socket.IPV6_V6ONLY
    )
    other = _bound(sock.family, address, dual_stack, reuse_port=True)
    try:
        listen([other], backlog)
    except OSError:
        other.close()
        raise
    return other


def has_own_queue(sock: socket.socket) -> bool:
    """Whether it is one of a group between which the system balances connections, and others may
    join that group here."""
    return (
        BALANCING is not None
        and sock.family in (socket.AF_INET, socket.AF_INET6)
        and sock.getsockopt(socket.SOL_SOCKET, BALANCING) != 0
        and not is_somebody_elses(sock)
    )


def _prepared(sock: socket.socket) -> socket.socket:
    sock.setblocking(False)
    return sock


_kept: WeakSet[socket.socket] = WeakSet()


def keep_to_this_process(sockets: Iterable[socket.socket]) -> None:
    """Programs that it runs and processes that the application forks are not to have these: one
    that outlives the server would hold its address, and have connections of it wait in a queue
    that nobody looks at."""
    for sock in sockets:
        sock.set_inheritable(False)
        _kept.add(sock)


def _close_kept() -> None:
    for sock in _kept:
        sock.close()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_close_kept)


def _adopt(descriptor: int | str) -> socket.socket:
    number = _number(descriptor) if isinstance(descriptor, str) else descriptor
    try:
        sock = socket.socket(fileno=duplicate(number))
    except OSError as error:
        raise BindError(
            error.errno, f"fd://{descriptor} is not an open socket: {error.strerror}"
        ) from None
    if sock.type != socket.SOCK_STREAM:
        kind = sock.type
        sock.close()
        raise SocketTypeError(socket.SOCK_STREAM, kind)
    return _prepared(sock)


def _number(name: str) -> int:
    for inherited in activated():
        if inherited.name == name:
            return inherited.fd
    known = ", ".join(each.name for each in activated()) or "none at all"
    raise BindError(
        None, f"fd://{name}: the service manager has passed no socket of that name ({known})"
    )


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
