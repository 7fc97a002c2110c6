"""ASGI without a framework: a request's body is read to its end and sent back."""

from __future__ import annotations

from typing import Any

from benchmarks.applications.lifespan import take_part


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer with what was sent."""
    if scope["type"] == "lifespan":
        await take_part(receive, send)
        return
    body = await _read(receive)
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _read(receive: Any) -> bytes:
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)
