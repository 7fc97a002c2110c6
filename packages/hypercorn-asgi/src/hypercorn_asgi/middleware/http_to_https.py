"""Send clients that came without TLS to the same place with TLS.

Knows: how the new URL is made and how each kind of scope is told about it.
Must not know: whether anything answers there.
"""

from __future__ import annotations

from urllib.parse import quote

from hypercorn_asgi._replies import deny_websocket, send_empty_response
from hypercorn_asgi.typing import (
    ASGIFramework,
    ASGIReceiveCallable,
    ASGISendCallable,
    HTTPScope,
    Scope,
    WebsocketScope,
    WWWScope,
)

__all__ = ["HTTPToHTTPSRedirectMiddleware"]

# 307 keeps the method and the content, unlike 301 and 302 (RFC 9110 section 15.4.8).
_TEMPORARY_REDIRECT = 307


class HTTPToHTTPSRedirectMiddleware:
    """Redirect ``http`` to ``https`` and ``ws`` to ``wss``; the rest goes to *app*.

    *host* is the authority of the new URL, ``None`` for that of the request's Host field.
    A WebSocket handshake is redirected if the server has the extension
    ``websocket.http.response`` and refused otherwise.
    """

    def __init__(self, app: ASGIFramework, host: str | None) -> None:
        self.app = app
        self.host = host

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """Serve *scope*; raises ValueError for a request that names no host (HTTP/1.0 may)."""
        if scope["type"] == "http" and scope.get("scheme", "http") == "http":
            await self._send_http_redirect(scope, send)
        elif scope["type"] == "websocket" and scope.get("scheme", "ws") == "ws":
            await self._send_websocket_redirect(scope, send)
        else:
            await self.app(scope, receive, send)

    async def _send_http_redirect(self, scope: HTTPScope, send: ASGISendCallable) -> None:
        location = self._new_url("https", scope).encode("latin-1")
        await send_empty_response(send, _TEMPORARY_REDIRECT, [(b"location", location)])

    async def _send_websocket_redirect(
        self, scope: WebsocketScope, send: ASGISendCallable
    ) -> None:
        # From HTTP/2 on a handshake is a CONNECT to an https URL (RFC 8441 section 5).
        scheme = "wss" if scope.get("http_version", "1.1").startswith("1") else "https"
        location = self._new_url(scheme, scope).encode("latin-1")
        await deny_websocket(scope, send, _TEMPORARY_REDIRECT, [(b"location", location)])

    def _new_url(self, scheme: str, scope: WWWScope) -> str:
        host = self.host if self.host is not None else _host_field(scope)
        if not host:
            raise ValueError("no host to redirect to: neither configured nor in the request")
        query = scope["query_string"].decode("latin-1")
        return f"{scheme}://{host}{_external_path(scope)}" + (f"?{query}" if query else "")


def _host_field(scope: WWWScope) -> str:
    for name, value in scope["headers"]:
        if name.lower() == b"host":
            return value.decode("latin-1")
    return ""


def _external_path(scope: WWWScope) -> str:
    """Return the path as the client sees it, percent-encoded.

    ASGI has ``root_path`` inside ``raw_path``; a proxy that strips it has taken it out.
    """
    root = quote(scope.get("root_path", "").rstrip("/"))
    path = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1")
    if path == root or path.startswith(f"{root}/"):
        return path
    return root + path
