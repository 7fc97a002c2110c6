"""Answers at once, but for ``/pause``, which takes a third of a second: work under way."""

from __future__ import annotations

import asyncio
from typing import Any

from benchmarks.applications.lifespan import take_part

PAUSE = 0.3
BODY = b"Hello, World!"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer by path."""
    if scope["type"] == "lifespan":
        await take_part(receive, send)
        return
    if scope["path"] == "/pause":
        await asyncio.sleep(PAUSE)
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(BODY))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})
