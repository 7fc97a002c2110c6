"""Binds: from ``HOST:PORT`` and its like to sockets, and the removal of what they left behind.

Knows: the grammar of binds, socket options, unix sockets' files, and how an error at binding is
told. A bind is ``HOST:PORT``, ``HOST``, ``[IPV6]:PORT``, ``[IPV6]``, ``unix:PATH`` or ``fd://N``.
Must not know: configuration, TLS, or who serves the sockets.

Sockets are made once, in the process that was started, and worker processes inherit them: every
worker accepts from the same queue. The alternative, a socket for each worker with SO_REUSEPORT,
gives each worker a queue of its own, and connections that wait in the queue of a worker that stops
are reset. For the same reason the first process listens before its workers are ready: connections
wait in the queue while the application starts, and none is refused when workers are replaced.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from .errors import BindError, ConfigError

__all__ = [
    "Bind",
    "FDBind",
    "SocketTypeError",
    "Sockets",
    "TCPBind",
    "UnixBind",
    "UnixOwnership",
    "UnixSocketFiles",
    "listen",
    "open_sockets",
    "parse_bind",
]

DEFAULT_PORT = 8000
IPV4_WILDCARD = "0.0.0.0"
UNUSABLE_ADDRESS = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}


class SocketTypeError(Exception):
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


@dataclass(frozen=True)
class TCPBind:
    """A host, as a name or an address without brackets, and a port."""

    host: str
    port: int = DEFAULT_PORT

    @property
    def is_ipv6_wildcard(self) -> bool:
        """Whether it stands for every IPv6 address."""
        return self.host == "::"


@dataclass(frozen=True)
class UnixBind:
    """The path of a unix socket."""

    path: str


@dataclass(frozen=True)
class FDBind:
    """A socket that is open already, by its file descriptor."""

    fd: int


Bind = TCPBind | UnixBind | FDBind


@dataclass(frozen=True)
class UnixOwnership:
    """What the file of a unix socket is made with; None leaves it to the system."""

    umask: int | None = None
    user: int | None = None
    group: int | None = None


def parse_bind(text: str) -> Bind:
    """Read one bind. Raises ConfigError with what is wrong about it."""
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        if not path:
            raise ConfigError(f"{text!r} has no path, write unix:PATH")
        return UnixBind(path)
    if text.startswith("fd://"):
        number = text.removeprefix("fd://")
        if not number.isdecimal():
            raise ConfigError(f"{text!r} has no number, write fd://N")
        return FDBind(int(number))
    return _parse_address(text)


def _parse_address(text: str) -> TCPBind:
    if "/" in text:
        raise ConfigError(f"{text!r} is not an address, write HOST:PORT or unix:PATH")
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")) or not _is_ipv6(host):
            raise ConfigError(f"{text!r} is not an address, write [IPV6]:PORT")
        return TCPBind(host, _port(rest[1:], text)) if rest else TCPBind(host)
    if _is_ipv6(text) and text.count(":") > 1 and text != "::":
        raise ConfigError(f"{text!r} may or may not end in a port, write [IPV6]:PORT")
    if text == "::":
        return TCPBind(text)
    host, colon, port = text.rpartition(":")
    if not colon:
        return TCPBind(text)
    if ":" in host and not _is_ipv6(host):
        raise ConfigError(f"{text!r} is not an address, write HOST:PORT or [IPV6]:PORT")
    return TCPBind(host, _port(port, text))


def _is_ipv6(host: str) -> bool:
    try:
        socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
    except OSError:
        return False
    return True


def _port(text: str, bind: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise ConfigError(f"{bind!r} has the port {text!r}, it must be a number from 0 to 65535")
    return int(text)


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
        return [_open_unix(bind.path, ownership)]
    if isinstance(bind, FDBind):
        return [_adopt(bind.fd)]
    return _open_tcp(bind, dual_stack=_is_dual_stack(bind, others))


def _is_dual_stack(bind: TCPBind, others: Sequence[Bind]) -> bool:
    """``[::]`` serves IPv4 too, on every system, unless IPv4 is bound to the same port itself."""
    return bind.is_ipv6_wildcard and not any(
        isinstance(other, TCPBind) and other.port == bind.port and not _is_ipv6(other.host)
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
        raise _bind_error(failure, _address_name(bind)) from None
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


def _address_name(bind: TCPBind) -> str:
    host = f"[{bind.host}]" if ":" in bind.host else bind.host
    return f"{host}:{bind.port}"


def _bind_error(error: OSError, name: str) -> BindError:
    match error.errno:
        case errno.EADDRINUSE:
            message = (
                f"address already in use: {name} - is another server running? "
                "choose another with --bind"
            )
        case errno.EACCES | errno.EPERM:
            message = (
                f"not allowed to bind {name}: ports below 1024 and others' folders need rights"
            )
        case errno.EADDRNOTAVAIL:
            message = f"this machine does not have the address {name}; choose another with --bind"
        case _:
            message = f"cannot bind {name}: {error.strerror or error}"
    return BindError(error.errno, message)


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


def _open_unix(path: str, ownership: UnixOwnership) -> socket.socket:
    if not hasattr(socket, "AF_UNIX"):
        raise BindError(None, f"cannot bind unix:{path}: this system has no unix sockets")
    _remove_stale(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _umask(ownership.umask):
            sock.bind(path)
        _give_away(path, ownership)
    except BindError:
        sock.close()
        raise
    except OSError as error:
        sock.close()
        raise _bind_error(error, f"unix:{path}") from None
    return _prepared(sock)


def _give_away(path: str, ownership: UnixOwnership) -> None:
    if ownership.user is None and ownership.group is None:
        return
    user = -1 if ownership.user is None else ownership.user
    group = -1 if ownership.group is None else ownership.group
    try:
        os.chown(path, user, group)
    except OSError as error:
        raise BindError(
            error.errno, f"cannot give unix:{path} to its user and group: {error.strerror}"
        ) from None


def _remove_stale(path: str) -> None:
    """Remove a socket file that nobody answers on; a file that is in use is left alone."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return
    if not stat.S_ISSOCK(mode):
        raise BindError(
            errno.EEXIST, f"cannot bind unix:{path}: there is a file that is no socket"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            return
        except OSError:
            pass
    raise _bind_error(OSError(errno.EADDRINUSE, ""), f"unix:{path}")


@contextlib.contextmanager
def _umask(mask: int | None) -> Iterator[None]:
    if mask is None:
        yield
        return
    former = os.umask(mask)
    try:
        yield
    finally:
        os.umask(former)


def listen(sockets: Iterable[socket.socket], backlog: int) -> None:
    """Let connections queue up. Raises BindError."""
    for sock in sockets:
        try:
            sock.listen(backlog)
        except OSError as error:
            raise _bind_error(error, _socket_name(sock)) from None


def _socket_name(sock: socket.socket) -> str:
    name = sock.getsockname()
    if sock.family not in {socket.AF_INET, socket.AF_INET6}:
        return f"unix:{name}"
    return _address_name(TCPBind(*name[:2]))


class UnixSocketFiles:
    """The files of unix sockets, to be removed at the end unless others took their place."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[int, int] | None] = {}

    def claim(self, binds: Iterable[str]) -> None:
        """Remember the files that these binds have made."""
        self._files.update({path: _identity(path) for path in _unix_paths(binds)})

    def remove(self) -> None:
        """Remove what was claimed and is still the same file."""
        for path, identity in self._files.items():
            if identity is not None and _identity(path) == identity:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
        self._files.clear()


def _unix_paths(binds: Iterable[str]) -> list[str]:
    return [bind.path for bind in map(parse_bind, binds) if isinstance(bind, UnixBind)]


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
