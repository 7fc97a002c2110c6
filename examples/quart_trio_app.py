"""Quart-Trio: Quart on trio.

Serve it with ``hypercorn --worker-class trio examples.quart_trio_app:app``.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

from quart import Response, request
from quart_trio import QuartTrio

app = QuartTrio(__name__)


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
