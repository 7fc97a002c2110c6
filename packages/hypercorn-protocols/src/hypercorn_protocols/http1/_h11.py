"""The reference engine: h11, in pure Python.

Knows: h11. Must not know: anything outside one head.
"""

from __future__ import annotations

import h11

from hypercorn_protocols.errors import RemoteProtocolError
from hypercorn_protocols.http1.grammar import field_pairs

__all__ = ["split_fields"]

# This engine is asked for the fields alone, and HTTP/1.0 has h11 ask for none of them.
_REQUEST_LINE = b"GET / HTTP/1.0\r\n"

# h11 does not hand these out as they are: it merges equal lengths and changes the case of codings.
_REWRITTEN = (b"content-length", b"transfer-encoding")


def split_fields(section: bytes) -> list[tuple[bytes, bytes]]:
    """See :class:`~hypercorn_protocols.http1.engine.FieldSplitter`."""
    # Limits have been applied before; h11's own must not come first with another status.
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=len(section) + 32)
    connection.receive_data(_REQUEST_LINE + section)
    try:
        event = connection.next_event()
    except h11.RemoteProtocolError as error:
        raise RemoteProtocolError(str(error), error.error_status_hint) from error
    if type(event) is not h11.Request:
        raise RemoteProtocolError("the head is not complete")
    fields = list(event.headers)
    if any(name in _REWRITTEN for name, _ in fields):
        return field_pairs(section[:-2])
    return fields
