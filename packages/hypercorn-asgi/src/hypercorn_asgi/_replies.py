"""Whole answers without content, for code that refuses or redirects a request by itself.

Knows: the messages that answer an HTTP request or deny a WebSocket handshake.
Must not know: why; the caller decides on status and header fields.
"""

from __future__ import annotations

from .typing import ASGISendCallable, WebsocketScope

__all__ = ["deny_websocket", "send_empty_response"]

_DENIAL_EXTENSION = "websocket.http.response"
_NO_CONTENT = (b"content-length", b"0")


async def send_empty_response(
    send: ASGISendCallable, status: int, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    """Answer an HTTP request with *status*, *headers* and no content."""
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [*(headers or []), _NO_CONTENT],
        }
    )
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def deny_websocket(
    scope: WebsocketScope,
    send: ASGISendCallable,
    status: int,
    headers: list[tuple[bytes, bytes]] | None = None,
) -> None:
    """Refuse a handshake that has not been accepted, with *status* if the server can.

    Servers without the extension ``websocket.http.response`` answer 403 to the close.
    """
    if _DENIAL_EXTENSION not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close"})
        return
    await send(
        {
            "type": "websocket.http.response.start",
            "status": status,
            "headers": [*(headers or []), _NO_CONTENT],
        }
    )
    await send({"type": "websocket.http.response.body", "body": b"", "more_body": False})
