"""WebSockets as a Starlette application has them."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket


async def echo(websocket: WebSocket) -> None:
    """Send text in capitals until the client leaves."""
    await websocket.accept(subprotocol=next(iter(websocket.scope["subprotocols"]), None))
    async for text in websocket.iter_text():
        await websocket.send_text(text.upper())


async def finish(websocket: WebSocket) -> None:
    await websocket.accept(headers=[(b"x-field", b"value")])
    await websocket.send_bytes(await websocket.receive_bytes())
    await websocket.close(4001, "done")


async def refuse(websocket: WebSocket) -> None:
    await websocket.close()


async def deny(websocket: WebSocket) -> None:
    await websocket.send_denial_response(PlainTextResponse("pay first", 402))


app = Starlette(
    routes=[
        WebSocketRoute("/echo", echo),
        WebSocketRoute("/finish", finish),
        WebSocketRoute("/refuse", refuse),
        WebSocketRoute("/deny", deny),
    ]
)
