"""The proxy fix of :mod:`hypercorn_asgi.middleware` under its name of 0.18."""

from __future__ import annotations

from hypercorn_asgi.middleware.proxy_fix import ProxyFixMiddleware

__all__ = ["ProxyFixMiddleware"]
