"""One TCP connection: what comes from the transport goes to the protocol, what the protocol says
goes to applications, what they answer goes back.

Knows: the order of these calls, the connection's one timer, and when the peer takes too long to
take what it is sent.
Must not know: event loops, sockets, or anything of HTTP that the protocol decides.

Synchronous and free of any loop: a test can drive it by hand, with a list for a transport and a
number for a clock.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from hypercorn_asgi.http import HTTPExchange
from hypercorn_asgi.ports import Headers, Wakeup
from hypercorn_asgi.scope import ScopeTemplate
from hypercorn_protocols.events import (
    BodyEnded,
    BodyReceived,
    Event,
    InputClosed,
    RequestReceived,
    StreamReset,
)
from hypercorn_protocols.http1 import HTTP1Connection
from hypercorn_protocols.progress import TransferGuard
from hypercorn_workers.port import Cancellable, Peer, Transport

if TYPE_CHECKING:
    from hypercorn_workers.worker import Worker

__all__ = ["Connection"]

# Pipelined requests that are answered in one turn of the loop before others have theirs.
_PIPELINED_PER_TURN = 16
# How often the output is looked at while the peer does not take it, in seconds.
_OUTPUT_CHECK = 5.0
# What streaming applications may send in one turn of the loop before they wait for the next.
_UNWRITTEN = 65_536


class Connection:
    """Serves one peer. Made when it has connected (for TLS: when the handshake is done).

    Args:
        worker: what it has in common with the other connections.
        transport: how the peer is reached. The connection closes it.
        peer: who it is.
    """

    __slots__ = (
        "_closing",
        "_exchanges",
        "_flush_scheduled",
        "_half_closed",
        "_http",
        "_in_turn",
        "_now",
        "_output_guard",
        "_output_sent",
        "_output_written",
        "_reading",
        "_scopes",
        "_timer",
        "_timer_at",
        "_transport",
        "_unwritten",
        "_worker",
        "_writing_paused",
        "observer",
        "observes_requests",
    )

    def __init__(self, worker: Worker, transport: Transport, peer: Peer) -> None:
        self._worker = worker
        self._transport = transport
        self._now = worker.runtime.now
        self.observer = worker.observer
        self.observes_requests = worker.observes_requests
        self._scopes = ScopeTemplate(
            scheme="http" if peer.tls is None else "https",
            client=peer.client,
            server=peer.server,
            root_path=worker.settings.root_path,
            state=worker.lifespan_state,
            extensions=_EXTENSIONS if peer.tls is None else {**_EXTENSIONS, "tls": peer.tls},
        )
        self._exchanges: dict[int, HTTPExchange] = {}
        self._in_turn = False
        self._flush_scheduled = False
        self._closing = False  # the transport has been closed, or is about to be
        self._half_closed = False
        self._reading = True
        self._writing_paused = False
        self._unwritten = 0
        self._output_written = 0
        self._output_sent = 0
        self._output_guard: TransferGuard | None = None
        self._timer: Cancellable | None = None
        self._timer_at = inf
        now = self._now()
        self._http = HTTP1Connection(worker.settings.http1, worker.http1_defaults, now)
        worker.connections.add(self)
        if worker.stopping:
            self._http.close(now)  # accepted late: what it came for, but no more
        self._end_turn(now)

    # What the backend tells.

    def data_received(self, data: bytes) -> None:
        """The peer has sent something."""
        now = self._now()
        if now >= self._worker.defaults_expire_at:
            self._worker.renew_defaults(now)  # for what the protocol answers by itself
        self._in_turn = True
        for event in self._http.receive_data(data, now):
            if type(event) is RequestReceived:
                self._open_stream(event)
            else:
                self._handle(event)
        self._end_turn(now)

    def eof_received(self) -> None:
        """The peer will send nothing more."""
        if not self._closing:
            self.data_received(b"")

    def connection_lost(self) -> None:
        """The transport is closed, by whatever side."""
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_at = -inf  # never again
        self._worker.connection_closed(self)
        exchanges, self._exchanges = self._exchanges, {}
        for exchange in exchanges.values():
            exchange.disconnected()

    def pause_writing(self) -> None:
        """So much waits to be sent that applications should wait."""
        self._writing_paused = True
        self._congest(True)
        self._watch_output(self._now())

    def resume_writing(self) -> None:
        """What waited has been sent, for the most part."""
        self._writing_paused = False
        self._congest(False)
        if not self._in_turn:
            self._end_turn(self._now())

    # What the worker tells.

    def shutdown(self) -> None:
        """Finish what was begun and close."""
        now = self._now()
        self._http.close(now)
        self._end_turn(now)

    def disconnect_applications(self, endless_only: bool) -> None:
        """Tell applications that their clients are to be let go.

        ``endless_only``: only those whose answers would never end by themselves."""
        for exchange in list(self._exchanges.values()):
            if not endless_only or exchange.is_event_stream:
                exchange.input_closed()

    def abort(self) -> None:
        """Close at once."""
        self._closing = True
        self._transport.abort()

    # What the protocol says.

    def _handle(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            self._open_stream(event)
        elif isinstance(event, InputClosed):
            for each in self._exchanges.values():
                each.input_closed()
        else:
            exchange = self._exchanges.get(event.stream_id)
            if exchange is not None:
                self._tell(exchange, event)

    def _tell(self, exchange: HTTPExchange, event: BodyReceived | BodyEnded | StreamReset) -> None:
        if isinstance(event, BodyReceived):
            exchange.body_received(event.data)
        elif isinstance(event, BodyEnded):
            exchange.body_ended()
        else:
            del self._exchanges[event.stream_id]
            exchange.disconnected()

    def _open_stream(self, event: RequestReceived) -> None:
        worker = self._worker
        stream_id = event.stream_id
        if worker.settings.server_names and not worker.serves(event.headers):
            self._http.send_response(stream_id, 404, (), b"", True)
            return
        scope = self._scopes.http(event.http_version, event.method, event.target, event.headers)
        exchange = HTTPExchange(
            self, stream_id, scope, not event.end_stream, event.expects_continue
        )
        if self._writing_paused:
            exchange.congested(True)
        self._exchanges[stream_id] = exchange
        worker.run(exchange)

    # What applications answer (hypercorn_asgi.ports.ExchangeServer).

    def now(self) -> float:
        """Seconds on the runtime's clock."""
        return self._now()

    def create_wakeup(self) -> Wakeup:
        """A new wakeup."""
        return self._worker.runtime.create_wakeup()

    def send_informational(self, stream_id: int, status: int, headers: Headers) -> None:
        """See :class:`~hypercorn_asgi.ports.ExchangeServer`."""
        self._http.send_informational(stream_id, status, headers)
        self._flush_later(0)

    def send_response(
        self,
        stream_id: int,
        status: int,
        headers: Headers,
        body: bytes,
        end_stream: bool,
        trailers: bool,
    ) -> None:
        """See :class:`~hypercorn_asgi.ports.ExchangeServer`."""
        now = self._now()
        worker = self._worker
        if now >= worker.defaults_expire_at:
            worker.renew_defaults(now)
        self._http.send_response(stream_id, status, headers, body, end_stream, trailers)
        if not end_stream or trailers:
            self._flush_later(len(body))
            return
        self._exchanges.pop(stream_id, None)
        if not self._in_turn:
            self._end_turn(now)

    def send_body(self, stream_id: int, data: bytes, end_stream: bool) -> None:
        """See :class:`~hypercorn_asgi.ports.ExchangeServer`."""
        self._http.send_body(stream_id, data, end_stream)
        if end_stream:
            self._close_stream(stream_id)
        else:
            self._flush_later(len(data))

    def send_trailers(self, stream_id: int, headers: Headers) -> None:
        """See :class:`~hypercorn_asgi.ports.ExchangeServer`."""
        self._http.send_trailers(stream_id, headers)
        self._close_stream(stream_id)

    def reset_stream(self, stream_id: int) -> None:
        """See :class:`~hypercorn_asgi.ports.ExchangeServer`."""
        self._http.reset_stream(stream_id)
        self._close_stream(stream_id)

    def consumed(self, stream_id: int, size: int) -> None:
        """See :class:`~hypercorn_asgi.ports.ExchangeServer`."""
        now = self._now()
        self._http.consumed(stream_id, size, now)
        if not self._in_turn:
            self._end_turn(now)

    def _close_stream(self, stream_id: int) -> None:
        self._exchanges.pop(stream_id, None)
        if not self._in_turn:
            self._end_turn(self._now())

    def _flush_later(self, size: int) -> None:
        """Write by the end of the loop's turn: what is sent together is written together."""
        self._unwritten += size
        full = self._unwritten >= _UNWRITTEN
        if full:
            # It waits for its next turn: others have theirs, and so has the news of a disconnect.
            self._congest(True)
        if (full or not self._in_turn) and not self._flush_scheduled:
            self._flush_scheduled = True
            self._worker.runtime.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_scheduled = False
        self._end_turn(self._now())
        if not self._writing_paused:
            self._congest(False)

    def _congest(self, congested: bool) -> None:
        """Have applications wait in ``send``, or wait no more."""
        for exchange in self._exchanges.values():
            exchange.congested(congested)

    # The end of a turn: write once, then see what the protocol wants.

    def _end_turn(self, now: float) -> None:
        http = self._http
        data = http.data_to_send(now)
        if http.deadline <= now and self._in_turn and not self._writing_paused:
            data = self._pump(data, now)
        self._in_turn = False
        if self._closing:
            return
        self._unwritten = 0
        if data:
            self._output_written += len(data)
            self._transport.write(data)
        if http.output_ended:
            self._end_output(now)
        else:
            # Who does not take answers shall not send requests either.
            reading = http.wants_data and not self._writing_paused
            if reading is not self._reading:
                self._set_reading(reading)
        if http.deadline < self._timer_at and not self._writing_paused:
            self._arm(http.deadline, now)

    def _pump(self, data: bytes, now: float) -> bytes:
        """Take up pipelined requests, a few of them, and return all of the answers."""
        http = self._http
        pieces = [data]
        for _ in range(_PIPELINED_PER_TURN):
            for event in http.handle_deadline(now):
                self._handle(event)
            pieces.append(http.data_to_send(now))
            if http.deadline > now:
                break
        return b"".join(pieces)

    def _set_reading(self, reading: bool) -> None:
        self._reading = reading
        if reading:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _end_output(self, now: float) -> None:
        """Nothing more will be sent (RFC 9112 section 9.6)."""
        http = self._http
        if http.should_abort:
            self.abort()
        elif http.should_close or not (self._half_closed or self._transport.half_close()):
            self._closing = True
            self._transport.close()
            self._watch_output(now)
            if self._output_guard is None and self._timer_at != -inf:
                # All is sent; TLS would have the peer say goodbye, which not all loops bound.
                self._arm(now + self._worker.settings.http1.linger_timeout, now)
        else:
            self._half_closed = True
            if not self._reading:
                self._set_reading(True)

    # The one timer.

    def _arm(self, at: float, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = at
        runtime = self._worker.runtime
        if at <= now:
            self._timer = None
            runtime.call_soon(self._on_timer)
        else:
            self._timer = runtime.call_later(at - now, self._on_timer)

    def _on_timer(self) -> None:
        if self._timer_at == -inf:
            return
        self._timer = None
        self._timer_at = inf
        now = self._now()
        self._watch_output(now)
        if self._closing:
            if self._output_guard is None:
                self._transport.abort()
            return
        # Deadlines move away as things happen: the timer is set anew only when it fires early.
        if self._http.deadline <= now and not self._writing_paused:
            self._worker.renew_defaults(now)
            self._in_turn = True
            for event in self._http.handle_deadline(now):
                self._handle(event)
        self._end_turn(now)

    def _watch_output(self, now: float) -> None:
        """Judge how the peer takes what it is sent; let go of one that takes too long."""
        waiting = self._transport.buffered()
        if not waiting:
            self._output_guard = None
            return
        sent = self._output_written - waiting
        guard = self._output_guard
        if guard is None:
            settings = self._worker.settings
            guard = self._output_guard = TransferGuard(
                now,
                idle=settings.write_idle_timeout,
                rate=settings.write_min_rate,
                grace=settings.http1.rate_grace,
            )
        elif sent > self._output_sent:
            guard.progress(sent - self._output_sent, now)
        self._output_sent = sent
        if guard.deadline <= now:
            self.abort()
            return
        check_at = min(guard.deadline, now + _OUTPUT_CHECK)
        if check_at < self._timer_at:
            self._arm(check_at, now)


_EXTENSIONS: dict[str, dict[str, object]] = {
    "http.response.trailers": {},
    "http.response.early_hint": {},
}
