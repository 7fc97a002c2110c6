"""HTTP/1.0 and HTTP/1.1 (RFC 9110, RFC 9112).

Knows: which class is the connection. Everything else is in the modules:
:mod:`connection` (order) and :mod:`lifecycle` (timers, the end), :mod:`incoming` and :mod:`head`
(requests and their framing), :mod:`content` and :mod:`body`, :mod:`sender` (answers: their heads
in :mod:`response`, their framing in :mod:`framing`), :mod:`grammar` and :mod:`scanner` (lines,
complete or not), :mod:`upgrade` and :mod:`tunnel` (what comes after it), :mod:`engine`.
"""

from __future__ import annotations

from hypercorn_protocols.http1.connection import HTTP1Connection
from hypercorn_protocols.http1.engine import available_engines, select_engine

__all__ = ["HTTP1Connection", "available_engines", "select_engine"]
