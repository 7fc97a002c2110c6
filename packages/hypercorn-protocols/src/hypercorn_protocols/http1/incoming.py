"""What has been received and not been read yet, and the heads in it.

Knows: where a head begins and ends (RFC 9112 section 2.2), how large it may be and how long it
may take.
Must not know: what a head says, or what comes behind it.
"""

from __future__ import annotations

from math import inf

from hypercorn_protocols.http1 import grammar
from hypercorn_protocols.http1.scanner import SectionScanner
from hypercorn_protocols.settings import HTTP1Settings

__all__ = ["Incoming"]


class Incoming:
    """The bytes that wait to be read, and the timer of the head that they begin with.

    Args:
        settings: the limits and timers of heads.
        now: the time at which the peer connected, in seconds.
    """

    __slots__ = (
        "_max_head_size",
        "_partial_head",
        "_searched",
        "_settings",
        "begun_at",
        "data",
        "head_deadline",
    )

    def __init__(self, settings: HTTP1Settings, now: float) -> None:
        self._settings = settings
        self._max_head_size = settings.max_head_size
        self._searched = 0  # no head ends in this much of the data
        self._partial_head: SectionScanner | None = None  # of a head whose timer runs
        self.data = b""
        """What waits. More goes to its end, content is taken from its start."""
        self.begun_at = now
        """When the first byte of the present request came."""
        self.head_deadline = inf
        """When the head will have taken too long; for as long as it is there in part."""

    @property
    def has_partial_head(self) -> bool:
        """The first bytes of a head have come, and its timer runs."""
        return self._partial_head is not None

    @property
    def has_begun(self) -> bool:
        """At least the first byte of a request waits: more than empty lines."""
        data = self.data
        return data[:1] > b"\r" or bool(data.lstrip(b"\r\n"))

    def take_head(self, now: float) -> bytes | None:
        """Remove a head from the start of the data.

        Returns:
            All of it, with the empty line that ends it; None if there is not as much yet.

        Raises:
            RemoteProtocolError: it cannot become a head within the limits.
        """
        data = self.data
        end = data.find(b"\r\n\r\n", self._searched)
        if end < 0 or data[0] == 0x0D:
            end = self._find_end(now)
            if end < 0:
                return None
            data = self.data
        end += 4
        head = data if end == len(data) else data[:end]
        if end > self._max_head_size:
            self._scan(head)
        self.data = data[end:]
        self._searched = 0
        if self._partial_head is None:
            self.begun_at = now
        else:
            self._partial_head = None
        return head

    def begin_head(self, now: float) -> None:
        """Start the timer of a head if it does not run."""
        if self._partial_head is not None:
            return
        settings = self._settings
        self._partial_head = SectionScanner(self._max_head_size, settings.max_headers)
        self.begun_at = now
        head_timeout, read_timeout = settings.head_timeout, settings.read_timeout
        self.head_deadline = inf if head_timeout is None else now + head_timeout
        if read_timeout is not None:
            self.head_deadline = min(self.head_deadline, now + read_timeout)

    def take_all(self) -> bytes:
        """Remove everything, and forget the head that it may have been part of."""
        data, self.data = self.data, b""
        self._searched = 0
        self._partial_head = None
        return data

    def _find_end(self, now: float) -> int:
        """Drop empty lines, and return where the empty line begins that ends a head; -1 if it
        has not come."""
        # RFC 9112 section 2.2: ignore empty lines before a request line
        empty_lines = grammar.EMPTY_LINES.match(self.data)
        if empty_lines is not None:
            self.data = self.data[empty_lines.end() :]
        end = self.data.find(b"\r\n\r\n", self._searched)
        # CR may be half of an empty line.
        if end < 0 and self.data and self.data != b"\r":
            self.begin_head(now)
            self._scan(self.data)
            self._searched = max(len(self.data) - 3, 0)
        return end

    def _scan(self, data: bytes) -> None:
        """Raise RemoteProtocolError if ``data`` cannot become a head within the limits."""
        if self._partial_head is None:
            self._partial_head = SectionScanner(self._max_head_size, self._settings.max_headers)
        self._partial_head.scan(data)
