"""From one request to the next on a connection of HTTP/1, and to its end.

Knows: what the next bytes from the peer are, which timer runs, and how a connection closes
(RFC 9112 sections 9.3 and 9.6).
Must not know: how those bytes are read, or what the answer says.
"""

from __future__ import annotations

from math import inf

from hypercorn_protocols.connection import ServerConnection
from hypercorn_protocols.defaults import DefaultHeaders
from hypercorn_protocols.errors import RemoteProtocolError
from hypercorn_protocols.events import Event, StreamReset
from hypercorn_protocols.http1.content import ContentReceiver
from hypercorn_protocols.http1.incoming import Incoming
from hypercorn_protocols.http1.sender import NO_RESPONSE, RESPONSE_HEAD, UNTIL_CLOSE, Sender
from hypercorn_protocols.settings import HTTP1Settings

__all__ = ["BODY", "DISCARDED", "FIRST_BYTES", "HEAD", "NOTHING", "PARKED", "Lifecycle"]

# What the next bytes from the peer are.
HEAD = 0  # a request's head
BODY = 1  # a request's content
PARKED = 2  # a later request's, whose turn comes when the present one is answered
# From here on they are not to be kept, or not yet.
DISCARDED = 3  # of no interest: the connection is about to close
NOTHING = 4  # there are none: the peer has closed its side or the connection is over
FIRST_BYTES = 5  # the very first ones, and perhaps HTTP/2

# How long a peer that has not sent anything is waited for once the connection is to close: its
# first request is on its way, in all likelihood.
_LAST_CHANCE = 0.5
# How many more requests are answered if a peer never waits for its answers, on top of those that
# may be there when the connection is to close: this many bytes make a request at the least.
_MORE_REQUESTS = 100
_SMALLEST_REQUEST = len(b"GET / HTTP/1.0\r\n\r\n")


