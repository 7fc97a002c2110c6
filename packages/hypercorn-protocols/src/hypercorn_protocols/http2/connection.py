"""The server's side of one HTTP/2 connection (RFC 9113).

Knows: how the parts work together, the connection's beginning and end, and its timers.
Must not know: sockets, clocks, tasks or applications. Frames are read in :mod:`receiver` and
written in :mod:`output`; what there is of streams is in :mod:`table`, how they begin and end in
:mod:`lifecycle`, how the connection ends in :mod:`shutdown`.

Rules:

* A stream has one owner, the table. What comes for a stream that is not open is answered by how
  it was closed, and never raises; its flow-control credit is given back.
* A stream counts against ``max_concurrent_streams`` until it is closed *and* its application has
  ended: who resets streams does not get more work done at once than who waits.
* What concerns one stream ends that stream; GOAWAY is for what leaves the connection unreadable,
  and for floods.
"""

from __future__ import annotations

from math import inf

from hypercorn_protocols.connection import Headers
from hypercorn_protocols.defaults import DefaultHeaders
from hypercorn_protocols.events import Event, RequestReceived
from hypercorn_protocols.http2 import frames
from hypercorn_protocols.http2.content import ContentReceiver
from hypercorn_protocols.http2.faults import HTTP2ConnectionError
from hypercorn_protocols.http2.frames import ErrorCode, Setting
from hypercorn_protocols.http2.head import Head
from hypercorn_protocols.http2.headers.codec import select_codec
from hypercorn_protocols.http2.lifecycle import Lifecycle
from hypercorn_protocols.http2.output import Output
from hypercorn_protocols.http2.push import promised_fields, promised_request
from hypercorn_protocols.http2.receiver import Receiver
from hypercorn_protocols.http2.requests import RequestReceiver
from hypercorn_protocols.http2.sender import Sender
from hypercorn_protocols.http2.shutdown import Shutdown, State
from hypercorn_protocols.http2.stream import Stream
from hypercorn_protocols.http2.table import StreamTable
from hypercorn_protocols.http2.timers import Timers
from hypercorn_protocols.settings import HTTP2Settings

__all__ = ["HTTP2Connection"]

# The decoder gives up on lists so many times the limit; up to there the answer is 431.
_LIST_SIZE_FACTOR = 4


