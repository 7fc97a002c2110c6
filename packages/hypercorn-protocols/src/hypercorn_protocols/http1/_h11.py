"""The reference engine: h11, in pure Python.

Knows: h11. Must not know: anything outside one head.
"""

from __future__ import annotations

import h11

from hypercorn_protocols.errors import RemoteProtocolError

__all__ = ["split_fields"]


def split_fields(head: bytes, fields_at: int) -> list[tuple[bytes, bytes]]:
    """See :class:`~hypercorn_protocols.http1.engine.FieldSplitter`."""
    # Limits have been applied before; h11's own must not come first with another status.
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=len(head) + 1)
    # h11 takes HTTP/1.0 and 1.1 alone; RFC 9110 section 2.5 has later minor versions read as 1.1.
    line, _, rest = head.partition(b"\r\n")
    version = line[-8:] if line.endswith(b"HTTP/1.0") else b"HTTP/1.1"
    connection.receive_data(line[:-8] + version + b"\r\n" + rest)
    try:
        event = connection.next_event()
    except h11.RemoteProtocolError as error:
        raise RemoteProtocolError(str(error), error.error_status_hint) from error
    if type(event) is not h11.Request:
        raise RemoteProtocolError("the head is not complete")
    return list(event.headers)