class Lifecycle:
    """The state of a connection: what :class:`~.connection.HTTP1Connection` is built on.

    Args:
        settings: limits and timers.
        defaults: the fields that every response gets.
        now: the time at which the peer connected, in seconds.
    """

    __slots__ = (
        "_closing",
        "_content",
        "_incoming",
        "_input",
        "_keep_alive_timeout",
        "_last_by",
        "_last_stream_id",
        "_peer_is_done",
        "_sender",
        "_settings",
        "_stream_id",
        "_unread",
        "deadline",
        "output_ended",
        "should_abort",
        "should_close",
        "successor",
        "wants_data",
    )

    def __init__(self, settings: HTTP1Settings, defaults: DefaultHeaders, now: float) -> None:
        self._settings = settings
        self._sender = Sender(defaults)
        self._incoming = Incoming(settings, now)
        self._unread = False  # what has come has not been looked at
        self._input = FIRST_BYTES if settings.switch_to_http2 else HEAD
        self._stream_id = 0  # of the latest request; they are numbered from 1
        self._closing = False
        self._last_by = inf  # no request is waited for any longer; matters once closing
        self._last_stream_id = 0  # no later request is answered; likewise
        self._peer_is_done = False
        self._content = ContentReceiver(settings)
        self.deadline = inf
        self.wants_data = True
        self.output_ended = False
        self.should_close = False
        self.should_abort = False
        self.successor: ServerConnection | None = None
        timeout = settings.keep_alive_timeout
        self._keep_alive_timeout = inf if timeout is None else timeout
        self._wait_for_request(now)

    @property
    def is_idle(self) -> bool:
        """No request is being read or answered."""
        return (self._input == HEAD or self._input == FIRST_BYTES) and not self._incoming.data

    def close(self, now: float, patience: float = 0.0) -> None:
        """Finish what was begun and what is on its way, then set ``should_close``.

        A peer that waits for no answer may still send a request for ``patience`` seconds; one that
        has just connected may in any case send what it came for."""
        if not self._closing:
            self._closing = True
            waiting = len(self._incoming.data) // _SMALLEST_REQUEST
            self._last_stream_id = self._stream_id + waiting + _MORE_REQUESTS
        if not self._stream_id:
            patience = max(patience, _LAST_CHANCE)
        self._last_by = min(self._last_by, now + patience)
        if self._input not in (HEAD, FIRST_BYTES) or self._incoming.has_begun:
            return
        if now < self._last_by:
            self.deadline = min(self.deadline, self._last_by)
        else:
            self._end()

    # What is waited for.

    def _follow_content(self) -> None:
        """It is the content that says how long the peer is read."""
        self.wants_data = self._content.wants_data
        self.deadline = self._content.deadline

    def _bound_pipeline(self) -> None:
        self.wants_data = len(self._incoming.data) <= self._settings.max_pipeline_buffer

    def _wait_for_request(self, now: float) -> None:
        self._unread = False
        self.wants_data = True
        self.deadline = now + self._keep_alive_timeout
        if self._closing:
            self._wait_for_last_request(now)

    def _wait_for_last_request(self, now: float) -> None:
        """The answer before promised that another request may come (RFC 9112 section 9.3)."""
        if now < self._last_by:
            self.deadline = min(self.deadline, self._last_by)
        else:
            self._linger(now)

    # From one request to the next, and to the end.

    def _choose_last(self) -> None:
        """The connection is to close, and an answer begins: it is the last, which says ``close``
        (RFC 9112 section 9.6), unless another request is there behind it, if only in part."""
        more = self._input == PARKED and self._incoming.has_begun
        if not more or self._stream_id >= self._last_stream_id:
            self._sender.keep_alive = False

    def _end_cycle(self, now: float) -> None:
        """The answer is complete and about to be written."""
        self._sender.finished = False
        if self._input == PARKED:
            if not self._sender.keep_alive:
                self._linger(now)
                return
            self._input = HEAD
            if self._incoming.data:
                self._bound_pipeline()
                self._unread = True
                self.deadline = now  # at once: it is there already
            elif self._peer_is_done:
                self._end()
            else:
                self._wait_for_request(now)
        elif self._input == BODY:
            self._answered_early(now)
        else:
            self._end()

    def _answered_early(self, now: float) -> None:
        """The answer is complete, the request is not (RFC 9112 section 9.6)."""
        remaining = self._content.reader.remaining
        small = remaining is not None and remaining <= self._settings.max_body_buffer
        if small and self._sender.keep_alive:
            self._content.discard(now)
            self._follow_content()
        else:
            self._linger(now)

    def _refuse(self, error: RemoteProtocolError, events: list[Event], now: float) -> None:
        """Answer what cannot be read on from, and close."""
        state = self._sender.state
        if state != NO_RESPONSE and self._input == BODY:
            events.append(StreamReset(self._stream_id, str(error)))
        if state == RESPONSE_HEAD or self._input == HEAD:
            self._sender.send_error(error.status_hint)
        elif state != NO_RESPONSE:
            # An answer has begun: that it stops short is all that can be said.
            self._break_off()
            return
        self._linger(now)

    def _break_off(self) -> None:
        """The answer that has begun stops short, as the peer is to see."""
        if self._sender.state == UNTIL_CLOSE:
            self.should_abort = True  # a plain close is how such a message ends
        self._end()

    def _linger(self, now: float) -> None:
        """Send no more, but read on for a while: closing with unread input would reset the
        connection and might destroy the answer on its way (RFC 9112 section 9.6)."""
        if self._peer_is_done:
            self._end()
            return
        self._forget()
        self._input = DISCARDED
        self.wants_data = True
        self.deadline = now + self._settings.linger_timeout

    def _end(self) -> None:
        """Nothing more is sent or of interest."""
        self._forget()
        self._input = NOTHING
        self.deadline = inf
        self.should_close = True

    def _forget(self) -> None:
        """Give up what is held for the present request and for those behind it."""
        self._sender.drop()
        self._incoming.take_all()
        self._content.forget()
        self.output_ended = True
