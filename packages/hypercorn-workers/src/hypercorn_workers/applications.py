"""Applications as the core runs them: ASGI callables of three arguments.

Knows: what the wrappers of hypercorn_asgi take besides.
Must not know: event loops.
"""

from __future__ import annotations

import inspect
from typing import Any, cast

from hypercorn_asgi.typing import AppWrapper, ASGIFramework
from hypercorn_asgi.wrappers import ASGIWrapper
from hypercorn_workers.port import Runtime

__all__ = ["bind_application"]


def bind_application(app: ASGIFramework | AppWrapper, runtime: Runtime) -> ASGIFramework:
    """Give a wrapper the loop's threads; return ASGI applications as they are.

    Args:
        app: an ASGI application, or a wrapper such as
            :class:`~hypercorn_asgi.wrappers.WSGIWrapper`, which takes five arguments.
        runtime: the loop that the application will run on.
    """
    if type(app) is ASGIWrapper:
        return app.app
    if not _takes_threads(app):
        return cast(ASGIFramework, app)
    wrapper = cast(AppWrapper, app)

    async def bound(scope: Any, receive: Any, send: Any) -> None:
        await wrapper(scope, receive, send, runtime.run_in_thread, runtime.call_from_thread)

    return bound


def _takes_threads(app: Any) -> bool:
    try:
        inspect.signature(app).bind(None, None, None, None, None)
    except (TypeError, ValueError):
        return False
    try:
        inspect.signature(app).bind(None, None, None)
    except TypeError:
        return True
    return False
