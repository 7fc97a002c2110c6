"""ASGI without a framework: each message of a WebSocket is sent to all of them.

A request that is not for a WebSocket is answered as :mod:`raw` does.
"""

from __future__ import annotations

from typing import Any

from benchmarks.applications import raw

sends: set[Any] = set()
"""Those of the WebSockets that are open."""


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer by the scope's type."""
    if scope["type"] != "websocket":
        await raw.app(scope, receive, send)
        return
    await receive()
    # Nobody sends anything until all are accepted.
    sends.add(send)
    try:
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await _broadcast({"type": "websocket.send", "bytes": message["bytes"]})
    finally:
        sends.discard(send)


async def _broadcast(message: Any) -> None:
    for send in list(sends):
        try:
            await send(message)
        except OSError:
            pass  # the client has gone, which its own task learns in a moment
