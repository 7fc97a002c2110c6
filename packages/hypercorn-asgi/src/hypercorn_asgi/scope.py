"""ASGI scopes, made from what a server knows of a connection and a request.

Knows: the ASGI HTTP connection scope (spec_version 2.5).
Must not know: where the facts come from.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

from hypercorn_asgi.typing import HTTPScope, LifespanScope

__all__ = ["HTTP_SPEC_VERSION", "LIFESPAN_SPEC_VERSION", "ScopeTemplate", "lifespan_scope"]

HTTP_SPEC_VERSION = "2.5"
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

    __slots__ = ("_common", "_extensions", "_state")

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
        self._common: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": HTTP_SPEC_VERSION},
            "http_version": "1.1",
            "scheme": scheme,
            "root_path": root_path,
            "client": client,
            "server": server,
        }
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
        raw_path, _, query_string = target.partition(b"?")
        scope = self._common.copy()
        # Applications and middleware write into scopes: nothing mutable is shared.
        scope["asgi"] = scope["asgi"].copy()
        scope["http_version"] = http_version
        scope["method"] = method
        scope["path"] = _decode_path(raw_path)
        scope["raw_path"] = raw_path
        scope["query_string"] = query_string
        scope["headers"] = headers
        scope["state"] = self._state.copy()
        scope["extensions"] = self._extensions.copy()
        return scope  # type: ignore[return-value]


def lifespan_scope(state: dict[str, Any]) -> LifespanScope:
    """Make the scope of a lifespan; the application fills ``state`` in."""
    return {
        "type": "lifespan",
        "asgi": {"version": "3.0", "spec_version": LIFESPAN_SPEC_VERSION},
        "state": state,
    }


def _decode_path(raw_path: bytes) -> str:
    if b"%" not in raw_path:
        return raw_path.decode("ascii", "replace")
    # ASGI: "percent-encoded sequences and UTF-8 byte sequences decoded into characters"
    return unquote_to_bytes(raw_path).decode("utf-8", "replace")
