"""Tell an ASGI application from a WSGI one by looking at it, without calling it.

Knows: what the two calling conventions look like from outside.
Must not know: how an application is run; a caller who knows better says so by a mode.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

__all__ = ["is_asgi"]


def is_asgi(app: object) -> bool:
    """Say whether *app* is an ASGI application; everything else is taken for WSGI.

    In this order: a coroutine function or an object whose ``__call__`` is one is ASGI; a
    class is ASGI if its instances can be awaited and WSGI if they can be iterated; what else
    can be called with three arguments but not with two (``scope, receive, send``) is ASGI.

    A callable that takes any number of arguments tells nothing and counts as WSGI. Never
    raises; what cannot be called at all is not ASGI.
    """
    if not callable(app):
        return False
    if _is_coroutine_function(app):
        return True
    if isinstance(app, type) and (hasattr(app, "__await__") or hasattr(app, "__iter__")):
        return hasattr(app, "__await__")
    return _takes(app, 3) and not _takes(app, 2)


def _is_coroutine_function(app: Callable[..., object]) -> bool:
    return inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(
        getattr(app, "__call__", None)  # noqa: B004 (its kind is asked, not its presence)
    )


def _takes(app: Callable[..., object], count: int) -> bool:
    try:
        signature = inspect.signature(app)
    except (TypeError, ValueError):  # a builtin that does not tell
        return False
    arguments: list[Any] = [None] * count
    try:
        signature.bind(*arguments)
    except TypeError:
        return False
    return True
