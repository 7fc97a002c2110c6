"""Starlette: an ASGI framework that runs on asyncio, uvloop and trio.

Serve it with ``hypercorn examples.starlette_app:app``.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route


async def hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse("Hello from Starlette\n")


async def stream(request: Request) -> StreamingResponse:
    return StreamingResponse(lines(), media_type="text/plain")


async def lines() -> AsyncIterator[str]:
    for number in range(10):
        yield f"line {number}\n"


async def upload(request: Request) -> PlainTextResponse:
    """Read the content as it comes, without holding all of it."""
    digest = hashlib.sha256()
    async for chunk in request.stream():
        digest.update(chunk)
    return PlainTextResponse(digest.hexdigest() + "\n")


async def error(request: Request) -> PlainTextResponse:
    raise RuntimeError("this route always fails")


app = Starlette(
    routes=[
        Route("/", hello),
        Route("/stream", stream),
        Route("/upload", upload, methods=["POST"]),
        Route("/error", error),
    ]
)
