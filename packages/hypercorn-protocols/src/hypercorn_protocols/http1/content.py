"""The content of requests on its way to the application.

Knows: how fast it has to come, how much of it may wait, and when the peer is to be read no
further.
Must not know: how it is delimited, which :mod:`body` does, or what is answered.
"""

from __future__ import annotations

from math import inf

from hypercorn_protocols.errors import RemoteProtocolError
from hypercorn_protocols.http1.body import BodyReader, ChunkedReader, LengthReader
from hypercorn_protocols.http1.head import CHUNKED, Section
from hypercorn_protocols.progress import TransferGuard
from hypercorn_protocols.settings import HTTP1Settings

__all__ = ["ContentReceiver"]


# In the place of what is there while content is; never fed.
_NO_CONTENT = LengthReader(0)
_NO_GUARD = TransferGuard(0.0, idle=None, rate=0, grace=0.0)


class ContentReceiver:
    """Bounds the time that a request's content takes and the memory that it needs.

    Args:
        settings: the limits and timers.
    """

    __slots__ = (
        "_guard",
        "_read_by",
        "_settings",
        "_unconsumed",
        "reader",
        "wants_data",
    )

    def __init__(self, settings: HTTP1Settings) -> None:
        self._settings = settings
        self._guard = _NO_GUARD
        self._read_by = inf
        self._unconsumed = 0  # what waits for the application, in bytes
        self.reader: BodyReader = _NO_CONTENT
        """Finds the end of the present content."""
        self.wants_data = True
        """False while the peer is not to be read."""

    def expect(self, section: Section, begun_at: float, now: float) -> None:
        """From here on the content of a request comes.

        Args:
            section: says how it is framed, and whether the client waits for 100 Continue.
            begun_at: when the request began, in seconds.
            now: the time.

        Raises:
            RemoteProtocolError: it is larger than it may be.
        """
        settings = self._settings
        length, max_size = section.content_length, settings.max_body_size
        if length == CHUNKED:
            self.reader = ChunkedReader(max_size, settings.max_head_size, settings.max_headers)
        elif max_size is not None and length > max_size:
            raise RemoteProtocolError("the content is too large", 413)
        else:
            self.reader = LengthReader(length)
        self._guard = guard = TransferGuard(
            now,
            idle=settings.read_idle_timeout,
            rate=settings.read_min_rate,
            grace=settings.rate_grace,
        )
        if section.expects_continue:
            guard.pause(now)  # it is the application that is waited for
        timeout = settings.read_timeout
        self._read_by = inf if timeout is None else begun_at + timeout
        self._unconsumed = 0
        self.wants_data = True

    def forget(self) -> None:
        """No more of it is of interest."""
        self.reader = _NO_CONTENT

    @property
    def deadline(self) -> float:
        """When it will have taken too long."""
        return min(self._read_by, self._guard.deadline)

    def read(self, data: bytes, wanted: bool, now: float) -> tuple[bytes, bytes]:
        """Find content.

        Args:
            data: what was received, and not read yet.
            wanted: whether the content goes to the application, which may have enough then.
            now: the time.

        Returns:
            The content, and the rest.

        Raises:
            RemoteProtocolError: it is malformed.
        """
        content, rest = self.reader.read(data)
        guard = self._guard
        guard.resume(now)
        if content:
            guard.progress(len(content), now)
        if wanted:
            self._unconsumed += len(content)
            if self._unconsumed > self._settings.max_body_buffer:
                self.wants_data = False
                guard.pause(now)
        return content, rest

    def consumed(self, size: int, now: float) -> None:
        """The application took ``size`` bytes, and may want more then."""
        self._unconsumed -= size
        if not self.wants_data and self._unconsumed <= self._settings.max_body_buffer // 2:
            self.resume(now)

    def discard(self, now: float) -> None:
        """The application is not interested in any of it: what is left is read all the same."""
        self._unconsumed = 0
        self.resume(now)

    def resume(self, now: float) -> None:
        """The peer is waited for."""
        self.wants_data = True
        self._guard.resume(now)
