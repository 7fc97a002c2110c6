"""The server's side of one HTTP/1.1 connection (RFC 9112).

Knows: the order of things on a connection: what is made of the next bytes, what may be sent, and
when another protocol takes over.
Must not know: sockets, clocks, tasks or applications. Heads are found in :mod:`incoming` and read
in :mod:`head`; content comes through :mod:`content`; answers are written in :mod:`sender`; what
follows an answer, and how it all ends, is in :mod:`lifecycle`.

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
from hypercorn_protocols.http1.head import head_parser
from hypercorn_protocols.http1.lifecycle import (
    BODY,
    DISCARDED,
    FIRST_BYTES,
    HEAD,
    NOTHING,
    PARKED,
    Lifecycle,
)
from hypercorn_protocols.http1.sender import NO_RESPONSE, RESPONSE_HEAD
from hypercorn_protocols.http1.tunnel import Tunnel
from hypercorn_protocols.http1.upgrade import decode_settings, without_upgrade
from hypercorn_protocols.preface import Spoken, recognise
from hypercorn_protocols.settings import HTTP1Settings

__all__ = ["HTTP1Connection"]


class HTTP1Connection(Lifecycle):
    """A :class:`~hypercorn_protocols.connection.ServerConnection` for HTTP/1.0 and HTTP/1.1.

    Args:
        settings: limits, timers and the engine.
        defaults: the fields that every response gets.
        now: the time at which the peer connected, in seconds.

    Raises:
        ImportError: the engine that the settings name is not installed.
    """

    __slots__ = ("_parse_head",)

    can_push = False
    """HTTP/1.1 has no push."""

    multiplexes = False

    def __init__(self, settings: HTTP1Settings, defaults: DefaultHeaders, now: float) -> None:
        super().__init__(settings, defaults, now)
        self._parse_head = head_parser(settings.engine).parse

    # Receiving.

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Take what was read; ``b""`` is the end of the input. Raises nothing."""
        events: list[Event] = []
        if self._input >= DISCARDED:
            if self._input == FIRST_BYTES:
                self._receive_preface(data, events, now)
            elif not data and self._input == DISCARDED:
                self._end()
            return events
        if not data:
            self._receive_eof(events, now)
            return events
        incoming = self._incoming
        incoming.data = incoming.data + data if incoming.data else data
        self._read(events, now)
        return events

    def handle_deadline(self, now: float) -> list[Event]:
        """Do what the deadline was set for, if it has passed. Raises nothing."""
        events: list[Event] = []
        if now < self.deadline or self.should_close:
            return events
        if self._input == HEAD:
            if self._incoming.has_partial_head:
                self._refuse(RemoteProtocolError("the head took too long", 408), events, now)
            elif self._unread:
                self._read_next(events, now)
            else:
                self._end()
        elif self._input == BODY:
            self._refuse(RemoteProtocolError("the content took too long", 408), events, now)
        elif self._input == FIRST_BYTES:
            self._input = HEAD
            return self.handle_deadline(now)
        else:
            self._end()
        return events

    def consumed(self, stream_id: int, size: int, now: float) -> None:
        """The application took ``size`` bytes of content and wants more (0: wants some)."""
        if stream_id != self._stream_id or self._input != BODY:
            return
        content = self._content
        if self._sender.continue_due:
            # RFC 9110 section 10.1.1: before the content is waited for
            self._sender.send_continue()
            content.resume(now)
            self._follow_content()
        content.consumed(size, now)
        if content.wants_data != self.wants_data:
            self._follow_content()

    def _receive_preface(self, data: bytes, events: list[Event], now: float) -> None:
        """Take the first bytes: HTTP/2's preface, in any pieces, or those of a request."""
        incoming = self._incoming
        received = incoming.data + data
        spoken = recognise(received)
        if spoken is Spoken.HTTP2:
            incoming.data = received
            self._hand_over(events)
        elif spoken is Spoken.NEITHER:
            self._end()  # RFC 9113 section 3.4: a connection error, which needs no GOAWAY
        elif spoken is Spoken.UNDECIDED and data:
            incoming.data = received
            incoming.begin_head(now)  # should it become a request after all
            self.deadline = incoming.head_deadline
        else:
            self._input = HEAD
            events += self.receive_data(data, now)

    def _hand_over(
        self,
        events: list[Event],
        request: RequestReceived | None = None,
        http2_settings: bytes = b"",
    ) -> None:
        """What comes next is HTTP/2, and so is what has come already."""
        data = self._incoming.take_all()
        self._input = NOTHING
        self.deadline = inf
        events.append(ProtocolSwitched("h2c", data, request, http2_settings))

    def _receive_eof(self, events: list[Event], now: float) -> None:
        self._peer_is_done = True
        if self._input != HEAD:
            self._tell_of_eof(events)
        elif self._incoming.data:
            self._read(events, now)
        else:
            self._end()

    def _tell_of_eof(self, events: list[Event]) -> None:
        """The peer will send nothing more: say what that means for the present request."""
        if self._input == PARKED and self._sender.state != NO_RESPONSE:
            events.append(InputClosed())
        elif self._input == BODY:
            if self._sender.state != NO_RESPONSE:
                events.append(StreamReset(self._stream_id, "the peer left within its request"))
            self._end()

    def _read(self, events: list[Event], now: float) -> None:
        """Make events of what has come."""
        try:
            if self._input == HEAD:
                self._read_head(events, now)
            if self._input == BODY:
                self._read_body(events, now)
        except RemoteProtocolError as error:
            self._refuse(error, events, now)
            return
        if self._input == PARKED and self._incoming.data:
            self._bound_pipeline()
        if self._peer_is_done:
            self._tell_of_eof(events)

    def _read_next(self, events: list[Event], now: float) -> None:
        """Make events of what came behind the request that has been answered."""
        self._unread = False
        self._read(events, now)
        if self._input == HEAD and not self._incoming.has_partial_head:
            self._wait_for_request(now)  # it was empty lines

    # Reading heads.

    def _read_head(self, events: list[Event], now: float) -> None:
        head = self._incoming.take_head(now)
        if head is None:
            self._wait_for_head()
            return
        settings = self._settings
        self._stream_id += 1
        request, section = self._parse_head(
            head, self._stream_id, settings.max_headers, settings.keep_header_case
        )
        keep_alive = section.keep_alive and (
            settings.max_requests is None or self._stream_id < settings.max_requests
        )
        self._sender.expect(request, keep_alive)
        self.wants_data = True
        if section.content_length == 0:
            self._input = PARKED
            self.deadline = inf
        else:
            self._content.expect(section, self._incoming.begun_at, now)
            self._input = BODY
            self._follow_content()
        if section.upgrade is None or not self._upgrade(request, events):
            events.append(request)

    def _upgrade(self, request: RequestReceived, events: list[Event]) -> bool:
        """Switch to HTTP/2 if that was asked for, in a way that RFC 7540 section 3.2 allows."""
        if not self._settings.switch_to_http2 or self._input != PARKED:
            return False  # content would have to be read to its end first
        if self._closing or self._peer_is_done or not self._sender.keep_alive:
            return False
        http2_settings = decode_settings(request)
        if http2_settings is None:
            return False
        self._sender.send_switch([(b"upgrade", b"h2c")])
        self._hand_over(events, without_upgrade(request), http2_settings)
        return True

    def _wait_for_head(self) -> None:
        """The rest of a head, or all of it, is still to come."""
        self.wants_data = True
        if self._peer_is_done:
            self._end()
        elif self._incoming.has_partial_head:
            self.deadline = self._incoming.head_deadline

    # Reading content.

    def _read_body(self, events: list[Event], now: float) -> None:
        incoming, reader = self._incoming, self._content.reader
        if incoming.data:
            sender = self._sender
            sender.continue_due = False  # RFC 9110 section 10.1.1: the client did not wait
            # Of a request that was answered already, what is left is thrown away.
            wanted = sender.state != NO_RESPONSE
            content, incoming.data = self._content.read(incoming.data, wanted, now)
            if content and wanted:
                events.append(BodyReceived(self._stream_id, content))
        if reader.ended:
            self._end_body(reader.trailers, events, now)
        else:
            self._follow_content()

    def _end_body(
        self, trailers: list[tuple[bytes, bytes]], events: list[Event], now: float
    ) -> None:
        self.wants_data = True
        self.deadline = inf
        self._input = PARKED
        if self._sender.state != NO_RESPONSE:
            events.append(BodyEnded(self._stream_id, trailers))
        elif not self._sender.finished:
            self._end_cycle(now)

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

        With 101 the connection becomes a tunnel, which is the ``successor`` from then on.

        Raises LocalProtocolError, with nothing sent, for fields or lengths that cannot be."""
        if stream_id != self._stream_id:
            return
        if status == 101:
            self._switch_protocols(headers, body, end_stream, trailers)
        else:
            sender = self._sender
            if self._closing and sender.state == RESPONSE_HEAD:
                self._choose_last()
            sender.send_response(status, headers, body, end_stream, trailers)

    def send_body(self, stream_id: int, data: bytes, end_stream: bool = False) -> None:
        """Send more content. Raises LocalProtocolError if it does not fit Content-Length."""
        if stream_id == self._stream_id:
            self._sender.send_body(data, end_stream)

    def send_trailers(self, stream_id: int, headers: Headers) -> None:
        """End the response with a trailer section, where the framing has one.

        Raises LocalProtocolError for fields that cannot be, or if content is missing."""
        if stream_id == self._stream_id:
            self._sender.send_trailers(headers)

    def buffered(self, stream_id: int) -> int:
        """HTTP/1.1 holds nothing back: always 0."""
        return 0

    def push(self, stream_id: int, target: bytes, headers: Headers) -> bool:
        """HTTP/1.1 has no push: always False."""
        return False

    def release(self, stream_id: int) -> None:
        """Requests come one at a time here, whoever is still at work on the one before."""

    def reset_stream(self, stream_id: int) -> None:
        """Give the answer up: the connection ends, within the message as the peer sees it."""
        if stream_id == self._stream_id and self._sender.state != NO_RESPONSE:
            self._break_off()

    def _switch_protocols(
        self, headers: Headers, body: bytes, end_stream: bool, trailers: bool
    ) -> None:
        sender, incoming = self._sender, self._incoming
        if sender.state == NO_RESPONSE:
            return
        if self._input != PARKED:
            raise LocalProtocolError("101 before the request's content has come")
        if trailers:
            raise LocalProtocolError("a tunnel has no trailers")
        sender.send_switch(headers)
        out, sender.out = sender.out, []
        self.successor = tunnel = Tunnel(
            self._settings,
            self._stream_id,
            out,
            incoming.take_all(),
            self._peer_is_done,
            incoming.begun_at,
        )
        self._input = NOTHING
        self.deadline = inf
        tunnel.send_body(self._stream_id, body, end_stream)
