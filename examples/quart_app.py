"""Quart: Flask's interface with async views, on asyncio and uvloop.

Serve it with ``hypercorn examples.quart_app:app``. For trio see ``quart_trio_app.py``.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

from quart import Quart, Response, request

app = Quart(__name__)


@app.get("/")
async def hello() -> Response:
    return Response("Hello from Quart\n", mimetype="text/plain")


@app.get("/stream")
async def stream() -> Response:
    return Response(lines(), mimetype="text/plain")


async def lines() -> AsyncIterator[str]:
    for number in range(10):
        yield f"line {number}\n"


@app.post("/upload")
async def upload() -> Response:
    """Read the content as it comes, without holding all of it."""
    digest = hashlib.sha256()
    async for chunk in request.body:
        digest.update(chunk)
    return Response(digest.hexdigest() + "\n", mimetype="text/plain")


@app.get("/error")
async def error() -> Response:
    raise RuntimeError("this route always fails")
