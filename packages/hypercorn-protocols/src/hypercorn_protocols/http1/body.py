"""Where a request's content ends: the readers of RFC 9112 section 6.

Knows: Content-Length and the chunked coding with its trailer section.
Must not know: connections, time, or who takes the content.

A reader is fed what stands in the buffer and returns the content in it and what it left there:
an incomplete line, or what follows the content.
"""

from __future__ import annotations

import re
from typing import Protocol

from hypercorn_protocols.errors import RemoteProtocolError
from hypercorn_protocols.http1 import grammar
from hypercorn_protocols.http1.grammar import field_pairs
from hypercorn_protocols.http1.scanner import CHUNK_LINE, LineScanner, SectionScanner

__all__ = ["BodyReader", "ChunkedReader", "LengthReader"]

# RFC 9110 section 6.5.1: fields that must be known before the content are no trailers
_NEVER_TRAILERS = frozenset(
    b"authorization cache-control connection content-encoding content-length content-range"
    b" content-type cookie expect host keep-alive max-forwards proxy-authorization"
    b" proxy-connection range set-cookie te trailer transfer-encoding upgrade".split()
)


class BodyReader(Protocol):
    """What the readers have in common."""

    ended: bool
    """The content is complete."""

    trailers: list[tuple[bytes, bytes]]
    """The fields after it, once it has ended."""

    remaining: int | None
    """How many bytes of content are still to come, if that is known."""

    def read(self, data: bytes) -> tuple[bytes, bytes]:
        """Return content and the rest. Raises RemoteProtocolError for what is malformed."""


class LengthReader:
    """Content of a known length (RFC 9112 section 6.2)."""

    __slots__ = ("ended", "remaining", "trailers")

    def __init__(self, length: int) -> None:
        self.remaining: int | None = length
        self.ended = False
        self.trailers: list[tuple[bytes, bytes]] = []

    def read(self, data: bytes) -> tuple[bytes, bytes]:
        """See :class:`BodyReader`."""
        remaining = self.remaining or 0
        size = len(data)
        if size < remaining:
            self.remaining = remaining - size
            return data, b""
        self.remaining = 0
        self.ended = True
        return (data, b"") if size == remaining else (data[:remaining], data[remaining:])


class ChunkedReader:
    """Content in chunks (RFC 9112 section 7.1).

    Args:
        max_size: of the content, in bytes; None for no limit.
        max_overhead: of a chunk's header, of all chunk extensions together, and of the trailer
            section, in bytes.
        max_trailers: field lines in the trailer section.
    """

    __slots__ = (
        "_after_chunk",
        "_extensions",
        "_in_trailers",
        "_left_in_chunk",
        "_line",
        "_max_overhead",
        "_max_size",
        "_max_trailers",
        "_size",
        "_trailer_scanner",
        "ended",
        "remaining",
        "trailers",
    )

    def __init__(self, max_size: int | None, max_overhead: int, max_trailers: int) -> None:
        self._max_size = max_size
        self._max_overhead = max_overhead
        self._max_trailers = max_trailers
        self._size = 0
        self._extensions = 0
        self._left_in_chunk = 0
        self._after_chunk = False  # the CRLF that ends a chunk's data is due
        self._line: LineScanner | None = None  # of a chunk header that is there in part
        self._in_trailers = False
        self._trailer_scanner: SectionScanner | None = None
        self.remaining: int | None = None
        self.ended = False
        self.trailers: list[tuple[bytes, bytes]] = []

    def read(self, data: bytes) -> tuple[bytes, bytes]:
        """See :class:`BodyReader`."""
        pieces: list[bytes] = []
        at = self._finish_chunk(data, pieces)
        while not self._in_trailers and not self._left_in_chunk and not self._after_chunk:
            header = self._read_header(data, at)
            if header is None:
                break
            at = header.end()
            size = int(header[1], 16)
            if header.end(1) + 2 != at:
                self._count_extension(at - header.end(1) - 2)
            self._size += size
            if self._max_size is not None and self._size > self._max_size:
                raise RemoteProtocolError("the content is too large", 413)
            if not size:
                self._in_trailers = True
                break
            end = at + size
            if data[end : end + 2] == b"\r\n":  # nearly always the whole chunk is there
                pieces.append(data[at:end])
                at = end + 2
            else:
                self._left_in_chunk = size
                at += self._finish_chunk(data[at:], pieces)
        if self._in_trailers:
            at = self._read_trailers(data, at)
        return b"".join(pieces), data[at:]

    def _finish_chunk(self, data: bytes, pieces: list[bytes]) -> int:
        """Read on in a chunk that has begun; return how far."""
        at = 0
        if self._left_in_chunk:
            piece = data[: self._left_in_chunk]
            pieces.append(piece)
            at = len(piece)
            self._left_in_chunk -= at
            self._after_chunk = not self._left_in_chunk
        if self._after_chunk:
            found = data[at : at + 2]
            if found == b"\r\n":
                self._after_chunk = False
                return at + 2
            if found not in (b"", b"\r"):
                raise RemoteProtocolError("a chunk is longer than its size says")
        return at

    def _read_header(self, data: bytes, at: int) -> re.Match[bytes] | None:
        """Match the header of the next chunk; None if it is not complete."""
        if self._line is None:
            header = grammar.CHUNK_HEADER.match(data, at, at + self._max_overhead)
            if header is not None:
                return header
            self._line = LineScanner(CHUNK_LINE)
        line = data[at:]
        if self._line.next_line(line, self._max_overhead):
            self._line = None
            return grammar.CHUNK_HEADER.match(data, at)
        if len(line) > self._max_overhead:
            raise RemoteProtocolError("over-long chunk header")
        return None

    def _count_extension(self, size: int) -> None:
        self._extensions += size
        if self._extensions > self._max_overhead:
            raise RemoteProtocolError("too much in chunk extensions")

    def _read_trailers(self, data: bytes, at: int) -> int:
        """Read the trailer section; return where it ends, or where it begins if it is not all
        there."""
        if data.startswith(b"\r\n", at):
            self.ended = True
            return at + 2
        if self._trailer_scanner is None:
            self._trailer_scanner = SectionScanner(
                self._max_overhead, self._max_trailers, trailers=True
            )
        section = data[at:]
        end = self._trailer_scanner.scan(section)
        if end < 0:
            return at
        fields = field_pairs(section[: end - 2])
        self.trailers = [field for field in fields if field[0] not in _NEVER_TRAILERS]
        self.ended = True
        return at + end
