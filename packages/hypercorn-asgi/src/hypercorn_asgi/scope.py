"""ASGI scopes, made from what a server knows of a connection and a request.

Knows: the ASGI HTTP connection scope (spec_version 2.5).
Must not know: where the facts come from.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast
from urllib.parse import unquote_to_bytes

from hypercorn_asgi.typing import HTTPScope, LifespanScope, WebsocketScope

__all__ = [
    "HTTP_SPEC_VERSION",
    "LIFESPAN_SPEC_VERSION",
    "WEBSOCKET_SPEC_VERSION",
    "ScopeTemplate",
    "lifespan_scope",
]

HTTP_SPEC_VERSION = "2.5"
WEBSOCKET_SPEC_VERSION = "2.5"
LIFESPAN_SPEC_VERSION = "2.0"


class ScopeTemplate:
    """What the scopes of all requests on one connection have in common.

    Args:
        scheme: ``"http"`` or ``"https"``.
        client: host and port of the peer; None for unix sockets.
        server: host and port, or path and None for unix sockets.
        root_path: where the application is mounted.
        state: the lifespan's; every request gets a shallow copy (ASGI lifespan specification).
        extensions: what the server offers; every request gets a copy.
    """

    __slots__ = ("_asgi", "_common", "_extensions", "_state")

    def __init__(
        self,
        *,
        scheme: str,
        client: tuple[str, int] | None,
        server: tuple[str, int | None] | None,
        root_path: str,
        state: dict[str, Any],
        extensions: dict[str, dict[str, Any]],
    ) -> None:
        # Every key is there from the start: a dictionary that is only written over does not grow.
        self._common: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": HTTP_SPEC_VERSION},
            "http_version": "1.1",
            "method": "GET",
            "scheme": scheme,
            "path": "/",
            "raw_path": b"/",
            "query_string": b"",
            "root_path": root_path,
            "headers": (),
            "client": client,
            "server": server,
            "state": state,
            "extensions": extensions,
        }
        self._asgi = self._common["asgi"]
        self._state = state
        self._extensions = extensions

    def http(
        self,
        http_version: str,
        method: str,
        target: bytes,
        headers: Iterable[tuple[bytes, bytes]],
    ) -> HTTPScope:
        """Make the scope of a request whose ``target`` is in origin-form, or ``*``."""
        scope = self._common.copy()
        raw_path, _, scope["query_string"] = target.partition(b"?")
        if raw_path != b"/":
            scope["raw_path"] = raw_path
            scope["path"] = _decode_path(raw_path)
        if method != "GET":
            scope["method"] = method
        if http_version != "1.1":
            scope["http_version"] = http_version
        scope["headers"] = headers
        # Applications and middleware write into scopes: nothing that can be changed is shared.
        scope["asgi"] = self._asgi.copy()
        scope["state"] = self._state.copy()
        scope["extensions"] = self._extensions.copy()
        return scope  # type: ignore[return-value] # a cast would be one more call

    def websocket(
        self,
        http_version: str,
        target: bytes,
        headers: Iterable[tuple[bytes, bytes]],
        subprotocols: Iterable[str],
    ) -> WebsocketScope:
        """Make the scope of a WebSocket whose handshake was for ``target``."""
        scope: Any = self.http(http_version, "GET", target, headers)
        del scope["method"]
        scope["type"] = "websocket"
        scope["asgi"]["spec_version"] = WEBSOCKET_SPEC_VERSION
        scope["scheme"] = _WEBSOCKET_SCHEMES[scope["scheme"]]
        scope["subprotocols"] = subprotocols
        scope["extensions"] = {"websocket.http.response": {}}
        if "tls" in self._extensions:
            scope["extensions"]["tls"] = self._extensions["tls"]
        return cast(WebsocketScope, scope)


_WEBSOCKET_SCHEMES = {"http": "ws", "https": "wss"}


def lifespan_scope(state: dict[str, Any]) -> LifespanScope:
    """Make the scope of a lifespan; the application fills ``state`` in."""
    return {
        "type": "lifespan",
        "asgi": {"version": "3.0", "spec_version": LIFESPAN_SPEC_VERSION},
        "state": state,
    }


def _decode_path(raw_path: bytes) -> str:
    if 0x25 not in raw_path:  # %: looking for a number is much faster than for bytes
        return raw_path.decode("utf-8", "replace")
    # ASGI: "percent-encoded sequences and UTF-8 byte sequences decoded into characters"
    return unquote_to_bytes(raw_path).decode("utf-8", "replace")
