"""The application wrappers of :mod:`hypercorn_asgi` under their name of 0.18."""

from __future__ import annotations

from hypercorn_asgi.errors import InvalidPathError
from hypercorn_asgi.wrappers import ASGIWrapper, WSGIWrapper, _build_environ

__all__ = ["ASGIWrapper", "InvalidPathError", "WSGIWrapper", "_build_environ"]
