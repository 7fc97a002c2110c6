"""The fields that every response gets: Date, Server, Alt-Svc.

Knows: how to keep them ready in the form that a protocol writes.
Must not know: the clock that Date comes from: whoever has one calls :meth:`DefaultHeaders.set`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

__all__ = ["DefaultHeaders"]


class DefaultHeaders:
    """Response fields added unless the application sent one of the same name.

    One instance serves all connections of a protocol and is renewed in place.
    """

    __slots__ = ("headers", "http1_block", "http2_fields")

    def __init__(self, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
        self.set(headers)

    def set(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Replace all of the fields. Names must be in lower case."""
        self.headers = headers
        self.http2_fields = [(name, value, False) for name, value in headers]
        self.http1_block = b"".join([b"%b: %b\r\n" % field for field in headers])

    def http1_block_without(self, names: Collection[bytes]) -> bytes:
        """The field lines but for those of ``names`` (lower case)."""
        return b"".join([b"%b: %b\r\n" % field for field in self.headers if field[0] not in names])
