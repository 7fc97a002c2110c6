"""An ASGI application that shows what a server does: one route for each thing to look at."""

from __future__ import annotations

import sys
from contextlib import suppress

from tests.integration.apps import calls, requests, responses, tasks, websockets
from tests.integration.apps.messages import Receive, Route, Scope, Send, answer

ROUTES: dict[str, Route] = {
    **requests.ROUTES,
    **responses.ROUTES,
    **tasks.ROUTES,
    **calls.ROUTES,
    **websockets.ROUTES,
}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _live(scope, receive, send)
        return
    if scope["type"] == "websocket":
        await websockets.serve(scope, receive, send)
        return
    path = scope["path"].removeprefix(scope["root_path"])
    route = ROUTES.get("/" + path.removeprefix("/").partition("/")[0])
    if route is None:
        await answer(send, b"no such route", 404)
        return
    with suppress(EOFError):  # the client has left
        await route(scope, receive, send)


async def _live(scope: Scope, receive: Receive, send: Send) -> None:
    message = await receive()
    assert message["type"] == "lifespan.startup"
    scope["state"]["shared"] = []
    await send({"type": "lifespan.startup.complete"})
    message = await receive()
    assert message["type"] == "lifespan.shutdown"
    await send({"type": "lifespan.shutdown.complete"})
    sys.stderr.write("the lifespan is complete\n")
