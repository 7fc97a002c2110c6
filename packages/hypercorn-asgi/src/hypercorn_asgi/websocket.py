"""One WebSocket, from its handshake to its end, as ASGI messages.

Knows: the ASGI WebSocket specification 2.5, with the extension ``websocket.http.response``: which
message may come when, and what it does.
Must not know: event loops, frames, or by which version of HTTP the client came.

``receive`` and ``send`` are the application's; the ``…ed`` methods tell the exchange what
happened on its stream. All of them run on one event loop.

The end comes in its place: ``receive`` hands out every message that came before it, and until the
application has been told of it, it may still answer them.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from hypercorn_asgi.errors import ClientDisconnected, UnexpectedMessageError
from hypercorn_asgi.exchange import Exchange, as_bytes
from hypercorn_asgi.ports import ServedResponse, WebSocketServer
from hypercorn_asgi.typing import WebsocketScope

__all__ = ["WebSocketExchange", "WebSocketState"]

# What a message counts for beyond its content: empty ones take memory as well.
_MESSAGE_OVERHEAD = 64

_NORMAL_CLOSURE = 1000
_ABNORMAL_CLOSURE = 1006
_INTERNAL_ERROR = 1011


class WebSocketState(Enum):
    """How far a WebSocket is."""

    CONNECTING = "the handshake has not been answered"
    DENIAL = "the head of a denial is known, but not sent"
    DENIAL_BODY = "the content of a denial is being sent"
    OPEN = "the handshake is complete"
    CLOSED = "the application has closed it, or denied the handshake"
    DISCONNECTED = "it has ended, and the application has been told"

    def __init__(self, description: str) -> None:
        self.handlers: dict[str, Callable[[WebSocketExchange, Any], None]] = {}
        """What may be sent in this state, and what does it; filled in below."""


# Members of an enumeration are slow to look up by name.
_CONNECTING = WebSocketState.CONNECTING
_DENIAL = WebSocketState.DENIAL
_DENIAL_BODY = WebSocketState.DENIAL_BODY
_OPEN = WebSocketState.OPEN
_CLOSED = WebSocketState.CLOSED
_DISCONNECTED = WebSocketState.DISCONNECTED


class WebSocketExchange(Exchange):
    """The application's side of one WebSocket.

    Args:
        server: the server's side.
        stream_id: the stream, for whoever looks after :attr:`ended`.
        scope: the handshake.
    """

    __slots__ = (
        "_complete",
        "_connect_told",
        "_head",
        "_last",
        "_messages",
        "_state",
        "low_water",
        "queued",
    )

    _server: WebSocketServer

    def __init__(self, server: WebSocketServer, stream_id: int, scope: WebsocketScope) -> None:
        super().__init__(server, stream_id, scope)
        self._state = _CONNECTING
        self._head: Any = None
        self._complete = True  # what has been answered was not cut off
        self._connect_told = False
        self._messages: list[str | bytes] = []  # it is short; an empty deque is not
        self._last: tuple[int, str] | None = None
        self.queued = 0
        """What messages that the application has not taken count for, in bytes or characters."""
        self.low_water = -1
        """``messages_taken`` of the server is called, once, when no more than this is queued."""

    @property
    def is_open(self) -> bool:
        """The handshake is complete, and nobody has ended it."""
        return self._state is _OPEN and self._last is None

    def _client_has_left(self) -> bool:
        return self._state is _DISCONNECTED

    def _give_up(self, status: int) -> None:
        state = self._state
        if state is _CLOSED or state is _DISCONNECTED:
            return
        if state is _OPEN:
            self._server.close(_INTERNAL_ERROR, "")
            self._state = _CLOSED
        elif state is _DENIAL_BODY:
            self._server.reset()
            self._leave()
        else:
            self._refuse(status)

    def _refuse(self, status: int) -> None:
        self._head = {"status": status}
        self._server.send_response(status, (), b"", True)
        self._state = _CLOSED
        self._stop_clock()

    def _response(self) -> ServedResponse | None:
        head = self._head
        if head is None or self._state is _DENIAL:
            return None
        return ServedResponse(head["status"], list(head.get("headers", ())), self._complete)

    # What happens on the stream.

    def message_received(self, data: str | bytes) -> None:
        """A message has come."""
        self._messages.append(data)
        self.queued += len(data) + _MESSAGE_OVERHEAD
        if self._receive_wakeup is not None:
            self._receive_wakeup.set()

    def drop_messages(self) -> None:
        """Nobody will take what has come."""
        self._messages.clear()
        self.queued = 0

    def closed(self, code: int, reason: str) -> None:
        """No more messages come. The application may still answer those that it has."""
        if self._last is None:
            self._last = (code, reason)
            self._wake_receive()

    def disconnected(self) -> None:
        """The stream is over: nothing can be sent any more."""
        self.closed(_ABNORMAL_CLOSURE, "")
        if self._state is _CLOSED:
            self.congested(False)  # another task may be sending still
        else:
            self._leave()

    def _leave(self) -> None:
        if self._duration is None:
            self._stop_clock()
        if self._state is _DENIAL:
            self._head = None  # it has not been sent
        self._complete = self._state is not _DENIAL_BODY
        self._state = _DISCONNECTED
        self.congested(False)
        self._wake_receive()

    # What the application calls.

    async def receive(self) -> Any:
        """ASGI ``receive``: ``websocket.connect``, messages, then ``websocket.disconnect``."""
        if not self._connect_told:
            self._connect_told = True
            return {"type": "websocket.connect"}
        while not self._messages:
            if self._last is not None:
                return self._disconnect(*self._last)
            if self._receive_wakeup is None:
                self._receive_wakeup = self._server.create_wakeup()
            await self._receive_wakeup.wait()
        data = self._messages.pop(0)
        self.queued -= len(data) + _MESSAGE_OVERHEAD
        if self.queued <= self.low_water:
            self.low_water = -1
            self._server.messages_taken()
        if type(data) is str:
            return {"type": "websocket.receive", "bytes": None, "text": data}
        return {"type": "websocket.receive", "bytes": data, "text": None}

    def _disconnect(self, code: int, reason: str) -> Any:
        """Tell the application, which cannot send any more then (ASGI 2.4)."""
        state = self._state
        if state is not _CLOSED and state is not _DISCONNECTED:
            self._leave()
            self._server.disconnect_told()
        return {"type": "websocket.disconnect", "code": code, "reason": reason}

    async def send(self, message: Any) -> None:
        """ASGI ``send``.

        Raises:
            ClientDisconnected: the client has left (ASGI WebSocket specification 2.4).
            UnexpectedMessageError: the message cannot come now.
        """
        handler = self._state.handlers.get(message["type"])
        if handler is None:
            self._unexpected(message["type"])
            return
        handler(self, message)
        if self._congested and self._state is not _CLOSED:
            await self._drain()
        if self._duration is not None and not self._observed:
            await self._report()

    def _unexpected(self, message_type: str) -> None:
        # Who closes what is closed already has what it wants.
        if message_type == "websocket.close" and self._state in (_CLOSED, _DISCONNECTED):
            return
        if self._state is _DISCONNECTED and message_type in _MESSAGE_TYPES:
            raise ClientDisconnected
        raise UnexpectedMessageError(self._state, message_type)

    def _accept(self, message: Any) -> None:
        headers = list(message.get("headers") or ())
        status = self._server.accept(message.get("subprotocol"), headers)
        self._head = {"status": status, "headers": headers}
        if self._state is _CONNECTING:  # else what had come by then was the end
            self._state = _OPEN
        self._stop_clock()

    def _send(self, message: Any) -> None:
        data = message.get("bytes")
        if data is None:
            data = message.get("text")
            if not isinstance(data, str):
                raise TypeError(f"websocket.send needs bytes, or text of type str: {message!r}")
        elif type(data) is not bytes:
            data = as_bytes(data)
        self._server.send_message(data)

    def _close(self, message: Any) -> None:
        code = message.get("code", _NORMAL_CLOSURE)
        reason = message.get("reason") or ""
        self._server.close(code, reason)
        self._end(code, reason)

    def _end(self, code: int, reason: str) -> None:
        self._state = _CLOSED
        self.drop_messages()
        self._last = (code, reason)
        self._wake_receive()

    def _deny(self, message: Any) -> None:
        self._refuse(403)
        self._end(_ABNORMAL_CLOSURE, "")

    def _start_denial(self, message: Any) -> None:
        if "status" not in message:
            raise KeyError("status")  # here, where it was left out, and not at the first body
        self._head = message
        self._state = _DENIAL

    def _first_body(self, message: Any) -> None:
        head = self._head
        more = message.get("more_body", False)
        body = as_bytes(message.get("body", b""))
        self._server.send_response(head["status"], head.get("headers", ()), body, not more)
        self._advance(more)

    def _body(self, message: Any) -> None:
        more = message.get("more_body", False)
        self._server.send_body(as_bytes(message.get("body", b"")), not more)
        self._advance(more)

    def _advance(self, more_body: bool) -> None:
        if more_body:
            self._state = _DENIAL_BODY
        else:
            self._end(_ABNORMAL_CLOSURE, "")
            self._stop_clock()


# Which message may come in which state. What is not here is an error, or too late.
_CONNECTING.handlers = {
    "websocket.accept": WebSocketExchange._accept,
    "websocket.close": WebSocketExchange._deny,
    "websocket.http.response.start": WebSocketExchange._start_denial,
}
_DENIAL.handlers = {"websocket.http.response.body": WebSocketExchange._first_body}
_DENIAL_BODY.handlers = {"websocket.http.response.body": WebSocketExchange._body}
_OPEN.handlers = {
    "websocket.send": WebSocketExchange._send,
    "websocket.close": WebSocketExchange._close,
}
_MESSAGE_TYPES = frozenset(name for state in WebSocketState for name in state.handlers)
