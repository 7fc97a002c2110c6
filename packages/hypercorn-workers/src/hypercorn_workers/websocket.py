"""One WebSocket on a stream: frames from the stream become messages for the application, and
messages of the application become frames on the stream.

Knows: the order of these calls; when the application has enough, and when the stream.
Must not know: event loops, sockets, frames, or by which version of HTTP the stream came.

What the peer has sent is given back to its flow control once it has been read as frames and the
application is not behind; so an application that takes nothing holds up its own peer alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from hypercorn_asgi.ports import Headers, Observer, Wakeup
from hypercorn_asgi.typing import WebsocketScope
from hypercorn_asgi.websocket import WebSocketExchange
from hypercorn_protocols.websocket import Handshake, MessageReceived, WebSocket, WebSocketEvent

if TYPE_CHECKING:
    from hypercorn_workers.connection import Connection
    from hypercorn_workers.worker import Worker

__all__ = ["WebSocketStream"]


class WebSocketStream:
    """Joins a stream, a WebSocket and an exchange.

    Args:
        connection: what the stream is on.
        worker: what it has in common with other connections.
        stream_id: the stream.
        handshake: what the client asked for; valid.
        scope: the same, for the application.
    """

    __slots__ = (
        "_congested",
        "_connection",
        "_debt",
        "_early",
        "_early_end",
        "_handshake",
        "_held",
        "_is_answer",
        "_limit",
        "_owed",
        "_websocket",
        "_worker",
        "exchange",
        "observer",
        "observes_requests",
        "stream_id",
    )

    def __init__(
        self,
        connection: Connection,
        worker: Worker,
        stream_id: int,
        handshake: Handshake,
        scope: WebsocketScope,
    ) -> None:
        self._connection = connection
        self._worker = worker
        self.stream_id = stream_id
        self.observer: Observer = worker.observer
        self.observes_requests = worker.observes_requests
        self._handshake: Handshake | None = handshake
        self._websocket: WebSocket | None = None
        self._early = b""  # what came before the handshake was answered
        self._early_end = False
        settings = worker.settings
        self._limit = settings.websocket.max_message_buffer
        # What is not worth a word to the stream's flow control yet, in bytes.
        self._debt = min(settings.http1.max_body_buffer, settings.http2.max_body_buffer) // 4
        self._owed = 0  # what the stream has not been given back, in bytes
        self._is_answer = False  # the next message answers what has just come
        self._congested = False
        self._held = False  # the WebSocket has something to say that the stream did not take
        self.exchange = WebSocketExchange(self, stream_id, scope)

    # What the connection tells, of every stream alike.

    def body_received(self, data: bytes) -> None:
        """The peer has sent something."""
        websocket = self._websocket
        if websocket is None:
            self._early += data  # no more than the stream's window
            return
        connection, exchange = self._connection, self.exchange
        now = connection.turn_began_at
        self._is_answer = True
        for event in websocket.receive_data(data, now):
            if isinstance(event, MessageReceived):
                exchange.message_received(event.data)
            else:
                exchange.closed(event.code, event.reason)
        self._owed += len(data)
        if self._owed > self._debt or websocket.has_more or exchange.queued > self._limit:
            self._give_back(websocket, now)
        if websocket.has_news:
            self._write(websocket)

    def body_ended(self) -> None:
        """The peer will send nothing more."""
        websocket = self._websocket
        if websocket is None:
            self._early_end = True
            if not self._early:  # else it may say more of the end
                self.input_closed()
        else:
            self._tell(websocket.receive_data(b"", self._connection.now()))
            self._write(websocket)

    def input_closed(self) -> None:
        """The peer has left, or will at least send nothing, before the handshake is complete."""
        self.exchange.closed(_ABNORMAL_CLOSURE, "")

    def disconnected(self) -> None:
        """The stream is over."""
        self._websocket = None
        self.exchange.disconnected()

    def congested(self, congested: bool) -> None:
        """Whether so much waits to be sent that the application should wait."""
        self._congested = congested
        self.exchange.congested(congested)
        if self._held and not congested and self._websocket is not None:
            self._write(self._websocket)

    @property
    def is_endless(self) -> bool:
        """Whether it would not end by itself."""
        return self.exchange.is_open

    def let_go(self) -> None:
        """The server is about to end."""
        websocket, code = self._websocket, self._worker.going_away_code
        if websocket is None:
            self.exchange.closed(code, "")
        else:
            self._tell(websocket.go_away(code, self._connection.now()))
            self._write(websocket)

    def handle_deadline(self, now: float) -> None:
        """Time has gone by."""
        websocket = self._websocket
        if websocket is not None:
            if websocket.deadline <= now:
                # Who is not read, for whatever reason, cannot show that it is there.
                websocket.held = self._congested or self.exchange.queued > self._limit
                self._tell(websocket.handle_deadline(now))
            self._write(websocket)

    # What the application answers (hypercorn_asgi.ports.WebSocketServer).

    def now(self) -> float:
        """Seconds on the runtime's clock."""
        return self._connection.now()

    def create_wakeup(self) -> Wakeup:
        """A new wakeup."""
        return self._connection.create_wakeup()

    def accept(self, subprotocol: str | None, headers: Headers) -> int:
        """See :class:`~hypercorn_asgi.ports.WebSocketServer`."""
        handshake, connection = self._handshake, self._connection
        assert handshake is not None
        acceptance = handshake.accept(subprotocol, headers)
        status = acceptance.status
        connection.send_response(self.stream_id, status, acceptance.headers, b"", False, False)
        self._handshake = None
        websocket = self._websocket = WebSocket(
            self._worker.settings.websocket,
            acceptance.deflate,
            self._worker.messages,
            connection.now(),
        )
        if self._early:
            early, self._early = self._early, b""
            self.body_received(early)
        if self._early_end:
            self.body_ended()
        connection.watch(websocket.deadline)
        return status

    def send_response(self, status: int, headers: Headers, body: bytes, end_stream: bool) -> None:
        """See :class:`~hypercorn_asgi.ports.WebSocketServer`."""
        self._connection.send_response(self.stream_id, status, headers, body, end_stream, False)
        self._handshake = None

    def send_body(self, data: bytes, end_stream: bool) -> None:
        """See :class:`~hypercorn_asgi.ports.WebSocketServer`."""
        self._connection.send_body(self.stream_id, data, end_stream)

    def reset(self) -> None:
        """See :class:`~hypercorn_asgi.ports.WebSocketServer`."""
        self._connection.reset_stream(self.stream_id)

    def send_message(self, data: str | bytes) -> None:
        """See :class:`~hypercorn_asgi.ports.WebSocketServer`."""
        websocket = self._websocket
        if websocket is None:
            return
        websocket.send_message(data)
        is_answer, self._is_answer = self._is_answer, False
        self._connection.send_at_once(self.stream_id, websocket.data_to_send(), is_answer)

    def close(self, code: int, reason: str) -> None:
        """See :class:`~hypercorn_asgi.ports.WebSocketServer`."""
        websocket = self._websocket
        if websocket is not None:
            now = self._connection.now()
            websocket.close(code, reason, now)
            self.exchange.drop_messages()
            self._give_back(websocket, now)
            self._write(websocket)

    def messages_taken(self) -> None:
        """See :class:`~hypercorn_asgi.ports.WebSocketServer`."""
        websocket = self._websocket
        if websocket is not None:
            self._give_back(websocket, self._connection.now())
            self._write(websocket)

    def disconnect_told(self) -> None:
        """See :class:`~hypercorn_asgi.ports.WebSocketServer`."""
        websocket = self._websocket
        if websocket is not None:
            websocket.finish(self._connection.now())
            self._write(websocket)
        elif self._handshake is not None:
            self.send_response(503, (), b"", True)  # so that nobody waits for an answer

    # In between.

    def _tell(self, events: Iterable[WebSocketEvent]) -> None:
        exchange = self.exchange
        for event in events:
            if isinstance(event, MessageReceived):
                exchange.message_received(event.data)
            else:
                exchange.closed(event.code, event.reason)

    def _give_back(self, websocket: WebSocket, now: float) -> None:
        """Have the peer send as much as has come, unless the application has enough to do."""
        exchange = self.exchange
        limit = self._limit
        while websocket.has_more and exchange.queued <= limit:
            self._tell(websocket.proceed(now))
        if exchange.queued > limit:
            exchange.low_water = limit // 2
        elif self._owed:
            size, self._owed = self._owed, 0
            self._connection.taken(self.stream_id, size)

    def _write(self, websocket: WebSocket) -> None:
        """Write what the WebSocket says by itself, and see how long it waits."""
        connection = self._connection
        if websocket.ended:
            self._websocket = None
            connection.send_body(self.stream_id, websocket.data_to_send(), True)
            self.exchange.disconnected()
            return
        self._held = self._congested
        if not self._congested:
            frames = websocket.data_to_send()
            if frames:
                connection.send_body(self.stream_id, frames, False)
        connection.watch(websocket.deadline)


_ABNORMAL_CLOSURE = 1006
