"""The fast engine: httptools, which is Node's llhttp.

Knows: httptools. Must not know: anything outside one head.
"""

from __future__ import annotations

import httptools

from hypercorn_protocols.errors import RemoteProtocolError

__all__ = ["split_fields"]

# llhttp takes a fixed list of methods and versions, and this engine is asked for the fields alone.
_REQUEST_LINE = b"GET / HTTP/1.1\r\n"


class _Fields:
    """Collects what the parser finds."""

    __slots__ = ("found",)

    def __init__(self) -> None:
        self.found: list[tuple[bytes, bytes]] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.found.append((name.lower(), value))


def split_fields(section: bytes) -> list[tuple[bytes, bytes]]:
    """See :class:`~hypercorn_protocols.http1.engine.FieldSplitter`."""
    fields = _Fields()
    try:
        # A parser holds the state of a message that this engine does not follow: one for each.
        httptools.HttpRequestParser(fields).feed_data(_REQUEST_LINE + section)
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError as error:
        raise RemoteProtocolError(str(error)) from error
    if section.find(b" \r\n") >= 0 or section.find(b"\t\r\n") >= 0:
        # RFC 9112 section 5.1: optional white space is no part of the value; llhttp leaves it.
        return [(name, value.rstrip(b" \t")) for name, value in fields.found]
    return fields.found
