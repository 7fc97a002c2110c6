"""The server's side of one HTTP/1.1 connection (RFC 9112).

Knows: the order of things on a connection: which request is read, which is answered, what
follows, and which of its timers runs.
Must not know: sockets, clocks, tasks or applications. Heads are read in :mod:`head`, content in
:mod:`body`; answers are written in :mod:`sender`.

Rules:

* One request at a time. A pipelined request stays bytes until the one before it is answered
  (RFC 9112 section 9.3.2); so answers cannot change places, and what waits is bounded.
* ``_input`` says what the next bytes are, ``_sender.state`` what may be sent next. Nothing else
  does.
* Whatever is sent on a stream that is over is dropped: its owner has been told by an event.
* After an error nothing more is read as a request, for its start can no longer be known.
"""

from __future__ import annotations

from math import inf

from hypercorn_protocols.connection import Headers
from hypercorn_protocols.defaults import DefaultHeaders
from hypercorn_protocols.errors import LocalProtocolError, RemoteProtocolError
from hypercorn_protocols.events import (
    BodyEnded,
    BodyReceived,
    Event,
    InputClosed,
    ProtocolSwitched,
    RequestReceived,
    StreamReset,
)
from hypercorn_protocols.http1 import grammar
from hypercorn_protocols.http1.body import BodyReader, ChunkedReader, LengthReader, TunnelReader
from hypercorn_protocols.http1.head import CHUNKED, Section, head_parser
from hypercorn_protocols.http1.scanner import SectionScanner
from hypercorn_protocols.http1.sender import NO_RESPONSE, RESPONSE_HEAD, UNTIL_CLOSE, Sender
from hypercorn_protocols.http1.upgrade import HTTP2_PREFACE, decode_settings, without_upgrade
from hypercorn_protocols.progress import TransferGuard
from hypercorn_protocols.settings import HTTP1Settings

__all__ = ["HTTP1Connection"]

# What the next bytes from the peer are.
_HEAD = 0  # a request's head
_BODY = 1  # a request's content, or a tunnel's after a switch of protocols
_PARKED = 2  # a later request's, whose turn comes when the present one is answered
# From here on they are not for the buffer, or not yet.
_DISCARDED = 3  # of no interest: the connection is about to close
_NOTHING = 4  # there are none: the peer has closed its side or the connection is over
_PREFACE = 5  # the very first ones, and perhaps HTTP/2


# How long a peer that has not sent anything is waited for once the connection is to close: its
# first request is on its way, in all likelihood.
_LAST_CHANCE = 0.5


