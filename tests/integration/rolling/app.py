"""The application under load: every answer tells who gave it, and to what.

Knows: what is answered to a request or a message, which its clients compare.
Must not know: what happens to its process meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import anyio

from tests.integration.apps.messages import Receive, Scope, Send, body, read_all, start

WORKER = b"worker"
"""The field of a response's head that names the process, also if the answer is cut off later."""

_WORKER_FIELD = (WORKER, str(os.getpid()).encode())
_BLOCK = b"x" * 20_000
_PAUSE = 0.03  # seconds before each block of an answer that is slow


def pieces(target: bytes, content: bytes) -> Iterator[bytes]:
    """What is answered to a request: what it was, and for ``/much`` and ``/slowly`` more."""
    yield target + b" " + content
    if not target.startswith(b"/now"):
        for number in range(20):
            yield b"%d %b" % (number, _BLOCK)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _live(receive, send)
    elif scope["type"] == "websocket":
        await _echo(receive, send)
    else:
        await _answer(scope["raw_path"], receive, send)


async def _live(receive: Receive, send: Send) -> None:
    kind = ""
    while kind != "lifespan.shutdown":
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})


async def _echo(receive: Receive, send: Send) -> None:
    while (message := await receive())["type"] != "websocket.disconnect":
        if message["type"] == "websocket.connect":
            await send({"type": "websocket.accept", "headers": [_WORKER_FIELD]})
        else:
            await send({"type": "websocket.send", "text": message["text"]})


async def _answer(target: bytes, receive: Receive, send: Send) -> None:
    content = b"".join(await read_all(receive))
    await start(send, 200, _WORKER_FIELD)
    for piece in pieces(target, content):
        if target.startswith(b"/slowly"):
            await anyio.sleep(_PAUSE)
        await body(send, piece, more=True)
    await body(send, b"")
