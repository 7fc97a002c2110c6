"""One TCP connection: what comes from the transport goes to the protocol, what the protocol says
goes to applications, what they answer goes back.

Knows: the order of these calls, and what a turn of the loop may take.
Must not know: event loops, sockets, or anything of HTTP that the protocol decides.

Synchronous and free of any loop: a test can drive it by hand, with a list for a transport and a
number for a clock.
"""

from __future__ import annotations

from functools import partial
from math import inf
from typing import TYPE_CHECKING

from hypercorn_asgi.exchange import Exchange
from hypercorn_asgi.http import HTTPExchange
from hypercorn_asgi.ports import Headers, Wakeup
from hypercorn_asgi.scope import ScopeTemplate
from hypercorn_protocols.connection import ServerConnection
from hypercorn_protocols.events import (
    BodyEnded,
    BodyReceived,
    Event,
    InputClosed,
    ProtocolSwitched,
    RequestReceived,
    StreamReset,
)
from hypercorn_protocols.websocket import HandshakeError, is_websocket, read_handshake
from hypercorn_workers.backpressure import Backpressure
from hypercorn_workers.output import OutputWatch
from hypercorn_workers.port import Peer, Transport
from hypercorn_workers.timer import Timer
from hypercorn_workers.websocket import WebSocketStream

if TYPE_CHECKING:
    from hypercorn_workers.worker import Worker

__all__ = ["Connection"]

