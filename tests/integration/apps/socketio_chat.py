"""A python-socketio server, which changes from HTTP to a WebSocket as it goes."""

from __future__ import annotations

from typing import Any

import socketio

server = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*")


@server.event
async def shout(session: str, data: str) -> str:
    """Tell everybody, and answer in capitals."""
    await server.emit("heard", {"text": data, "bytes": data.encode()})
    return data.upper()


@server.event
async def transport(session: str) -> Any:
    return server.transport(session)


app = socketio.ASGIApp(server)
