"""A Starlette application with work that goes on after an answer, and one that streams."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from tests.integration.apps.messages import gate, report, reported


async def background(request: Request) -> PlainTextResponse:
    return PlainTextResponse("answered", background=BackgroundTask(_work))


async def _work() -> None:
    await gate("background").wait()
    report("background", "done")


async def finish(request: Request) -> PlainTextResponse:
    gate("background").set()
    return PlainTextResponse(await reported("background"))


async def stream(request: Request) -> StreamingResponse:
    return StreamingResponse(_endless(request.query_params["report"]))


async def _endless(name: str) -> AsyncIterator[bytes]:
    try:
        while True:
            yield b"x" * 65_536
    finally:
        report(name, "ended")


async def show_report(request: Request) -> PlainTextResponse:
    return PlainTextResponse(await reported(request.query_params["report"]))


app = Starlette(
    routes=[
        Route("/background", background),
        Route("/finish", finish),
        Route("/stream", stream),
        Route("/report", show_report),
    ]
)
