"""The grammar of binds: where to listen, as people write it.

Knows: a bind is ``HOST:PORT``, ``HOST``, ``[IPV6]:PORT``, ``[IPV6]``, ``unix:PATH``,
``fd://N`` or ``fd://NAME``.
Must not know: sockets that listen.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass

from .errors import ConfigError

__all__ = ["Bind", "FDBind", "TCPBind", "UnixBind", "is_ipv6", "parse_bind"]

DEFAULT_PORT = 8000


@dataclass(frozen=True)
class TCPBind:
    """A host, as a name or an address without brackets, and a port."""

    host: str
    port: int = DEFAULT_PORT

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

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
    """A socket that is open already, by its file descriptor or the name that systemd gave it."""

    fd: int | str


Bind = TCPBind | UnixBind | FDBind


def parse_bind(text: str) -> Bind:
    """Read one bind. Raises ConfigError with what is wrong about it."""
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        if not path:
            raise ConfigError(f"{text!r} has no path, write unix:PATH")
        return UnixBind(path)
    if text.startswith("fd://"):
        number = text.removeprefix("fd://")
        if not number:
            raise ConfigError(f"{text!r} has no number, write fd://N or fd://NAME")
        return FDBind(int(number) if number.isdecimal() else number)
    return _parse_address(text)


def _parse_address(text: str) -> TCPBind:
    if "/" in text:
        raise ConfigError(f"{text!r} is not an address, write HOST:PORT or unix:PATH")
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")) or not is_ipv6(host):
            raise ConfigError(f"{text!r} is not an address, write [IPV6]:PORT")
        return TCPBind(host, _port(rest[1:], text)) if rest else TCPBind(host)
    if is_ipv6(text) and text.count(":") > 1 and text != "::":
        raise ConfigError(f"{text!r} may or may not end in a port, write [IPV6]:PORT")
    if text == "::":
        return TCPBind(text)
    host, colon, port = text.rpartition(":")
    if not colon:
        return TCPBind(text)
    if ":" in host and not is_ipv6(host):
        raise ConfigError(f"{text!r} is not an address, write HOST:PORT or [IPV6]:PORT")
    return TCPBind(host, _port(port, text))


def is_ipv6(host: str) -> bool:
    """Whether a host is an IPv6 address, with or without a zone."""
    try:
        socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
    except OSError:
        return False
    return True


def _port(text: str, bind: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise ConfigError(f"{bind!r} has the port {text!r}, it must be a number from 0 to 65535")
    return int(text)
