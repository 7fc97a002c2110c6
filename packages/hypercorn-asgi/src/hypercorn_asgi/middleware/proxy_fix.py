"""Put back what a proxy in front has hidden: the client, the scheme and the host.

Knows: which fields proxies write, and which of their values can be trusted.
Must not know: the grammar of those fields.

Every proxy appends to these fields, so what stands at their end was written by the nearest
proxy and what stands at their beginning may be a client's invention. Counting from the end
by the number of own proxies gives the value that the outermost own proxy wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_network
from typing import Literal, NamedTuple

from hypercorn_asgi.typing import (
    ASGIFramework,
    ASGIReceiveCallable,
    ASGISendCallable,
    Scope,
    WWWScope,
)

from ._forwarded import parse_forwarded, parse_node

__all__ = ["ProxyFixMiddleware"]

_WEBSOCKET_SCHEMES = {"http": "ws", "https": "wss"}


class _Origin(NamedTuple):
    """What a proxy tells of the request that it got; ``None`` where it tells nothing."""

    client: str | None
    scheme: str | None
    host: str | None


class ProxyFixMiddleware:
    """Take client, scheme and host from the fields that a proxy wrote.

    *mode* ``"legacy"`` reads X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host,
    ``"modern"`` reads Forwarded (RFC 7239) and nothing else: a client can send the other
    fields through a proxy that does not know them.

    *trusted_hops* is the number of own proxies that a request passes; 0 turns the middleware
    off. A field with fewer values was not written by all of them and is not used.

    *trusted_hosts* limits it to connections that come from these addresses or networks
    (``"10.0.0.1"``, ``"10.0.0.0/8"``, ``"::1"``, and ``"unix"`` for a Unix socket); ``None``
    trusts every peer, which is right only where nothing else can connect.

    Raises ValueError for arguments that make no sense: the caller's fault.
    """

    def __init__(
        self,
        app: ASGIFramework,
        mode: Literal["legacy", "modern"] = "legacy",
        trusted_hops: int = 1,
        *,
        trusted_hosts: Sequence[str] | None = None,
    ) -> None:
        if mode not in ("legacy", "modern"):
            raise ValueError(f"mode must be 'legacy' or 'modern', not {mode!r}")
        if trusted_hops < 0:
            raise ValueError(f"trusted_hops must not be negative, and is {trusted_hops}")
        self.app = app
        self.mode = mode
        self.trusted_hops = trusted_hops
        self._trusts = None if trusted_hosts is None else _TrustedPeers(trusted_hosts)

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """Serve *scope* by the application; the given scope itself is not changed."""
        if scope["type"] != "lifespan" and self.trusted_hops > 0 and self._trusts_peer(scope):
            read = _read_modern if self.mode == "modern" else _read_legacy
            scope = _apply(scope, read(scope["headers"], self.trusted_hops))
        await self.app(scope, receive, send)

    def _trusts_peer(self, scope: WWWScope) -> bool:
        return self._trusts is None or scope.get("client") in self._trusts


class _TrustedPeers:
    """The peers whose word counts."""

    def __init__(self, hosts: Iterable[str]) -> None:
        hosts = set(hosts)
        self._unix = "unix" in hosts
        self._networks = [ip_network(host, strict=False) for host in hosts - {"unix"}]

    def __contains__(self, client: object) -> bool:
        if not client:
            return self._unix
        try:
            address = ip_address(client[0])  # type: ignore[index]
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)  # an IPv4 peer of an IPv6 socket
        return any((mapped or address) in network for network in self._networks)


def _read_legacy(headers: Iterable[tuple[bytes, bytes]], hops: int) -> _Origin:
    headers = list(headers)
    return _Origin(
        client=_listed_value(headers, b"x-forwarded-for", hops),
        scheme=_listed_value(headers, b"x-forwarded-proto", hops),
        host=_listed_value(headers, b"x-forwarded-host", hops),
    )


def _read_modern(headers: Iterable[tuple[bytes, bytes]], hops: int) -> _Origin:
    elements: list[dict[str, str]] = []
    for line in _lines(headers, b"forwarded"):
        read = _parse_or_none(line)
        # How many hops stand in a malformed line is not known: none before it can be counted.
        elements = [] if read is None else elements + read
    element = elements[-hops] if len(elements) >= hops else {}
    return _Origin(element.get("for"), element.get("proto"), element.get("host"))


def _parse_or_none(line: str) -> list[dict[str, str]] | None:
    try:
        return parse_forwarded(line)
    except ValueError:
        return None


def _listed_value(headers: Iterable[tuple[bytes, bytes]], name: bytes, hops: int) -> str | None:
    values = [value.strip() for line in _lines(headers, name) for value in line.split(",")]
    return values[-hops] if len(values) >= hops else None


def _lines(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in headers if key.lower() == name]


def _apply(scope: WWWScope, origin: _Origin) -> WWWScope:
    """Return a copy of *scope* as it would be without the proxies."""
    scope = scope.copy()
    if origin.client:
        # "unknown": the proxy does not know either, and itself it is not (RFC 7239, 6.2).
        unknown = origin.client.lower() == "unknown"
        scope["client"] = None if unknown else parse_node(origin.client)
    if origin.scheme:
        scheme = origin.scheme.lower()
        if scope["type"] == "websocket":
            scheme = _WEBSOCKET_SCHEMES.get(scheme, scheme)
        scope["scheme"] = scheme
    if origin.host:
        others = [(name, value) for name, value in scope["headers"] if name.lower() != b"host"]
        scope["headers"] = [(b"host", origin.host.encode("latin-1")), *others]
    return scope
