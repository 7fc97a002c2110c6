"""ASGI without a framework: each message of a WebSocket is sent back, as what it came as.

A request that is not for a WebSocket is answered as :mod:`raw` does.
"""

from __future__ import annotations

from typing import Any

from benchmarks.applications import raw


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer by the scope's type."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await _echo(receive, send)
    else:
        await raw.app(scope, receive, send)


async def _echo(receive: Any, send: Any) -> None:
    while (message := await receive())["type"] == "websocket.receive":
        text = message.get("text")
        if text is None:
            await send({"type": "websocket.send", "bytes": message["bytes"]})
        else:
            await send({"type": "websocket.send", "text": text})
