"""What a peer does wrong, by how far it reaches (RFC 9113 section 5.4).

Knows: the difference between stream errors and connection errors.
Must not know: what is done about either.
"""

from __future__ import annotations

from hypercorn_protocols.errors import RemoteProtocolError
from hypercorn_protocols.http2.frames import ErrorCode

__all__ = ["HTTP2ConnectionError", "HTTP2StreamError", "RequestRefusedError"]


class HTTP2ConnectionError(RemoteProtocolError):
    """The connection cannot go on: GOAWAY with ``code`` (section 5.4.1)."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class HTTP2StreamError(RemoteProtocolError):
    """One stream cannot go on: RST_STREAM with ``code`` (section 5.4.2)."""

    def __init__(self, stream_id: int, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.stream_id = stream_id
        self.code = code


class RequestRefusedError(RemoteProtocolError):
    """One request gets no further than an answer with ``status_hint``."""
