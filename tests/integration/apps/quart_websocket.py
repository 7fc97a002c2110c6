"""WebSockets as a Quart application has them; ``trio_app`` is the same of Quart-Trio."""

from __future__ import annotations

from typing import Any

from quart import Quart, Response, abort, websocket
from quart_trio import QuartTrio


async def echo() -> None:
    """Send text in capitals until the client leaves."""
    await websocket.accept(subprotocol=next(iter(websocket.requested_subprotocols), None))
    while True:
        await websocket.send((await websocket.receive()).upper())


async def finish() -> None:
    await websocket.accept(headers={"x-field": "value"})
    await websocket.send(await websocket.receive())
    await websocket.close(4001, "done")


async def refuse() -> None:
    abort(403)


async def deny() -> None:
    abort(Response("pay first", 402))


def _make(kind: Any) -> Quart:
    app: Quart = kind(__name__)
    for view in (echo, finish, refuse, deny):
        app.websocket(f"/{view.__name__}")(view)
    return app


app = _make(Quart)
trio_app = _make(QuartTrio)
