"""Worker classes: which event loop a name stands for, and whether it is installed.

Knows: the names of worker classes, and the modules that serve on each, imported when asked for.
Must not know: how a worker serves.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from .errors import ConfigError

__all__ = ["event_loop", "import_event_loop", "run_loop", "serving_function", "worker_function"]

RUNTIMES = {"asyncio": "asyncio", "uvloop": "asyncio", "trio": "trio"}
"""For each event loop the one whose interface it has."""


def event_loop(worker_class: str) -> str:
    """The event loop of a worker class: asyncio, uvloop or trio.

    Raises ConfigError if it is not installed."""
    if worker_class == "auto":
        return "uvloop" if find_spec("uvloop") is not None else "asyncio"
    if worker_class not in RUNTIMES:
        raise ConfigError(
            f"worker_class = {worker_class!r}: must be one of auto, {', '.join(RUNTIMES)}"
        )
    if find_spec(worker_class) is None:
        raise ConfigError(
            f"worker_class = {worker_class!r}: it is not installed, "
            f"`pip install hypercorn[{worker_class}]`"
        )
    return worker_class


def worker_function(loop: str) -> Callable[..., None]:
    """The function ``(config, sockets, shutdown_event)`` that serves on this event loop."""
    function: Callable[..., None] = getattr(_module(loop), f"{loop}_worker")
    return function


def serving_function(loop: str) -> Callable[..., None]:
    """The function ``(loop, app, config, plan, obedience)`` that serves what is prepared."""
    function: Callable[..., None] = _module(loop).serve_prepared
    return function


def import_event_loop(loop: str) -> None:
    """Import all that serving on this event loop takes."""
    _module(loop)
    importlib.import_module(f"hypercorn_workers.{loop}")


def run_loop(loop: str, main: Callable[[], Any], *, debug: bool) -> None:
    """Run ``main()`` to its end in a new event loop of this kind."""
    importlib.import_module(f"hypercorn_workers.{loop}").run(main, debug=debug)


def _module(loop: str) -> Any:
    return importlib.import_module(f"hypercorn.{RUNTIMES[loop]}.run")
