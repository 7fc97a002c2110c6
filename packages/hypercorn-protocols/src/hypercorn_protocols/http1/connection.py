"""The server's side of one HTTP/1.1 connection (RFC 9112).

Knows: the order of things on a connection: which request is read, which is answered, what
follows, and which of its timers runs.
Must not know: sockets, clocks, tasks or applications. Heads are read in :mod:`head`, content in
:mod:`body`, response heads are written in :mod:`response`.

Rules:

* One request at a time. A pipelined request stays bytes until the one before it is answered
  (RFC 9112 section 9.3.2); so answers cannot change places, and what waits is bounded.
* ``_input`` says what the next bytes are, ``_output`` what may be sent next. Nothing else does.
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
    RequestReceived,
    StreamReset,
)
from hypercorn_protocols.http1 import grammar
from hypercorn_protocols.http1.body import BodyReader, ChunkedReader, LengthReader, TunnelReader
from hypercorn_protocols.http1.engine import select_engine
from hypercorn_protocols.http1.head import (
    CHUNKED,
    RequestHead,
    check_request_line,
    field_pairs,
    parse_head,
)
from hypercorn_protocols.http1.response import FieldLines, encode_fields, encode_status
from hypercorn_protocols.progress import TransferGuard
from hypercorn_protocols.settings import HTTP1Settings

__all__ = ["HTTP1Connection"]

# What the next bytes from the peer are.
_HEAD = 0  # a request's head
_BODY = 1  # a request's content, or a tunnel's after a switch of protocols
_PARKED = 2  # a later request's, whose turn comes when the present one is answered
_DISCARDED = 3  # of no interest: the connection is about to close
_NOTHING = 4  # there are none: the peer has closed its side or the connection is over

# What may be sent next.
_NO_RESPONSE = 0  # nothing: no request is waiting for an answer
_RESPONSE_HEAD = 1  # the head of an answer
_LENGTH_BODY = 2  # content of a length that was announced
_CHUNKED_BODY = 3  # content in chunks
_CLOSE_BODY = 4  # content that ends with the connection
_HIDDEN_BODY = 5  # content that is not sent: HEAD, 204, 304

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


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
        "_body",
        "_buffer",
        "_closing",
        "_continue_due",
        "_cycle_over",
        "_defaults",
        "_guard",
        "_head_begun",
        "_input",
        "_keep_alive",
        "_out",
        "_output",
        "_peer_is_done",
        "_read_by",
        "_request",
        "_requests",
        "_searched",
        "_settings",
        "_split_fields",
        "_stream_id",
        "_to_send",
        "_unconsumed",
        "deadline",
        "output_ended",
        "should_abort",
        "should_close",
        "wants_data",
    )

    def __init__(self, settings: HTTP1Settings, defaults: DefaultHeaders, now: float) -> None:
        self._settings = settings
        self._defaults = defaults
        self._split_fields = select_engine(settings.engine)
        self._buffer = b""
        self._searched = 0  # no head ends in this much of the buffer
        self._head_begun = False  # a head is there in part, and its timer runs
        self._input = _HEAD
        self._output = _NO_RESPONSE
        self._out: list[bytes] = []
        self._stream_id = 0
        self._requests = 0
        self._request: RequestHead | None = None
        self._keep_alive = True
        self._continue_due = False
        self._cycle_over = False
        self._closing = False
        self._peer_is_done = False
        self._body: BodyReader | None = None
        self._unconsumed = 0
        self._guard: TransferGuard | None = None
        self._read_by = inf
        self._to_send = 0
        self.wants_data = True
        self.output_ended = False
        self.should_close = False
        self.should_abort = False
        timeout = settings.keep_alive_timeout
        self.deadline = inf if timeout is None else now + timeout

    # What the caller of a connection looks at.

    @property
    def is_idle(self) -> bool:
        """No request is being read or answered."""
        return self._input == _HEAD and not self._buffer

    def buffered(self, stream_id: int) -> int:
        """HTTP/1.1 holds nothing back: always 0."""
        return 0

    # Receiving.

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Take what was read; ``b""`` is the end of the input. Raises nothing."""
        if not data:
            return self._receive_eof()
        events: list[Event] = []
        if self._input == _DISCARDED or self._input == _NOTHING:
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
            if self._head_begun:
                self._refuse(RemoteProtocolError("the head took too long", 408), events, now)
            elif self._buffer:
                self._read(events, now)  # the next pipelined request
            else:
                self._end()
        elif isinstance(self._body, TunnelReader):
            self._read(events, now)  # what came behind the request that opened the tunnel
        elif self._input == _BODY:
            self._refuse(RemoteProtocolError("the content took too long", 408), events, now)
        else:
            self._end()
        return events

    def consumed(self, stream_id: int, size: int, now: float) -> None:
        """The application took ``size`` bytes of content and wants more (0: wants some)."""
        if stream_id != self._stream_id or self._input != _BODY:
            return
        if self._continue_due:
            # RFC 9110 section 10.1.1: before the content is waited for, and not after an answer
            self._continue_due = False
            if self._output == _RESPONSE_HEAD:
                self._out.append(_CONTINUE)
            self._resume_guard(now)
        self._unconsumed -= size
        if not self.wants_data and self._unconsumed <= self._settings.max_body_buffer // 2:
            self.wants_data = True
            self._resume_guard(now)

    def _receive_eof(self) -> list[Event]:
        events: list[Event] = []
        self._peer_is_done = True
        if self._input == _PARKED:
            events.append(InputClosed())
        elif self._input == _BODY:
            self._peer_left_within_body(events)
        elif self._input != _HEAD or self._head_begun or not self._buffer:
            self._end()
        return events

    def _peer_left_within_body(self, events: list[Event]) -> None:
        if isinstance(self._body, TunnelReader):
            self._input = _NOTHING
            self.deadline = inf
            events.append(BodyEnded(self._stream_id, []))
            return
        if self._output != _NO_RESPONSE:
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
        if self._input == _PARKED and len(self._buffer) > self._settings.max_pipeline_buffer:
            self.wants_data = False

    # Reading heads.

    def _read_head(self, events: list[Event], now: float) -> None:
        buffer = self._buffer
        end = buffer.find(b"\r\n\r\n", self._searched)
        if end < 0 or buffer[0] == 0x0D:
            end = self._read_partial_head(now)
            buffer = self._buffer
            if end < 0:
                if self._peer_is_done:
                    self._end()
                return
        end += 4
        if end > self._settings.max_head_size:
            raise _too_long(buffer)
        data = buffer if end == len(buffer) else buffer[:end]
        self._buffer = buffer[end:]
        self._searched = 0
        self._head_begun = False
        if data.count(b"\n") > self._settings.max_headers + 2:
            raise RemoteProtocolError("too many header fields", 431)
        request = parse_head(data, self._split_fields)
        if self._settings.keep_header_case:
            block = data[data.index(b"\n") + 1 : -2]
            request.headers = field_pairs(block, keep_case=True)
        self._open(request, now)
        events.append(request.event(self._stream_id))

    def _read_partial_head(self, now: float) -> int:
        """Look at a head that is not all there; return where it ends if it is after all.

        What can never become a request is refused now rather than when the peer gives up.
        """
        # RFC 9112 section 2.2: ignore empty lines before a request line
        empty_lines = grammar.EMPTY_LINES.match(self._buffer)
        if empty_lines is not None:
            self._buffer = self._buffer[empty_lines.end() :]
        buffer = self._buffer
        end = buffer.find(b"\r\n\r\n")
        if end >= 0:
            return end
        if len(buffer) > self._settings.max_head_size:
            raise _too_long(buffer)
        if grammar.FORBIDDEN.search(buffer, max(self._searched - 1, 0)) is not None:
            raise RemoteProtocolError("malformed head")
        line, newline, _ = buffer.partition(b"\r\n")
        if newline and self._searched <= len(line) + 2:
            check_request_line(line)
        self._searched = max(len(buffer) - 3, 0)
        if buffer and not self._head_begun:
            self._head_begun = True
            timeout = self._settings.head_timeout
            self.deadline = inf if timeout is None else now + timeout
        return -1

    def _open(self, request: RequestHead, now: float) -> None:
        """A request's head has been read: prepare for its content and for its answer."""
        settings = self._settings
        self._stream_id += 1
        self._requests += 1
        self._request = request
        self._keep_alive = (
            request.keep_alive
            and not self._closing
            and (settings.max_requests is None or self._requests < settings.max_requests)
        )
        self._output = _RESPONSE_HEAD
        if request.content_length == 0:
            self._input = _PARKED
            self.deadline = inf
            return
        self._open_body(request, now)

    def _open_body(self, request: RequestHead, now: float) -> None:
        settings = self._settings
        max_size = settings.max_body_size
        if request.content_length == CHUNKED:
            self._body = ChunkedReader(max_size, settings.max_head_size, settings.max_headers)
        elif max_size is not None and request.content_length > max_size:
            raise RemoteProtocolError("the content is too large", 413)
        else:
            self._body = LengthReader(request.content_length)
        self._input = _BODY
        self._unconsumed = 0
        self._continue_due = request.expects_continue
        self._guard = TransferGuard(
            now,
            idle=settings.read_idle_timeout,
            rate=settings.read_min_rate,
            grace=settings.rate_grace,
        )
        if self._continue_due:
            self._guard.pause(now)  # it is the application that is waited for
        self._read_by = inf if settings.read_timeout is None else now + settings.read_timeout
        self._set_body_deadline()

    # Reading content.

    def _read_body(self, events: list[Event], now: float) -> None:
        body = self._body
        assert body is not None
        if self._buffer:
            self._continue_due = False  # RFC 9110 section 10.1.1: the client did not wait
            content, self._buffer = body.read(self._buffer)
            if content:
                self._take_content(content, events, now)
        if body.ended:
            self._end_body(body, events, now)
        else:
            self._set_body_deadline()

    def _take_content(self, content: bytes, events: list[Event], now: float) -> None:
        size = len(content)
        if self._guard is not None:
            self._guard.resume(now)
            self._guard.progress(size, now)
        if self._output == _NO_RESPONSE:
            return  # answered already: what is left of the request is thrown away
        events.append(BodyReceived(self._stream_id, content))
        self._unconsumed += size
        if self._unconsumed > self._settings.max_body_buffer:
            self.wants_data = False
            if self._guard is not None:
                self._guard.pause(now)

    def _end_body(self, body: BodyReader, events: list[Event], now: float) -> None:
        self._body = None
        self._guard = None
        self._continue_due = False
        self.wants_data = True
        self.deadline = inf
        self._input = _PARKED
        if self._output != _NO_RESPONSE:
            events.append(BodyEnded(self._stream_id, body.trailers))
        else:
            self._begin_cycle(now)

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
        if self._cycle_over:
            self._end_cycle(now)
        out = self._out
        if not out:
            return b""
        data = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        return data

    def send_informational(self, stream_id: int, status: int, headers: Headers) -> None:
        """Send an interim response; dropped for HTTP/1.0, which has none (RFC 9110 15.2)."""
        if stream_id != self._stream_id or self._output == _NO_RESPONSE:
            return
        if self._output != _RESPONSE_HEAD:
            raise LocalProtocolError("the final response has begun")
        if not 100 <= status < 200 or status == 101:
            raise LocalProtocolError(f"{status} is not an interim status")
        lines = encode_fields(headers)
        request = self._request
        if request is not None and request.http_version != "1.0":
            self._out += (encode_status(status), lines.block, b"\r\n")

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

        Raises LocalProtocolError, with nothing sent, for fields or lengths that cannot be."""
        if stream_id != self._stream_id or self._output == _NO_RESPONSE:
            return
        if self._output != _RESPONSE_HEAD:
            raise LocalProtocolError("the response has begun already")
        if status < 200:
            if status == 101:
                self._switch_protocols(headers)
                return
            raise LocalProtocolError(f"{status} is not a final status")
        status_line = encode_status(status)
        lines = encode_fields(headers)
        self._check_length(status, lines, len(body), end_stream)
        defaults = self._defaults
        default_block = (
            defaults.http1_block
            if lines.defaults is None
            else defaults.http1_block_without(lines.defaults)
        )
        framing = self._frame(status, lines, len(body), end_stream, trailers)
        self._out += (status_line, lines.block, default_block, framing)
        if body:
            self._write(body)
        if end_stream and not trailers:
            self._finish()

    def send_body(self, stream_id: int, data: bytes, end_stream: bool = False) -> None:
        """Send more content. Raises LocalProtocolError if it does not fit Content-Length."""
        if stream_id != self._stream_id or self._output == _NO_RESPONSE:
            return
        if self._output == _RESPONSE_HEAD:
            raise LocalProtocolError("content before the response's head")
        if self._output == _LENGTH_BODY:
            if len(data) > self._to_send:
                raise LocalProtocolError("more content than Content-Length says")
            if end_stream and len(data) < self._to_send:
                raise LocalProtocolError("less content than Content-Length says")
        if data:
            self._write(data)
        if end_stream:
            self._finish()

    def send_trailers(self, stream_id: int, headers: Headers) -> None:
        """End the response with a trailer section, where the framing has one."""
        if stream_id != self._stream_id or self._output == _NO_RESPONSE:
            return
        if self._output == _RESPONSE_HEAD:
            raise LocalProtocolError("trailers before the response's head")
        lines = encode_fields(headers)
        if lines.content_length is not None:
            raise LocalProtocolError("Content-Length cannot be a trailer field")
        if self._output == _LENGTH_BODY and self._to_send:
            raise LocalProtocolError("less content than Content-Length says")
        self._finish(lines.block)

    def reset_stream(self, stream_id: int) -> None:
        """Give the answer up: the connection ends, within the message as the peer sees it."""
        if stream_id != self._stream_id or self._output == _NO_RESPONSE:
            return
        if self._output == _CLOSE_BODY:
            self.should_abort = True  # a plain close is how such a message ends
        self._end()

    def close(self, now: float) -> None:
        """Finish what was begun, accept nothing new, then set ``should_close``."""
        self._closing = True
        self._keep_alive = False
        if self.is_idle:
            self._end()

    def _check_length(self, status: int, lines: FieldLines, size: int, ends: bool) -> None:
        if lines.content_length is None or self._hides_content(status):
            return
        if size > lines.content_length:
            raise LocalProtocolError("more content than Content-Length says")
        if ends and size < lines.content_length:
            raise LocalProtocolError("less content than Content-Length says")

    def _hides_content(self, status: int) -> bool:
        # RFC 9112 section 6.3: these have no content, whatever their fields say
        request = self._request
        return status in (204, 304) or (request is not None and request.method == "HEAD")

    def _frame(
        self, status: int, lines: FieldLines, size: int, ends: bool, trailers: bool
    ) -> bytes:
        """Choose the framing of the content (RFC 9112 section 6.3) and write what says so."""
        request = self._request
        assert request is not None
        length = lines.content_length
        if length is None and ends and not trailers:
            length = size
        self._keep_alive = self._keep_alive and not lines.close and not self._continue_due
        framing = b""
        if self._hides_content(status):
            self._output = _HIDDEN_BODY
            # RFC 9110 section 8.6: a length with HEAD and 304 is that of what is not sent
            if lines.content_length is not None and status != 204:
                framing = b"content-length: %d\r\n" % lines.content_length
        elif trailers and request.http_version == "1.1":
            self._output = _CHUNKED_BODY
            framing = b"transfer-encoding: chunked\r\n"
        elif length is not None:
            self._output = _LENGTH_BODY
            self._to_send = length
            framing = b"content-length: %d\r\n" % length
        elif request.http_version == "1.1":
            self._output = _CHUNKED_BODY
            framing = b"transfer-encoding: chunked\r\n"
        else:
            self._output = _CLOSE_BODY
            self._keep_alive = False
        if self._keep_alive and request.http_version == "1.1" and not lines.options:
            return framing + b"\r\n"
        return framing + self._connection_line(lines.options) + b"\r\n"

    def _connection_line(self, options: list[bytes]) -> bytes:
        # RFC 9112 section 9.3: 1.0 has to be told of persistence, 1.1 of its end
        persistence = b"keep-alive" if self._keep_alive else b"close"
        return b"connection: " + b", ".join([*options, persistence]) + b"\r\n"

    def _write(self, data: bytes) -> None:
        if self._output == _CHUNKED_BODY:
            self._out += (b"%x\r\n" % len(data), data, b"\r\n")
        elif self._output == _LENGTH_BODY:
            self._to_send -= len(data)
            self._out.append(data)
        elif self._output == _CLOSE_BODY:
            self._out.append(data)

    def _finish(self, trailers: bytes = b"") -> None:
        """The answer is complete."""
        if self._output == _CHUNKED_BODY:
            self._out.append(b"0\r\n" + trailers + b"\r\n")
        self._output = _NO_RESPONSE
        self._cycle_over = True

    def _switch_protocols(self, headers: Headers) -> None:
        """101: from here on both sides are bytes of another protocol (RFC 9110 section 7.8)."""
        request = self._request
        if request is None or request.upgrade is None or self._input != _PARKED:
            raise LocalProtocolError("the client did not ask for another protocol")
        lines = encode_fields(headers)
        options = b"connection: " + b", ".join(lines.options or [b"upgrade"]) + b"\r\n\r\n"
        self._out += (encode_status(101), lines.block, options)
        self._keep_alive = False
        self._output = _CLOSE_BODY
        self._input = _BODY
        self._body = TunnelReader()
        self._guard = None
        self._read_by = inf
        self._unconsumed = 0
        self.wants_data = True
        self.deadline = 0.0 if self._buffer else inf

    # From one request to the next, and to the end.

    def _end_cycle(self, now: float) -> None:
        """The answer is complete and about to be written."""
        self._cycle_over = False
        if self._input == _PARKED:
            if self._keep_alive:
                self._begin_cycle(now)
            else:
                self._linger(now)
        elif self._input == _BODY:
            self._answered_early(now)
        else:
            self._end()

    def _begin_cycle(self, now: float) -> None:
        """The connection is ready for the next request."""
        self._input = _HEAD
        self._request = None
        self.wants_data = True
        if self._buffer:
            self.deadline = now  # at once: it is there already
        elif self._peer_is_done:
            self._end()
        else:
            timeout = self._settings.keep_alive_timeout
            self.deadline = inf if timeout is None else now + timeout

    def _answered_early(self, now: float) -> None:
        """The answer is complete, the request is not (RFC 9112 section 9.6)."""
        remaining = None if self._body is None else self._body.remaining
        small = remaining is not None and remaining <= self._settings.max_body_buffer
        if self._keep_alive and small:
            self._unconsumed = 0
            self.wants_data = True
            self._resume_guard(now)
        else:
            self._linger(now)

    def _refuse(self, error: RemoteProtocolError, events: list[Event], now: float) -> None:
        """Answer what cannot be read on from, and close."""
        if self._output != _NO_RESPONSE and self._input == _BODY:
            events.append(StreamReset(self._stream_id, str(error)))
        if self._output == _RESPONSE_HEAD or self._input == _HEAD:
            self._out.append(self._error_response(error.status_hint))
            self._output = _NO_RESPONSE
            self._linger(now)
        else:
            # An answer has begun: that it stops short is all that can be said.
            self.reset_stream(self._stream_id)
            self._end()

    def _error_response(self, status: int) -> bytes:
        status_line = encode_status(status)
        body = status_line[13:-2] + b"\n"
        fields = b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n" % len(body)
        head = status_line + self._defaults.http1_block + fields + b"connection: close\r\n\r\n"
        request = self._request
        return head if request is not None and request.method == "HEAD" else head + body

    def _linger(self, now: float) -> None:
        """Send no more, but read on for a while: closing with unread input would reset the
        connection and might destroy the answer on its way (RFC 9112 section 9.6)."""
        self.output_ended = True
        self._request = None
        self._body = None
        self._guard = None
        self._buffer = b""
        if self._peer_is_done:
            self._end()
            return
        self._input = _DISCARDED
        self.wants_data = True
        self.deadline = now + self._settings.linger_timeout

    def _end(self) -> None:
        """Nothing more is sent or of interest."""
        self._input = _NOTHING
        self._output = _NO_RESPONSE
        self._cycle_over = False
        self._buffer = b""
        self._request = None
        self._body = None
        self._guard = None
        self.deadline = inf
        self.output_ended = True
        self.should_close = True


def _too_long(buffer: bytes) -> RemoteProtocolError:
    if b"\r\n" in buffer:
        return RemoteProtocolError("the header section is too large", 431)
    return RemoteProtocolError("the request line is too long", 414)
