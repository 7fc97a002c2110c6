"""FastAPI: typed parameters and answers, on asyncio, uvloop and trio.

Serve it with ``hypercorn examples.fastapi_app:app``; ``/docs`` shows its interface.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, StreamingResponse

app = FastAPI(title="An example on Hypercorn")


@app.get("/", response_class=PlainTextResponse)
async def hello(name: str = "FastAPI") -> str:
    return f"Hello from {name}\n"


@app.get("/stream")
async def stream() -> StreamingResponse:
    return StreamingResponse(lines(), media_type="text/plain")


async def lines() -> AsyncIterator[str]:
    for number in range(10):
        yield f"line {number}\n"


@app.post("/upload", response_class=PlainTextResponse)
async def upload(request: Request) -> str:
    """Read the content as it comes, without holding all of it."""
    digest = hashlib.sha256()
    async for chunk in request.stream():
        digest.update(chunk)
    return digest.hexdigest() + "\n"


@app.get("/error")
async def error() -> None:
    raise RuntimeError("this route always fails")
