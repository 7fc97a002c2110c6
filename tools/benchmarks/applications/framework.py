"""Starlette: a route that answers plain text, which is how most applications begin."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from benchmarks.applications.raw import BODY

TEXT = BODY.decode()


async def plaintext(request: Request) -> PlainTextResponse:
    """Answer with the text."""
    return PlainTextResponse(TEXT)


app = Starlette(routes=[Route("/", plaintext)])
