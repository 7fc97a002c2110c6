"""Serving an application in an asyncio loop that is running already, uvloop's too.

Knows: what :func:`serve` takes and does on asyncio.
Must not know: how a connection is served.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

from hypercorn.config import Config
from hypercorn.serving import warn_of_ignored_options
from hypercorn.typing import Framework
from hypercorn_asgi.wrappers import wrap_app

from .run import worker_serve

__all__ = ["serve"]


async def serve(
    app: Framework,
    config: Config,
    *,
    shutdown_trigger: Callable[..., Awaitable[object]] | None = None,
    mode: Literal["asgi", "wsgi"] | None = None,
    started: Callable[[list[str]], None] | None = None,
) -> None:
    """Serve an application until it is time to stop, and return when it has shut down.

    Args:
        app: an ASGI or a WSGI application.
        config: how to serve. ``workers`` and ``debug`` are without effect here.
        shutdown_trigger: called and awaited; when it returns, the graceful shutdown begins. If it
            is None, SIGINT and SIGTERM are waited for.
        mode: the kind of application; None finds out.
        started: called with the addresses, such as ``http://127.0.0.1:8000``, once all accept.

    Raises:
        ConfigError: the configuration cannot be served.
        BindError: a socket cannot be had.
        LifespanFailureError, LifespanTimeoutError: the application did not start or stop.
    """
    warn_of_ignored_options(config)
    wrapped = wrap_app(app, config.wsgi_max_body_size, mode)
    await worker_serve(wrapped, config, shutdown_trigger=shutdown_trigger, started=started)
