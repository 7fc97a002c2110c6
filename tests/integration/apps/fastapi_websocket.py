"""WebSockets as a FastAPI application has them."""

from __future__ import annotations

from fastapi import FastAPI, HTTPException, WebSocket, WebSocketDisconnect

app = FastAPI()


@app.websocket("/echo")
async def echo(websocket: WebSocket) -> None:
    """Send text in capitals until the client leaves."""
    await websocket.accept(subprotocol=next(iter(websocket.scope["subprotocols"]), None))
    try:
        while True:
            await websocket.send_text((await websocket.receive_text()).upper())
    except WebSocketDisconnect:
        pass


@app.websocket("/finish")
async def finish(websocket: WebSocket) -> None:
    await websocket.accept(headers=[(b"x-field", b"value")])
    await websocket.send_bytes(await websocket.receive_bytes())
    await websocket.close(4001, "done")


@app.websocket("/refuse")
async def refuse(websocket: WebSocket) -> None:
    await websocket.close()


@app.websocket("/deny")
async def deny(websocket: WebSocket) -> None:
    raise HTTPException(402, "pay first")
