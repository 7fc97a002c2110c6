"""The redirect of :mod:`hypercorn_asgi.middleware` under its name of 0.18."""

from __future__ import annotations

from hypercorn_asgi.middleware.http_to_https import HTTPToHTTPSRedirectMiddleware

__all__ = ["HTTPToHTTPSRedirectMiddleware"]