class HTTP2Connection:
    """A :class:`~hypercorn_protocols.connection.ServerConnection` for HTTP/2.

    Its owner tells with :meth:`release` that the application of a stream has ended; until then
    the stream counts.

    Args:
        settings: limits, timers and the engine.
        defaults: the fields that every response gets.
        now: the time at which the peer connected, in seconds.

    Raises:
        ImportError: the engine that the settings name is not installed.
    """

    multiplexes = True

    successor = None
    """HTTP/2 is not left for another protocol."""

    __slots__ = (
        "_busy",
        "_content",
        "_lifecycle",
        "_output",
        "_promised",
        "_receiver",
        "_requests",
        "_sender",
        "_settings",
        "_shutdown",
        "_table",
        "_timers",
        "deadline",
        "output_ended",
        "should_abort",
        "should_close",
        "wants_data",
    )

    def __init__(self, settings: HTTP2Settings, defaults: DefaultHeaders, now: float) -> None:
        self._settings = settings
        codec = select_codec(settings.engine)
        decoder = codec.decoder(_LIST_SIZE_FACTOR * settings.max_header_list_size)
        self._table = table = StreamTable()
        self._output = output = Output(settings, codec.encoder(), table.streams)
        self._sender = sender = Sender(defaults, output)
        self._lifecycle = lifecycle = Lifecycle(settings, table, output, sender, now)
        self._content = content = ContentReceiver(settings, table, output, sender, lifecycle)
        self._requests = RequestReceiver(settings, table, output, lifecycle, content, decoder)
        self._receiver = Receiver(settings, table, output, lifecycle, self._requests, content, now)
        self._timers = Timers(settings, table, output, lifecycle, self._receiver, now)
        self._shutdown = Shutdown(output, settings.linger_timeout)
        self._promised: list[RequestReceived] = []
        self._busy = False  # streams have been open since the idle time was last begun
        self.wants_data = True  # peers are held up by their windows
        self.output_ended = False
        self.should_close = False
        self.should_abort = False
        output.out.append(frames.settings_frame(_own_settings(settings)))
        content.start()
        self.deadline = self._next_deadline()

    # What the caller of a connection looks at.

    @property
    def is_idle(self) -> bool:
        """No request is being read or answered."""
        if self._table.open or self._promised:
            return False
        return self._shutdown.state >= State.DISCARDING or self._receiver.block_begun == inf

    @property
    def can_push(self) -> bool:
        """The client takes pushes."""
        return (
            self._settings.push
            and self._output.peer.enable_push
            and self._shutdown.state == State.OPEN
        )

    def buffered(self, stream_id: int) -> int:
        """How many bytes of a response wait for their turn or the peer's window."""
        stream = self._table.streams.get(stream_id)
        return 0 if stream is None or stream.queue is None else stream.queue.size

    # Receiving.

    def receive_upgrade(
        self, request: RequestReceived, settings: bytes, now: float
    ) -> list[Event]:
        """Begin with a request that came by HTTP/1.1 ``Upgrade: h2c``, as stream 1.

        It must not have content. ``settings`` is what HTTP2-Settings carries, decoded (RFC 7540
        section 3.2). To be called first, if at all. Raises nothing.
        """
        upgraded = RequestReceived(
            1, request.method, request.target, request.headers, "2", end_stream=True
        )
        host = next((value for name, value in request.headers if name == b"host"), b"")
        self._table.last_client_id = 1
        self._requests.count += 1
        try:
            self._output.apply_settings(settings, now)
        except HTTP2ConnectionError as fault:
            self._fail(fault, now)
            return self._take_events()
        self._output.waits_for_preface = True
        self._lifecycle.open(Head(upgraded, b"http", host))
        self._lifecycle.events.append(upgraded)
        return self._take_events()

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Take what was read; ``b""`` is the end of the input. Raises nothing."""
        if not data:
            self._lifecycle.lose_all("the peer left")
            self._end()
        elif self._shutdown.state < State.DISCARDING:
            try:
                self._receiver.receive_data(data, now)
            except HTTP2ConnectionError as error:
                self._fail(error, now)
            else:
                self._proceed(now)
        return self._take_events()

    def handle_deadline(self, now: float) -> list[Event]:
        """Do what the deadline was set for, if it has passed. Raises nothing."""
        if now < self.deadline or self.should_close:
            return []
        self._hand_out_promised()
        if self._shutdown.state == State.DISCARDING:
            if now >= self._shutdown.deadline:
                self._end()
        else:
            self._judge(now)
        self.deadline = self._next_deadline()
        return self._take_events()

    def consumed(self, stream_id: int, size: int, now: float) -> None:
        """The application took ``size`` bytes of content and wants more (0: wants some)."""
        stream = self._table.streams.get(stream_id)
        if stream is not None:
            self._content.consumed(stream, size, now)
            self.deadline = min(self.deadline, self._lifecycle.read_deadline)

    def release(self, stream_id: int) -> None:
        """The application of a stream has ended."""
        self._table.release(stream_id)

    def _hand_out_promised(self) -> None:
        """Begin the requests that were promised, if the peer still wants them."""
        streams = self._table.streams
        for request in self._promised:
            stream = streams.get(request.stream_id)
            if stream is not None:  # else it has been reset
                stream.released = False
                self._lifecycle.events.append(request)
        self._promised.clear()

    def _take_events(self) -> list[Event]:
        events, self._lifecycle.events = self._lifecycle.events, []
        return events

    # Sending.

    def data_to_send(self, now: float) -> bytes:
        """Return and forget what is to be written."""
        output = self._output
        data = output.data_to_send(now)
        if output.ended:
            for stream in output.ended:
                self._lifecycle.end_output(stream)
            output.ended.clear()
        if self._lifecycle.lingering:
            self._linger(now)
        if self._busy and not self._table.open:
            self._rest(now)
        if output.out:
            data += output.flush()  # what the ends of streams brought
        if output.has_more:
            self.deadline = -inf
        elif output.write_deadline < self.deadline and not self.output_ended:
            self.deadline = output.write_deadline
        return data

    def _linger(self, now: float) -> None:
        """Answers are complete whose requests are not."""
        for stream in self._lifecycle.lingering:
            self._lifecycle.linger(stream, now)
            if stream.content is not None:
                self._content.give_credit(stream, stream.content)
        self._lifecycle.lingering.clear()
        self.deadline = min(self.deadline, self._lifecycle.read_deadline)

    def send_informational(self, stream_id: int, status: int, headers: Headers) -> None:
        """See :class:`~hypercorn_protocols.connection.ServerConnection`."""
        stream = self._unanswered(stream_id)
        if stream is not None:
            self._sender.send_informational(stream, status, headers)

    def send_response(
        self,
        stream_id: int,
        status: int,
        headers: Headers,
        body: bytes = b"",
        end_stream: bool = False,
        trailers: bool = False,
    ) -> None:
        """See :class:`~hypercorn_protocols.connection.ServerConnection`."""
        stream = self._table.streams.get(stream_id)
        if stream is not None and not stream.is_answered:
            self._sender.send_response(stream, status, headers, body, end_stream, trailers)
            if not stream.output_open:
                self._lifecycle.end_output(stream)

    def send_body(self, stream_id: int, data: bytes, end_stream: bool = False) -> None:
        """See :class:`~hypercorn_protocols.connection.ServerConnection`."""
        stream = self._unanswered(stream_id)
        if stream is not None:
            self._sender.send_body(stream, data, end_stream)
            if not stream.output_open:
                self._lifecycle.end_output(stream)

    def send_trailers(self, stream_id: int, headers: Headers) -> None:
        """See :class:`~hypercorn_protocols.connection.ServerConnection`."""
        stream = self._unanswered(stream_id)
        if stream is not None:
            self._sender.send_trailers(stream, headers)
            if not stream.output_open:
                self._lifecycle.end_output(stream)

    def push(self, stream_id: int, target: bytes, headers: Headers) -> bool:
        """Promise the answer to a GET of ``target`` (section 8.4); False if nobody wants it.

        The request comes out of the next :meth:`handle_deadline`. Raises LocalProtocolError for
        fields that cannot be."""
        parent = self._unanswered(stream_id)
        if parent is None or not self.can_push or self._push_limit_reached():
            return False
        if stream_id % 2 == 0 or parent.is_tunnel:
            # Section 6.6: promises are made on the client's streams; section 8.5: a tunnel has
            # nothing but DATA.
            return False
        promised_id = self._table.last_promised_id + 2
        fields = promised_fields(parent.head, target, headers)
        head = promised_request(promised_id, fields)
        self._table.last_promised_id = promised_id
        self._output.send_promise(parent, promised_id, fields)
        self._lifecycle.open(head).released = True  # until somebody has been told of it
        self._promised.append(head.request)
        self.deadline = -inf
        return True

    def reset_stream(self, stream_id: int) -> None:
        """Give the answer up, in a way that the peer can tell from a complete one."""
        stream = self._table.streams.get(stream_id)
        if stream is not None and not stream.is_closed:
            # RFC 8441 section 5: CANCEL is what a reset is to a tunnel
            code = ErrorCode.CANCEL if stream.is_tunnel else ErrorCode.INTERNAL_ERROR
            self._lifecycle.reset(stream, code)

    def _unanswered(self, stream_id: int) -> Stream | None:
        stream = self._table.streams.get(stream_id)
        return None if stream is None or stream.is_answered else stream

    def _push_limit_reached(self) -> bool:
        streams = self._table.streams
        pushed = sum(stream_id % 2 == 0 for stream_id in streams)
        return (
            pushed >= self._output.peer.max_concurrent_streams
            or pushed >= self._settings.max_concurrent_streams
            or self._table.last_promised_id + 2 > frames.MAX_STREAM_ID
        )

    # The end.

    def close(self, now: float, patience: float = 0.0) -> None:
        """Finish what was begun and what is on its way, then set ``should_close``.

        In two steps (section 6.8). ``patience`` is for the peer to acknowledge the first, at which
        the second comes: it opens no stream after that."""
        if self._shutdown.state <= State.WARNED:
            self._shutdown.warn(now, patience)
            self.deadline = min(self.deadline, self._shutdown.deadline)

    def _proceed(self, now: float) -> None:
        """Something has come: see what follows for the connection as a whole."""
        limit = self._settings.max_requests
        if limit is not None and self._requests.count >= limit:
            self.close(now)
        if self._shutdown.is_acknowledged(self._receiver.last_ping):
            self._name_last_stream()
        self._rest(now)
        self.deadline = min(
            self.deadline, self._timers.setup_deadline, self._lifecycle.read_deadline
        )

    def _name_last_stream(self) -> None:
        last = self._requests.last_accepted = self._table.last_client_id
        self._shutdown.name_last_stream(last)

    def _rest(self, now: float) -> None:
        """If no stream is open any more: the connection ends, or its idle time begins."""
        state = self._shutdown.state
        if self._table.open or state >= State.DISCARDING:
            self._busy = True
            return
        if self._receiver.goaway_received:
            if state != State.ENDING:
                self._name_last_stream()
            self._end()  # it has said that it goes: nothing will come
        elif state == State.ENDING:
            self._shutdown.discard(now)
            self.output_ended = True
            self.deadline = min(self.deadline, self._shutdown.deadline)
        elif self._busy:
            self._timers.idle_since = now
            self.deadline = min(self.deadline, self._timers.idle_deadline)
        self._busy = False

    def _fail(self, error: HTTP2ConnectionError, now: float) -> None:
        """A connection error (section 5.4.1)."""
        self._lifecycle.lose_all(str(error))
        self._promised.clear()
        # Section 6.8: what was said of the last stream must not be taken back
        last = min(self._table.last_client_id, self._requests.last_accepted)
        self._shutdown.fail(error, last, now)
        self.output_ended = True
        self.deadline = min(self.deadline, self._shutdown.deadline)

    def _end(self) -> None:
        self._promised.clear()
        self._shutdown.end()
        self.output_ended = True
        self.should_close = True
        self.deadline = inf

    # Timers.

    def _next_deadline(self) -> float:
        """The first moment at which something may have to be done."""
        state = self._shutdown.state
        if state >= State.DISCARDING:
            return self._shutdown.deadline
        if self._promised or self._output.has_more:
            return -inf
        timers = self._timers
        deadline = min(self._shutdown.deadline, timers.setup_deadline, timers.streams_deadline)
        return min(deadline, timers.idle_deadline) if state == State.OPEN else deadline

    def _judge(self, now: float) -> None:
        """See whose time has run out."""
        try:
            self._timers.judge(now)
        except HTTP2ConnectionError as error:
            self._fail(error, now)
            return
        self._rest(now)
        if now >= self._shutdown.deadline:
            self._name_last_stream()
        elif self._shutdown.state == State.OPEN and now >= self._timers.idle_deadline:
            self.close(now)
        self._proceed(now)


def _own_settings(settings: HTTP2Settings) -> list[tuple[int, int]]:
    return [
        (Setting.MAX_CONCURRENT_STREAMS, settings.max_concurrent_streams),
        (Setting.INITIAL_WINDOW_SIZE, settings.max_body_buffer),
        (Setting.MAX_FRAME_SIZE, settings.max_frame_size),
        (Setting.MAX_HEADER_LIST_SIZE, settings.max_header_list_size),
        (Setting.ENABLE_CONNECT_PROTOCOL, 1),  # RFC 8441 section 3
        # RFC 9218 section 2.1: the other priorities are the ones that count
        (Setting.NO_RFC7540_PRIORITIES, 1),
    ]
