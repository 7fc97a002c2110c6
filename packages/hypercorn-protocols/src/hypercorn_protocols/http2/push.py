"""Server push: the request that a promise is made of (RFC 9113 section 8.4).

Knows: how a pushed request is put together from the one that it belongs to.
Must not know: compression, windows or whether the client wants it.
"""

from __future__ import annotations

from hypercorn_protocols.connection import Headers
from hypercorn_protocols.errors import LocalProtocolError
from hypercorn_protocols.http2.faults import RequestRefusedError
from hypercorn_protocols.http2.head import Head, MalformedError, read_head
from hypercorn_protocols.http2.response import Field, read_fields

__all__ = ["promised_fields", "promised_request"]


def promised_fields(parent: Head, target: bytes, headers: Headers) -> list[Field]:
    """The header list of a promised GET. Raises LocalProtocolError for bad fields."""
    return [
        (b":method", b"GET", False),
        (b":scheme", parent.scheme, False),
        (b":authority", parent.authority, False),
        (b":path", target, False),
        *read_fields(headers).fields,
    ]


def promised_request(stream_id: int, fields: list[Field]) -> Head:
    """The request as the client would have sent it. Raises LocalProtocolError."""
    try:
        return read_head(stream_id, [(name, value) for name, value, _ in fields], True)
    except (MalformedError, RequestRefusedError) as error:
        raise LocalProtocolError(f"cannot be pushed: {error}") from error
