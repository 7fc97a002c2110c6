"""HTTP/2 (RFC 9113): the server's side of a connection.

Knows: which of the modules here are for others.
Must not know: anything itself.
"""

from __future__ import annotations

from hypercorn_protocols.http2.connection import HTTP2Connection

__all__ = ["HTTP2Connection"]
