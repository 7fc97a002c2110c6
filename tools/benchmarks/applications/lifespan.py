"""The lifespan of an application that has nothing to start or stop.

Not answering it would be simpler, and some servers log a warning then.
"""

from __future__ import annotations

from typing import Any


async def take_part(receive: Any, send: Any) -> None:
    """Agree to the start-up and to the shutdown."""
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})
