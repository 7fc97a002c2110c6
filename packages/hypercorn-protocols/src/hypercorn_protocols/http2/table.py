"""The streams of a connection: which there are, which there were, and which there can be.

Knows: stream identifiers and how a stream that is gone was closed (RFC 9113 section 5.1).
Must not know: frames, or what is sent and received on a stream.

A stream stays until it is closed and its application has ended; what it was is remembered for a
while after that, since frames may still be on their way.
"""

from __future__ import annotations

from enum import Enum, auto

from hypercorn_protocols.http2.stream import Stream

__all__ = ["Ending", "StreamTable"]

# As many endings as this are remembered, up to twice as many: more than can be on their way.
_MAX_REMEMBERED = 512


class Ending(Enum):
    """How a stream was closed, or that it was never open."""

    IDLE = auto()
    ENDED = auto()
    """Both sides said END_STREAM."""
    RESET_BY_PEER = auto()
    RESET_BY_US = auto()
    """The peer may not know yet."""
    UNKNOWN = auto()
    """Long ago, or passed over when a later stream was opened."""


class StreamTable:
    """Streams by identifier."""

    __slots__ = ("_endings", "_former", "last_client_id", "last_promised_id", "open", "streams")

    def __init__(self) -> None:
        self.streams: dict[int, Stream] = {}
        """Those that are open, and those whose applications have not ended."""
        self.open = 0
        """How many of them are open."""
        self.last_client_id = 0
        self.last_promised_id = 0
        # Two generations: to delete single entries from the head of a dictionary is slow.
        self._endings: dict[int, Ending] = {}
        self._former: dict[int, Ending] = {}

    @property
    def requests(self) -> int:
        """How many of them the client has opened."""
        if not self.last_promised_id:
            return len(self.streams)
        return sum(stream_id % 2 for stream_id in self.streams)

    def add(self, stream: Stream) -> None:
        """A stream has been opened."""
        self.streams[stream.stream_id] = stream
        self.open += 1

    def closed(self, stream: Stream, ending: Ending) -> None:
        """An open stream has been closed."""
        self.open -= 1
        self.remember(stream.stream_id, ending)
        if stream.released:
            del self.streams[stream.stream_id]

    def release(self, stream_id: int) -> None:
        """The application of a stream has ended."""
        stream = self.streams.get(stream_id)
        if stream is not None:
            stream.released = True
            if stream.is_closed:
                del self.streams[stream_id]

    def remember(self, stream_id: int, ending: Ending) -> None:
        """A stream has ended so, or was never let begin."""
        if len(self._endings) >= _MAX_REMEMBERED:
            self._former, self._endings = self._endings, {}
        self._endings[stream_id] = ending

    def ending(self, stream_id: int) -> Ending:
        """How a stream that is not open was closed."""
        if stream_id % 2:
            last = self.last_client_id
        else:
            last = self.last_promised_id
        if stream_id > last:
            return Ending.IDLE
        ending = self._endings.get(stream_id)
        return self._former.get(stream_id, Ending.UNKNOWN) if ending is None else ending
