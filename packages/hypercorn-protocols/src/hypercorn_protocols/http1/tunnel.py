"""What an HTTP/1.1 connection becomes with 101: a tunnel (RFC 9110 section 7.8).

Knows: how bytes that nobody reads here go through, in both directions, and how it ends
(RFC 9112 section 9.6).
Must not know: requests, or what is spoken in the tunnel.

It lives long and is quiet for the most part, so it is all that is left of the connection, and it
has no timers but one: for the peer to end its side when ours has ended. What it carries is the
content of the stream that asked for it, whose identifier it keeps.
"""

from __future__ import annotations

from math import inf

from hypercorn_protocols.connection import Headers
from hypercorn_protocols.errors import LocalProtocolError
from hypercorn_protocols.events import BodyEnded, BodyReceived, Event
from hypercorn_protocols.settings import HTTP1Settings

__all__ = ["Tunnel"]

# What the next bytes from the peer are.
_CONTENT = 0
_SECOND = 1  # content too, but some has come before the tunnel was there, or the end has
_DISCARDED = 2  # of no interest: our side has ended
_NOTHING = 3  # there are none: the peer has ended its side, or all is over


class Tunnel:
    """A :class:`~hypercorn_protocols.connection.ServerConnection` of one stream, which is open.

    Args:
        settings: how much may wait for the application, and how long is lingered.
        stream_id: the request that was answered with 101.
        out: what is to be written before anything else; the tunnel goes on with this list.
        received: what came behind the request.
        peer_is_done: whether the end came behind that.
        due: a time in the past.
    """

    __slots__ = (
        "_ending",
        "_input",
        "_linger_timeout",
        "_max_unconsumed",
        "_out",
        "_peer_is_done",
        "_received",
        "_stream_id",
        "_unconsumed",
        "deadline",
        "output_ended",
        "should_abort",
        "should_close",
        "wants_data",
    )

    can_push = False
    """A tunnel has no push."""

    is_idle = False
    """Whether closing would lose anything can only be known to those who speak in it."""

    multiplexes = False

    successor = None
    """It is not left for another protocol."""

    def __init__(
        self,
        settings: HTTP1Settings,
        stream_id: int,
        out: list[bytes],
        received: bytes,
        peer_is_done: bool,
        due: float,
    ) -> None:
        self._max_unconsumed = settings.max_body_buffer
        self._linger_timeout = settings.linger_timeout
        self._stream_id = stream_id
        self._out = out
        self._received = received
        self._peer_is_done = peer_is_done
        self._unconsumed = 0  # what waits for the application, in bytes
        self._ending = False  # our side has ended, and nobody has looked at what follows
        # It is handed out once the caller has seen the switch: the deadline is in the past.
        early = bool(received) or peer_is_done
        self._input = _SECOND if early else _CONTENT
        self.deadline = due if early else inf
        self.wants_data = True
        self.output_ended = False
        self.should_abort = False
        self.should_close = False

    # Receiving.

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Take what was read; ``b""`` is the end of the input. Raises nothing."""
        if self._input or not data:
            return self._receive_apart(data, now)
        self._unconsumed += len(data)
        if self._unconsumed > self._max_unconsumed:
            self.wants_data = False
        return [BodyReceived(self._stream_id, data)]

    def handle_deadline(self, now: float) -> list[Event]:
        """Do what the deadline was set for, if it has passed. Raises nothing."""
        if now < self.deadline:
            return []
        if self._input == _SECOND:
            return self._hand_out(b"", now)
        self._end()
        return []

    def consumed(self, stream_id: int, size: int, now: float) -> None:
        """The application took ``size`` bytes and wants more."""
        if stream_id == self._stream_id:
            self._unconsumed -= size
            if not self.wants_data and self._unconsumed <= self._max_unconsumed // 2:
                self.wants_data = True

    def _receive_apart(self, data: bytes, now: float) -> list[Event]:
        """Take what is not simply more content."""
        if not data:
            self._peer_is_done = True
        if self._input <= _SECOND:
            return self._hand_out(data, now)
        if self._input == _DISCARDED and self._peer_is_done and not self._ending:
            self._end()
        return []

    def _hand_out(self, data: bytes, now: float) -> list[Event]:
        """Hand out what came before, what has come now, and the end if that has come."""
        data, self._received = self._received + data, b""
        self._input = _CONTENT
        self.deadline = inf
        events = self.receive_data(data, now) if data else []
        if self._peer_is_done:
            self._input = _NOTHING
            events.append(BodyEnded(self._stream_id, []))
        return events

    # Sending.

    def data_to_send(self, now: float) -> bytes:
        """Return and forget what is to be written."""
        if self._ending:
            self._linger(now)
        out = self._out
        if not out:
            return b""
        data = b"".join(out)
        out.clear()
        return data

    def send_body(self, stream_id: int, data: bytes, end_stream: bool = False) -> None:
        """Send more, and end this side with ``end_stream``; dropped if that has been done."""
        if stream_id != self._stream_id or self._ending or self.output_ended:
            return
        if data:
            self._out.append(data)
        if end_stream:
            self._ending = True
            self._input = _DISCARDED
            self._received = b""
            self.deadline = inf
            self.wants_data = True

    def send_informational(self, stream_id: int, status: int, headers: Headers) -> None:
        """Raises LocalProtocolError, for 101 was final."""
        self._refuse(stream_id, "the final response has begun")

    def send_response(
        self,
        stream_id: int,
        status: int,
        headers: Headers,
        body: bytes = b"",
        end_stream: bool = False,
        trailers: bool = False,
    ) -> None:
        """Raises LocalProtocolError, for 101 was it."""
        self._refuse(stream_id, "the response has begun already")

    def send_trailers(self, stream_id: int, headers: Headers) -> None:
        """Raises LocalProtocolError, for nothing tells them from the rest."""
        self._refuse(stream_id, "a tunnel has no trailers")

    def reset_stream(self, stream_id: int) -> None:
        """Give up: the transport is reset, for a plain close would look like the regular end."""
        if stream_id == self._stream_id and not (self._ending or self.output_ended):
            self.should_abort = True
            self._end()

    def _refuse(self, stream_id: int, reason: str) -> None:
        """What is sent when all is over is dropped, as ever."""
        if stream_id == self._stream_id and not (self._ending or self.output_ended):
            raise LocalProtocolError(reason)

    # What a tunnel does not have.

    def push(self, stream_id: int, target: bytes, headers: Headers) -> bool:
        """A tunnel has no push: always False."""
        return False

    def release(self, stream_id: int) -> None:
        """There is no other stream that could have its place."""

    def buffered(self, stream_id: int) -> int:
        """Nothing is held back: always 0."""
        return 0

    def close(self, now: float, patience: float = 0.0) -> None:
        """Nothing, for nothing new can begin: the end is that of those who speak in it."""

    # The end.

    def _linger(self, now: float) -> None:
        """Our side has ended and is about to be written: wait a while for the peer's. Closing
        with unread input would reset the connection, and might destroy what is on its way."""
        self._ending = False
        if self._peer_is_done:
            self._end()
        else:
            self.output_ended = True
            self.deadline = now + self._linger_timeout

    def _end(self) -> None:
        """Nothing more is sent or of interest."""
        self._input = _NOTHING
        self._received = b""
        self.output_ended = True
        self.should_close = True
        self.deadline = inf
