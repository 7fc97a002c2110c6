"""ASGI without a framework: a fixed body, with its type and its length.

What it takes is next to nothing, so that what is measured is the server.
"""

from __future__ import annotations

import os
from typing import Any

from benchmarks.applications.lifespan import take_part

SIZE = int(os.environ.get("BENCH_BODY", "13"))
BODY = (b"Hello, World!" * (SIZE // 13 + 1))[:SIZE]

LENGTH = str(SIZE).encode()


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer anything with the body."""
    if scope["type"] == "lifespan":
        await take_part(receive, send)
        return
    # Made anew each time, as applications do.
    headers = [(b"content-type", b"text/plain"), (b"content-length", LENGTH)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})
