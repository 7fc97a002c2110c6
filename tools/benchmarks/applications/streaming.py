"""Bodies that do not fit into memory: ``POST /`` counts one, ``GET /SIZE`` sends one.

``GET /`` answers at once, for whoever wants to know how the server does meanwhile.
"""

from __future__ import annotations

from typing import Any

from benchmarks.applications.lifespan import take_part

CHUNK = bytes(65_536)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer by method and path."""
    if scope["type"] == "lifespan":
        await take_part(receive, send)
    elif scope["method"] == "POST":
        body = str(await _count(receive)).encode()
        await _start(send, len(body))
        await send({"type": "http.response.body", "body": body})
    else:
        await _send(send, int(scope["path"].strip("/") or 0))


async def _count(receive: Any) -> int:
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body", False):
            return size


async def _send(send: Any, size: int) -> None:
    await _start(send, size)
    while size > len(CHUNK):
        await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
        size -= len(CHUNK)
    await send({"type": "http.response.body", "body": CHUNK[:size]})


async def _start(send: Any, size: int) -> None:
    headers = [
        (b"content-type", b"application/octet-stream"),
        (b"content-length", str(size).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
