"""The smallest ASGI application: it answers every request with one line of text.

Serve it with ``hypercorn examples.hello:app``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

BODY = b"Hello from Hypercorn\n"

Message = dict[str, Any]


async def app(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Answer an HTTP request; other scopes (the lifespan) are left unanswered."""
    if scope["type"] != "http":
        return
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [
                (b"content-type", b"text/plain; charset=utf-8"),
                (b"content-length", str(len(BODY)).encode("ascii")),
            ],
        }
    )
    await send({"type": "http.response.body", "body": BODY})
