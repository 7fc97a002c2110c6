"""The uvloop backend: asyncio's, on uvloop's loop.

Knows: how to make a uvloop loop.
Must not know: anything else that :mod:`hypercorn_workers.asyncio` knows.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from hypercorn_workers.asyncio import run_on, serve

__all__ = ["run", "serve"]


def run(main: Callable[[], Coroutine[Any, Any, None]], *, debug: bool = False) -> None:
    """Run ``main()`` to its end in a new uvloop loop.

    Raises:
        ImportError: uvloop is not installed.
    """
    import uvloop

    run_on(uvloop.new_event_loop(), main, debug)
