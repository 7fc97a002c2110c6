"""Hypercorn: an ASGI and WSGI server on asyncio, uvloop and trio.

The server that a person runs: configuration, command line, processes and logs. ``hypercorn.run``
runs it, ``hypercorn.asyncio`` and ``hypercorn.trio`` serve in a loop that is running already.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from .config import Config

__all__ = ["Config"]

try:
    __version__ = version("hypercorn")
except PackageNotFoundError:  # run from a source tree that is not installed
    __version__ = "0"
