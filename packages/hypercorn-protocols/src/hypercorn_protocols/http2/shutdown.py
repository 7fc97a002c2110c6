"""How a connection ends: gracefully in two steps, or at once (RFC 9113 sections 5.4.1 and 6.8).

Knows: the states from open to over, and the GOAWAY frames between them.
Must not know: why, or what the streams are doing.
"""

from __future__ import annotations

from enum import IntEnum
from math import inf

from hypercorn_protocols.http2 import frames
from hypercorn_protocols.http2.faults import HTTP2ConnectionError
from hypercorn_protocols.http2.frames import ErrorCode
from hypercorn_protocols.http2.output import Output

__all__ = ["Shutdown", "State"]

# How long the acknowledgement of the first step is waited for at the least, in seconds.
_WARNING_TIMEOUT = 1.0
_WARNING = b"goodbye!"


class State(IntEnum):
    """How far a connection is."""

    OPEN = 0
    WARNED = 1
    """It is to end: GOAWAY that names no stream in particular, and a PING."""
    ENDING = 2
    """GOAWAY with the last stream: those up to it are finished."""
    DISCARDING = 3
    """Nothing more is sent, and what comes is of no interest."""
    OVER = 4


class Shutdown:
    """The end of one connection.

    Args:
        output: takes the frames.
        linger_timeout: how long what comes after the end is read away, in seconds, so that a
            reset does not destroy what was sent.
    """

    __slots__ = ("_linger_timeout", "_output", "deadline", "state")

    def __init__(self, output: Output, linger_timeout: float) -> None:
        self._output = output
        self._linger_timeout = linger_timeout
        self.state = State.OPEN
        self.deadline = inf
        """When the present state has lasted long enough."""

    def warn(self, now: float, patience: float) -> None:
        """The first step: requests that are on their way are still answered, for ``patience``
        seconds if the peer does not acknowledge it. Once more: with less of it, perhaps."""
        if self.state == State.OPEN:
            goaway = frames.goaway_frame(frames.MAX_STREAM_ID, ErrorCode.NO_ERROR)
            # PING first: clients exist that take nothing but answers once they have seen GOAWAY.
            self._output.out += (frames.ping_frame(_WARNING), goaway)
            self.state = State.WARNED
        if self.state == State.WARNED:
            self.deadline = min(self.deadline, now + max(patience, _WARNING_TIMEOUT))

    def is_acknowledged(self, ping: bytes) -> bool:
        """Whether the peer knows of the first step, by the last PING that it acknowledged."""
        return self.state == State.WARNED and ping == _WARNING

    def name_last_stream(self, last_stream_id: int) -> None:
        """The second step: what comes from here on is not looked at."""
        self._output.out.append(frames.goaway_frame(last_stream_id, ErrorCode.NO_ERROR))
        self.state = State.ENDING
        self.deadline = inf

    def fail(self, error: HTTP2ConnectionError, last_stream_id: int, now: float) -> None:
        """A connection error."""
        reason = str(error).encode("ascii", "replace")
        self._output.out.append(frames.goaway_frame(last_stream_id, error.code, reason))
        self.discard(now)

    def discard(self, now: float) -> None:
        """All is said."""
        self.state = State.DISCARDING
        self.deadline = now + self._linger_timeout

    def end(self) -> None:
        """The peer is gone, or had its time."""
        self.state = State.OVER
        self.deadline = inf