# How often a protocol that has more to hand out is asked for it in one turn of the loop, and how
# many bytes it may have said by then, before other connections have their turn.
_MORE_PER_TURN = 16
_WRITTEN_PER_TURN = 65_536
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
        "_backpressure",
        "_closing",
        "_exchanges",
        "_flush_scheduled",
        "_half_closed",
        "_http",
        "_in_turn",
        "_left_over",
        "_now",
        "_output",
        "_reading",
        "_scopes",
        "_stream_ended",
        "_timer",
        "_transport",
        "_unwritten",
        "_watches",
        "_worker",
        "_wrote",
        "observer",
        "observes_requests",
        "turn_began_at",
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
        self._exchanges: dict[int, HTTPExchange | WebSocketStream] = {}
        self._backpressure = Backpressure(self._exchanges)
        self._in_turn = False
        self._flush_scheduled = False
        self._closing = False  # the transport has been closed, or is about to be
        self._half_closed = False
        self._left_over = b""  # of the protocol that was spoken before a switch
        self._reading = True
        self._unwritten = 0
        self._watches = False  # streams have deadlines of their own
        self._wrote = False  # something was written at once in this turn
        self._output = OutputWatch(worker.settings)
        self._timer = Timer(worker.runtime, self._on_timer)
        self.turn_began_at = now = self._now()
        """When the peer last sent something, in seconds."""
        self._speak(worker.negotiator.connect(peer.alpn, peer.tls is not None, now), now)
        worker.connections.add(self)
        self._end_turn(now)

    def _speak(self, http: ServerConnection, now: float) -> None:
        """From here on the peer is spoken to in this protocol."""
        self._http = http
        # Where streams are counted, their applications' end matters; else it is the worker's.
        self._stream_ended = self._release if http.multiplexes else None
        if self._worker.stopping:
            http.close(now, self._worker.patience)  # accepted late: what it came for

    # What the backend tells.

    def data_received(self, data: bytes) -> None:
        """The peer has sent something."""
        self.turn_began_at = now = self._now()
        if now >= self._worker.defaults_expire_at:
            self._worker.renew_defaults(now)  # for what the protocol answers by itself
        self._in_turn = True
        for event in self._http.receive_data(data, now):
            if type(event) is BodyReceived:
                stream = self._exchanges.get(event.stream_id)
                if stream is not None:
                    stream.body_received(event.data)
            elif type(event) is RequestReceived:
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
        self._timer.stop()
        self._stream_ended = None
        self._worker.connection_closed(self)
        exchanges = list(self._exchanges.values())
        self._exchanges.clear()
        for exchange in exchanges:
            exchange.disconnected()

    def pause_writing(self) -> None:
        """So much waits to be sent that applications should wait."""
        self._backpressure.transport_is_full = True
        self._backpressure.stop_all()
        self._watch_output(self._now())

    def resume_writing(self) -> None:
        """What waited has been sent, for the most part."""
        self._backpressure.transport_is_full = False
        self._backpressure.resume_all()
        if not self._in_turn:
            self._end_turn(self._now())

    # What the worker tells.

    def shutdown(self, patience: float = 0.0) -> None:
        """Finish what was begun and what is on its way, and close. For ``patience`` seconds a peer
        may still send a request where it waits for no answer; another call can shorten that."""
        now = self._now()
        self._http.close(now, patience)
        self._end_turn(now)

    def disconnect_applications(self, endless_only: bool) -> None:
        """Tell applications that their clients are to be let go.

        ``endless_only``: only those whose answers would never end by themselves."""
        for exchange in list(self._exchanges.values()):
            if not endless_only or exchange.is_endless:
                exchange.let_go()

    def _let_endless_go(self, stream_id: int) -> None:
        exchange = self._exchanges.get(stream_id)
        if exchange is not None and exchange.is_endless:
            exchange.let_go()

    def abort(self) -> None:
        """Close at once."""
        self._closing = True
        self._transport.abort()

    # What the protocol says.

    def _handle(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            self._open_stream(event)
        elif isinstance(event, (InputClosed, ProtocolSwitched)):
            self._handle_connection(event)
        else:
            exchange = self._exchanges.get(event.stream_id)
            if exchange is not None:
                self._tell(exchange, event)

    def _handle_connection(self, event: InputClosed | ProtocolSwitched) -> None:
        if isinstance(event, ProtocolSwitched):
            self._switch(event)
        else:
            for exchange in self._exchanges.values():
                exchange.input_closed()

    def _switch(self, event: ProtocolSwitched) -> None:
        """The peer speaks another protocol now."""
        now = self._now()
        self._left_over += self._http.data_to_send(now)
        http, events = self._worker.negotiator.switch(event, now)
        self._speak(http, now)
        for each in events:
            self._handle(each)

    def _tell(
        self,
        exchange: HTTPExchange | WebSocketStream,
        event: BodyReceived | BodyEnded | StreamReset,
    ) -> None:
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
        if worker.answers_some:
            status = worker.own_answer(event)
            if status is not None:
                self._http.send_response(stream_id, status, (), b"", True)
                self._http.release(stream_id)
                return
        if (event.upgrade is not None or event.protocol is not None) and is_websocket(event):
            self._open_websocket(event)
            return
        scope = self._scopes.http(event.http_version, event.method, event.target, event.headers)
        ended = self._stream_ended
        if ended is not None and self._http.can_push:
            scope["extensions"]["http.response.push"] = {}
        exchange = HTTPExchange(
            self, stream_id, scope, not event.end_stream, event.expects_continue
        )
        self._backpressure.admit(exchange)
        self._exchanges[stream_id] = exchange
        worker.run(exchange, ended)

    def _open_websocket(self, event: RequestReceived) -> None:
        worker = self._worker
        stream_id = event.stream_id
        try:
            handshake = read_handshake(event, worker.settings.websocket)
        except HandshakeError as error:
            body = f"{error}\n".encode()
            headers = [(b"content-type", b"text/plain; charset=utf-8"), *error.headers]
            self._http.send_response(stream_id, error.status_hint, headers, body, True)
            self._http.release(stream_id)
            return
        scope = self._scopes.websocket(
            event.http_version, event.target, event.headers, handshake.subprotocols
        )
        stream = WebSocketStream(self, worker, stream_id, handshake, scope)
        self._backpressure.admit(stream)
        self._exchanges[stream_id] = stream
        worker.run(stream.exchange, self._stream_ended)

    def _release(self, exchange: Exchange) -> None:
        """The application has ended: another request may have its place."""
        self._http.release(exchange.stream_id)
        self._worker.exchange_ended(exchange)

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
        if status == 101 and self._http.successor is not None:
            self._http = self._http.successor
        if not end_stream or trailers:
            if worker.stopping:  # it may be one that never ends, and has not been told
                worker.runtime.call_soon(partial(self._let_endless_go, stream_id))
            self._sent(stream_id, len(body))
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
            self._sent(stream_id, len(data))

    def send_trailers(self, stream_id: int, headers: Headers) -> None:
        """See :class:`~hypercorn_asgi.ports.ExchangeServer`."""
        self._http.send_trailers(stream_id, headers)
        self._close_stream(stream_id)

    def push(self, stream_id: int, target: bytes, headers: Headers) -> None:
        """See :class:`~hypercorn_asgi.ports.ExchangeServer`."""
        if self._http.push(stream_id, target, headers):
            self._flush_later(0)

    def reset_stream(self, stream_id: int) -> None:
        """See :class:`~hypercorn_asgi.ports.ExchangeServer`."""
        self._http.reset_stream(stream_id)
        self._close_stream(stream_id)

    def send_at_once(self, stream_id: int, data: bytes, is_answer: bool) -> None:
        """As ``send_body``, but what comes first in a turn of the loop is written at once: there
        is one message, mostly, and it may be one of many that go to many connections.

        ``is_answer``: it is the first since the peer has sent something, which is as good."""
        self._http.send_body(stream_id, data)
        if self._in_turn or self._flush_scheduled or (self._wrote and not is_answer):
            self._sent(stream_id, len(data))
            return
        if not is_answer:
            self._wrote = True
            self._worker.has_written(self)
        self._end_turn(self._now())
        http = self._http
        if http.multiplexes and http.buffered(stream_id) > self._worker.settings.write_buffer:
            self._backpressure.hold_back(stream_id)

    def turn_over(self) -> None:
        """The loop's turn has ended, in which something was written at once."""
        self._wrote = False

    def watch(self, deadline: float) -> None:
        """Have the streams look at the time by then."""
        self._watches = True
        if deadline < self._timer.at:
            self._timer.arm(deadline, self._now())

    def taken(self, stream_id: int, size: int) -> None:
        """As ``consumed``, by whom the content goes through: what follows from it can wait."""
        self._http.consumed(stream_id, size, self.turn_began_at)
        if not self._in_turn:
            self._flush_later(0)

    def consumed(self, stream_id: int, size: int) -> None:
        """See :class:`~hypercorn_asgi.ports.ExchangeServer`."""
        now = self._now()
        self._http.consumed(stream_id, size, now)
        if self._http.multiplexes:
            self._flush_later(0)  # others consume as well: one write for all that they say
        elif not self._in_turn:
            self._end_turn(now)

    def _close_stream(self, stream_id: int) -> None:
        self._exchanges.pop(stream_id, None)
        if not self._in_turn:
            self._end_turn(self._now())

    def _sent(self, stream_id: int, size: int) -> None:
        """Content of an answer that goes on: it waits in the protocol, or will be written."""
        if self._http.buffered(stream_id) > self._worker.settings.write_buffer:
            # By the end of the turn it may have gone: what the peer's window lets through does.
            self._backpressure.hold_back(stream_id)
        self._flush_later(size)

    def _flush_later(self, size: int) -> None:
        """Write by the end of the loop's turn: what is sent together is written together."""
        self._unwritten += size
        full = self._unwritten >= _UNWRITTEN
        if full:
            # It waits for its next turn: others have theirs, and so has the news of a disconnect.
            self._backpressure.stop_all()
        if (full or not self._in_turn) and not self._flush_scheduled:
            self._flush_scheduled = True
            self._worker.runtime.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_scheduled = False
        self._end_turn(self._now())
        self._backpressure.resume_all()

    # The end of a turn: write once, then see what the protocol wants.

    def _end_turn(self, now: float) -> None:
        http = self._http
        full = self._backpressure.transport_is_full
        data = b""
        # What a full transport would not take yet stays where it can be ordered, or dropped.
        if not full or http.output_ended:
            data = http.data_to_send(now)
            if self._left_over:
                data, self._left_over = self._left_over + data, b""
            if http.deadline <= now and self._in_turn and not full:
                data = self._pump(data, now)
                http = self._http
        self._in_turn = False
        if self._closing:
            return
        self._unwritten = 0
        if data:
            self._output.written += len(data)
            self._transport.write(data)
            full = self._backpressure.transport_is_full
        if http.output_ended:
            self._end_output(now)
        else:
            # Who does not take answers shall not send requests either.
            reading = http.wants_data and not full
            if reading is not self._reading:
                self._set_reading(reading)
        if self._backpressure.held_back:
            enough = self._worker.settings.write_buffer // 2
            self._backpressure.let_go_on(http.buffered, enough)
        if http.deadline < self._timer.at and not full:
            self._timer.arm(http.deadline, now)

    def _pump(self, data: bytes, now: float) -> bytes:
        """Have the protocol go on with what is there already, such as pipelined requests, for a
        while, and return all that it says."""
        pieces = [data]
        size = len(data)
        for _ in range(_MORE_PER_TURN):
            if size >= _WRITTEN_PER_TURN or self._http.deadline > now:
                break
            for event in self._http.handle_deadline(now):
                self._handle(event)
            data = self._left_over + self._http.data_to_send(now)
            self._left_over = b""
            pieces.append(data)
            size += len(data)
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
            if not self._output.is_waiting and self._timer.at != -inf:
                # All is sent; TLS would have the peer say goodbye, which not all loops bound.
                self._timer.arm(now + self._worker.settings.http1.linger_timeout, now)
        else:
            self._half_closed = True
            if not self._reading:
                self._set_reading(True)

    # As time goes by.

    def _on_timer(self) -> None:
        self.turn_began_at = now = self._now()
        self._watch_output(now)
        if self._closing:
            if not self._output.is_waiting:
                self._transport.abort()
            return
        # Deadlines move away as things happen: the timer is set anew only when it fires early.
        if self._http.deadline <= now and not self._backpressure.transport_is_full:
            self._worker.renew_defaults(now)
            self._in_turn = True
            for event in self._http.handle_deadline(now):
                self._handle(event)
        if self._watches:
            self._in_turn = True
            for stream in list(self._exchanges.values()):
                if isinstance(stream, WebSocketStream):
                    stream.handle_deadline(now)
        self._end_turn(now)

    def _watch_output(self, now: float) -> None:
        """Judge how the peer takes what it is sent; let go of one that takes too long."""
        look_again_at = self._output.judge(self._transport.buffered(), now)
        if look_again_at == -inf:
            self.abort()
        elif look_again_at < self._timer.at:
            self._timer.arm(look_again_at, now)


_EXTENSIONS: dict[str, dict[str, object]] = {
    "http.response.trailers": {},
    "http.response.early_hint": {},
}
