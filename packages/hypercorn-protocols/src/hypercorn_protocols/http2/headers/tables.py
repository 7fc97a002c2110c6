"""The tables of header fields (RFC 7541 sections 2.3 and 4, appendix A).

Knows: the static table, and what an entry of the dynamic table counts.
Must not know: how a field is represented.
"""

from __future__ import annotations

__all__ = [
    "DYNAMIC",
    "ENTRY_OVERHEAD",
    "MAX_TABLE_SIZE",
    "STATIC_FIELDS",
    "STATIC_INDEXES",
    "STATIC_NAMES",
    "STATIC_TABLE",
]

ENTRY_OVERHEAD = 32
"""What a field counts beside its name and value (section 4.1)."""

MAX_TABLE_SIZE = 4096
"""Bytes in a dynamic table, the peer's or ours: the initial value of SETTINGS_HEADER_TABLE_SIZE.

A larger table would cost every connection more memory than it saves bytes."""

_WITH_VALUES = (
    (b":authority", b""),
    (b":method", b"GET"),
    (b":method", b"POST"),
    (b":path", b"/"),
    (b":path", b"/index.html"),
    (b":scheme", b"http"),
    (b":scheme", b"https"),
    (b":status", b"200"),
    (b":status", b"204"),
    (b":status", b"206"),
    (b":status", b"304"),
    (b":status", b"400"),
    (b":status", b"404"),
    (b":status", b"500"),
    (b"accept-charset", b""),
    (b"accept-encoding", b"gzip, deflate"),
)

_WITHOUT_VALUES = (
    b"accept-language accept-ranges accept access-control-allow-origin age allow authorization"
    b" cache-control content-disposition content-encoding content-language content-length"
    b" content-location content-range content-type cookie date etag expect expires from host"
    b" if-match if-modified-since if-none-match if-range if-unmodified-since last-modified link"
    b" location max-forwards proxy-authenticate proxy-authorization range referer refresh"
    b" retry-after server set-cookie strict-transport-security transfer-encoding user-agent vary"
    b" via www-authenticate"
).split()

STATIC_FIELDS = (*_WITH_VALUES, *((name, b"") for name in _WITHOUT_VALUES))
"""The fields of appendix A, in its order; the first one has index 1."""

STATIC_TABLE = ((b"", b""), *STATIC_FIELDS)
"""By index; index 0 is not to be used (section 6.1)."""

DYNAMIC = len(STATIC_TABLE)
"""The index of the newest entry of the dynamic table."""

STATIC_INDEXES = {field: index for index, field in enumerate(STATIC_FIELDS, 1)}
"""The index of each field of the static table."""

STATIC_NAMES = {name: index for (name, _), index in reversed(STATIC_INDEXES.items())}
"""The lowest index of each name in the static table."""
