"""Hypercorn: an ASGI and WSGI server on asyncio, uvloop and trio.

The server that a person runs: configuration, command line, processes and logs. ``hypercorn.run``
runs it, ``hypercorn.asyncio`` and ``hypercorn.trio`` serve in a loop that is running already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .config import Config

__all__ = ["Config"]

if TYPE_CHECKING:
    __version__: str
else:

    def __getattr__(name):
        """``__version__``, looked up when somebody asks: every process would wait for it."""
        if name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("hypercorn")
        except PackageNotFoundError:  # run from a source tree that is not installed
            return "0"