class HTTP1Connection:
    """A :class:`~hypercorn_protocols.connection.ServerConnection` for HTTP/1.0 and HTTP/1.1.

    Args:
        settings: limits, timers and the engine.
        defaults: the fields that every response gets.
        now: the time at which the peer connected, in seconds.

    Raises:
        ImportError: the engine that the settings name is not installed.
    """

    __slots__ = (
        "_begun_at",
        "_body",
        "_buffer",
        "_closing",
        "_guard",
        "_input",
        "_keep_alive_timeout",
        "_parse_head",
        "_partial_head",
        "_peer_is_done",
        "_read_by",
        "_requests",
        "_searched",
        "_sender",
        "_settings",
        "_stream_id",
        "_unconsumed",
        "_unread",
        "deadline",
        "output_ended",
        "should_abort",
        "should_close",
        "wants_data",
    )

    can_push = False
    """HTTP/1.1 has no push."""

    multiplexes = False

    def __init__(self, settings: HTTP1Settings, defaults: DefaultHeaders, now: float) -> None:
        self._settings = settings
        self._sender = Sender(defaults)
        self._parse_head = head_parser(settings.engine).parse
        self._buffer = b""
        self._searched = 0  # no head ends in this much of the buffer
        self._unread = False  # what stands in the buffer has not been looked at
        self._partial_head: SectionScanner | None = None  # of a head whose timer runs
        self._begun_at = now  # when the first byte of the request came
        self._input = _PREFACE if settings.switch_to_http2 else _HEAD
        self._stream_id = 0
        self._requests = 0
        self._closing = False
        self._peer_is_done = False
        self._body: BodyReader | None = None
        self._unconsumed = 0
        self._guard: TransferGuard | None = None
        self._read_by = inf
        self.wants_data = True
        self.output_ended = False
        self.should_close = False
        self.should_abort = False
        timeout = settings.keep_alive_timeout
        self._keep_alive_timeout = inf if timeout is None else timeout
        self._wait_for_request(now)

    # What the caller of a connection looks at.

    @property
    def is_idle(self) -> bool:
        """No request is being read or answered."""
        return (self._input == _HEAD or self._input == _PREFACE) and not self._buffer

    def buffered(self, stream_id: int) -> int:
        """HTTP/1.1 holds nothing back: always 0."""
        return 0

    # Receiving.

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Take what was read; ``b""`` is the end of the input. Raises nothing."""
        events: list[Event] = []
        if self._input >= _DISCARDED:
            if self._input == _PREFACE:
                self._receive_preface(data, events, now)
            elif not data and self._input == _DISCARDED:
                self._end()
            return events
        if not data:
            self._receive_eof(events, now)
            return events
        if not self._buffer:
            self._buffer = data
        else:
            self._buffer += data
        self._read(events, now)
        return events

    def handle_deadline(self, now: float) -> list[Event]:
        """Do what the deadline was set for, if it has passed. Raises nothing."""
        events: list[Event] = []
        if now < self.deadline or self.should_close:
            return events
        if self._input == _HEAD:
            if self._partial_head is not None:
                self._refuse(RemoteProtocolError("the head took too long", 408), events, now)
            elif self._unread:
                self._wait_for_request(now)
                self._read(events, now)  # the next pipelined request
            else:
                self._end()
        elif isinstance(self._body, TunnelReader):
            self._read(events, now)  # what came behind the request that opened the tunnel
        elif self._input == _BODY:
            self._refuse(RemoteProtocolError("the content took too long", 408), events, now)
        elif self._input == _PREFACE:
            self._input = _HEAD
            return self.handle_deadline(now)
        else:
            self._end()
        return events

    def consumed(self, stream_id: int, size: int, now: float) -> None:
        """The application took ``size`` bytes of content and wants more (0: wants some)."""
        if stream_id != self._stream_id or self._input != _BODY:
            return
        if self._sender.continue_due:
            # RFC 9110 section 10.1.1: before the content is waited for
            self._sender.send_continue()
            self._resume_guard(now)
        self._unconsumed -= size
        if not self.wants_data and self._unconsumed <= self._settings.max_body_buffer // 2:
            self.wants_data = True
            self._resume_guard(now)

    def _receive_preface(self, data: bytes, events: list[Event], now: float) -> None:
        """Take the first bytes: HTTP/2's preface, in any pieces, or those of a request."""
        received = self._buffer + data
        if received.startswith(HTTP2_PREFACE):
            self._buffer = received
            self._hand_over(events)
        elif data and HTTP2_PREFACE.startswith(received):
            if self._partial_head is None:
                self._partial_head = self._scanner()  # should it become a request after all
                self._start_head_timer(now)
            self._buffer = received
        else:
            self._input = _HEAD
            events += self.receive_data(data, now)

    def _hand_over(
        self,
        events: list[Event],
        request: RequestReceived | None = None,
        http2_settings: bytes = b"",
    ) -> None:
        """What comes next is HTTP/2, and so is what stands in the buffer."""
        data, self._buffer = self._buffer, b""
        self._input = _NOTHING
        self._partial_head = None
        self.deadline = inf
        events.append(ProtocolSwitched("h2c", data, request, http2_settings))

    def _receive_eof(self, events: list[Event], now: float) -> None:
        self._peer_is_done = True
        if self._input != _HEAD:
            self._tell_of_eof(events)
        elif self._buffer:
            self._read(events, now)
        else:
            self._end()

    def _tell_of_eof(self, events: list[Event]) -> None:
        """The peer will send nothing more: say what that means for the present request."""
        if self._input == _PARKED and self._sender.state != NO_RESPONSE:
            events.append(InputClosed())
        elif self._input == _BODY:
            if isinstance(self._body, TunnelReader):
                self._input = _NOTHING
                self.deadline = inf
                events.append(BodyEnded(self._stream_id, []))
                return
            if self._sender.state != NO_RESPONSE:
                events.append(StreamReset(self._stream_id, "the peer left within its request"))
            self._end()

    def _read(self, events: list[Event], now: float) -> None:
        """Make events of what stands in the buffer."""
        try:
            if self._input == _HEAD:
                self._read_head(events, now)
            if self._input == _BODY:
                self._read_body(events, now)
        except RemoteProtocolError as error:
            self._refuse(error, events, now)
            return
        if self._buffer and self._input == _PARKED:
            self._bound_pipeline()
        if self._peer_is_done:
            self._tell_of_eof(events)

    def _bound_pipeline(self) -> None:
        self.wants_data = len(self._buffer) <= self._settings.max_pipeline_buffer

    # Reading heads.

    def _read_head(self, events: list[Event], now: float) -> None:
        buffer = self._buffer
        end = buffer.find(b"\r\n\r\n", self._searched)
        if end < 0 or buffer[0] == 0x0D:
            end = self._find_head(now)
            if end < 0:
                if self._peer_is_done:
                    self._end()
                return
            buffer = self._buffer
        end += 4
        settings = self._settings
        data = buffer if end == len(buffer) else buffer[:end]
        if end > settings.max_head_size:
            self._scan(data)
        self._buffer = buffer[end:]
        self._searched = 0
        if self._partial_head is None:
            self._begun_at = now
        else:
            self._partial_head = None
        self._stream_id += 1
        request, section = self._parse_head(
            data, self._stream_id, settings.max_headers, settings.keep_header_case
        )
        self._open(request, section, now)
        if section.upgrade is not None and self._upgrade(request, events):
            return
        events.append(request)

    def _upgrade(self, request: RequestReceived, events: list[Event]) -> bool:
        """Switch to HTTP/2 if that was asked for, in a way that RFC 7540 section 3.2 allows."""
        if not self._settings.switch_to_http2 or self._input != _PARKED:
            return False  # content would have to be read to its end first
        if not self._sender.keep_alive or self._peer_is_done:
            return False
        http2_settings = decode_settings(request)
        if http2_settings is None:
            return False
        self._sender.send_switch([(b"upgrade", b"h2c")])
        self._sender.drop()
        self._hand_over(events, without_upgrade(request), http2_settings)
        return True

    def _find_head(self, now: float) -> int:
        """Drop empty lines, and return where the empty line begins that ends a head; -1 if it
        has not come."""
        # RFC 9112 section 2.2: ignore empty lines before a request line
        empty_lines = grammar.EMPTY_LINES.match(self._buffer)
        if empty_lines is not None:
            self._buffer = self._buffer[empty_lines.end() :]
        end = self._buffer.find(b"\r\n\r\n", self._searched)
        if end < 0:
            self.wants_data = True
            # CR may be half of an empty line.
            if self._buffer and self._buffer != b"\r":
                self._wait_for_head(now)
        return end

    def _wait_for_head(self, now: float) -> None:
        """A head is there in part: see whether it can become one, and set its timer."""
        begins = self._partial_head is None
        self._scan(self._buffer)
        self._searched = max(len(self._buffer) - 3, 0)
        if begins:
            self._start_head_timer(now)

    def _start_head_timer(self, now: float) -> None:
        self._begun_at = now
        head_timeout, read_timeout = self._settings.head_timeout, self._settings.read_timeout
        self.deadline = inf if head_timeout is None else now + head_timeout
        if read_timeout is not None:
            self.deadline = min(self.deadline, now + read_timeout)

    def _scan(self, data: bytes) -> None:
        """Raise RemoteProtocolError if ``data`` cannot become a head within the limits."""
        if self._partial_head is None:
            self._partial_head = self._scanner()
        self._partial_head.scan(data)

    def _scanner(self) -> SectionScanner:
        return SectionScanner(self._settings.max_head_size, self._settings.max_headers)

    def _open(self, request: RequestReceived, section: Section, now: float) -> None:
        """A request's head has been read: prepare for its content and for its answer."""
        settings = self._settings
        self._requests += 1
        keep_alive = (
            section.keep_alive
            and not self._closing
            and (settings.max_requests is None or self._requests < settings.max_requests)
        )
        self._sender.expect(request, keep_alive)
        self.wants_data = True
        if section.content_length == 0:
            self._input = _PARKED
            self.deadline = inf
            return
        self._open_body(section, now)

    def _open_body(self, section: Section, now: float) -> None:
        settings = self._settings
        max_size = settings.max_body_size
        if section.content_length == CHUNKED:
            self._body = ChunkedReader(max_size, settings.max_head_size, settings.max_headers)
        elif max_size is not None and section.content_length > max_size:
            raise RemoteProtocolError("the content is too large", 413)
        else:
            self._body = LengthReader(section.content_length)
        self._input = _BODY
        self._unconsumed = 0
        self._guard = TransferGuard(
            now,
            idle=settings.read_idle_timeout,
            rate=settings.read_min_rate,
            grace=settings.rate_grace,
        )
        if section.expects_continue:
            self._guard.pause(now)  # it is the application that is waited for
        timeout = settings.read_timeout
        self._read_by = inf if timeout is None else self._begun_at + timeout
        self._set_body_deadline()

    # Reading content.

    def _read_body(self, events: list[Event], now: float) -> None:
        body = self._body
        assert body is not None
        if self._buffer:
            self._sender.continue_due = False  # RFC 9110 section 10.1.1: the client did not wait
            content, self._buffer = body.read(self._buffer)
            self._take_content(content, events, now)
        if body.ended:
            self._end_body(body, events, now)
        else:
            self._set_body_deadline()

    def _take_content(self, content: bytes, events: list[Event], now: float) -> None:
        guard = self._guard
        if guard is not None:
            guard.resume(now)
            if content:
                guard.progress(len(content), now)
        if self._sender.state == NO_RESPONSE:
            return  # answered already: what is left of the request is thrown away
        if content:
            events.append(BodyReceived(self._stream_id, content))
            self._unconsumed += len(content)
        if self._unconsumed > self._settings.max_body_buffer:
            self.wants_data = False
            if guard is not None:
                guard.pause(now)

    def _end_body(self, body: BodyReader, events: list[Event], now: float) -> None:
        self._body = None
        self._guard = None
        self.wants_data = True
        self.deadline = inf
        self._input = _PARKED
        if self._sender.state != NO_RESPONSE:
            events.append(BodyEnded(self._stream_id, body.trailers))
        elif not self._sender.finished:
            self._end_cycle(now)

    def _set_body_deadline(self) -> None:
        self.deadline = self._read_by
        if self._guard is not None:
            self.deadline = min(self._read_by, self._guard.deadline)

    def _resume_guard(self, now: float) -> None:
        if self._guard is not None:
            self._guard.resume(now)
            self._set_body_deadline()

    # Sending.

    def data_to_send(self, now: float) -> bytes:
        """Return and forget what is to be written."""
        sender = self._sender
        if sender.finished:
            self._end_cycle(now)
        out = sender.out
        if not out:
            return b""
        data = b"".join(out)
        out.clear()
        return data

    def send_informational(self, stream_id: int, status: int, headers: Headers) -> None:
        """Send an interim response; dropped for HTTP/1.0, which has none (RFC 9110 15.2).

        Raises LocalProtocolError after the final response began, for a bad field, and for 100 and
        101, which are not an application's to send."""
        if stream_id == self._stream_id:
            self._sender.send_informational(status, headers)

    def send_response(
        self,
        stream_id: int,
        status: int,
        headers: Headers,
        body: bytes = b"",
        end_stream: bool = False,
        trailers: bool = False,
    ) -> None:
        """Send the final response's head and the first of its content.

        With 101 the connection becomes a tunnel: content of both sides is another protocol's.

        Raises LocalProtocolError, with nothing sent, for fields or lengths that cannot be."""
        if stream_id != self._stream_id:
            return
        if status == 101:
            self._switch_protocols(headers)
        else:
            self._sender.send_response(status, headers, body, end_stream, trailers)

    def send_body(self, stream_id: int, data: bytes, end_stream: bool = False) -> None:
        """Send more content. Raises LocalProtocolError if it does not fit Content-Length."""
        if stream_id == self._stream_id:
            self._sender.send_body(data, end_stream)

    def send_trailers(self, stream_id: int, headers: Headers) -> None:
        """End the response with a trailer section, where the framing has one.

        Raises LocalProtocolError for fields that cannot be, or if content is missing."""
        if stream_id == self._stream_id:
            self._sender.send_trailers(headers)

    def push(self, stream_id: int, target: bytes, headers: Headers) -> bool:
        """HTTP/1.1 has no push: always False."""
        return False

    def release(self, stream_id: int) -> None:
        """Requests come one at a time here, whoever is still at work on the one before."""

    def reset_stream(self, stream_id: int) -> None:
        """Give the answer up: the connection ends, within the message as the peer sees it."""
        if stream_id != self._stream_id or self._sender.state == NO_RESPONSE:
            return
        if self._sender.state == UNTIL_CLOSE:
            self.should_abort = True  # a plain close is how such a message ends
        self._end()

    def close(self, now: float) -> None:
        """Finish what was begun, accept nothing new, then set ``should_close``.

        A peer that has just connected may still send the one request that it came for."""
        self._closing = True
        self._sender.keep_alive = False
        if self.is_idle:
            if self._requests:
                self._end()
            else:
                self.deadline = min(self.deadline, now + _LAST_CHANCE)

    def _switch_protocols(self, headers: Headers) -> None:
        if self._sender.state == NO_RESPONSE:
            return
        if self._input != _PARKED:
            raise LocalProtocolError("101 before the request's content has come")
        self._sender.send_switch(headers)
        self._input = _BODY
        self._body = TunnelReader()
        self._read_by = inf
        self._unconsumed = 0
        self.wants_data = True
        # What came already, be it the end, is handed out once the caller has seen the switch:
        # the deadline is in the past.
        self.deadline = self._begun_at if self._buffer or self._peer_is_done else inf

    # From one request to the next, and to the end.

    def _end_cycle(self, now: float) -> None:
        """The answer is complete and about to be written."""
        self._sender.finished = False
        if self._input == _PARKED:
            if not self._sender.keep_alive:
                self._linger(now)
                return
            self._input = _HEAD
            if self._buffer:
                self._bound_pipeline()
                self._unread = True
                self.deadline = now  # at once: it is there already
            elif self._peer_is_done:
                self._end()
            else:
                self._wait_for_request(now)
        elif self._input == _BODY:
            self._answered_early(now)
        else:
            self._end()

    def _wait_for_request(self, now: float) -> None:
        self._unread = False
        self.wants_data = True
        self.deadline = now + self._keep_alive_timeout

    def _answered_early(self, now: float) -> None:
        """The answer is complete, the request is not (RFC 9112 section 9.6)."""
        remaining = None if self._body is None else self._body.remaining
        small = remaining is not None and remaining <= self._settings.max_body_buffer
        if self._sender.keep_alive and small:
            self._unconsumed = 0
            self.wants_data = True
            self._resume_guard(now)
        else:
            self._linger(now)

    def _refuse(self, error: RemoteProtocolError, events: list[Event], now: float) -> None:
        """Answer what cannot be read on from, and close."""
        state = self._sender.state
        if state != NO_RESPONSE and self._input == _BODY:
            events.append(StreamReset(self._stream_id, str(error)))
        if state == RESPONSE_HEAD or self._input == _HEAD:
            self._sender.send_error(error.status_hint)
        elif state != NO_RESPONSE:
            # An answer has begun: that it stops short is all that can be said.
            self.reset_stream(self._stream_id)
            return
        self._linger(now)

    def _linger(self, now: float) -> None:
        """Send no more, but read on for a while: closing with unread input would reset the
        connection and might destroy the answer on its way (RFC 9112 section 9.6)."""
        if self._peer_is_done:
            self._end()
            return
        self._forget()
        self._input = _DISCARDED
        self.wants_data = True
        self.deadline = now + self._settings.linger_timeout

    def _end(self) -> None:
        """Nothing more is sent or of interest."""
        self._forget()
        self._input = _NOTHING
        self.deadline = inf
        self.should_close = True

    def _forget(self) -> None:
        """Give up what is held for the present request and for those behind it."""
        self._sender.drop()
        self._buffer = b""
        self._partial_head = None
        self._body = None
        self._guard = None
        self.output_ended = True
