"""One HTTP request and its answer, as ASGI messages.

Knows: the ASGI HTTP specification 2.5: which message may come when, and what it does.
Must not know: event loops, protocols, or how an answer is framed.

``receive`` and ``send`` are the application's; the ``…ed`` methods tell the exchange what
happened on its stream. All of them run on one event loop.

The answer's head is held back until the first piece of content: a small answer is then one
write, and its length is known.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Any
from urllib.parse import quote

from hypercorn_asgi.errors import ClientDisconnected, UnexpectedMessageError
from hypercorn_asgi.exchange import Exchange, as_bytes
from hypercorn_asgi.ports import ExchangeServer, ServedResponse
from hypercorn_asgi.typing import HTTPScope

__all__ = ["HTTPExchange", "HTTPState"]


class HTTPState(Enum):
    """How far the answer is."""

    REQUEST = "no answer yet"
    RESPONSE = "the answer's head is known, but not sent"
    BODY = "the answer's content is being sent"
    TRAILERS = "the answer lacks its trailers only"
    COMPLETE = "the answer is complete"
    DISCONNECTED = "the client has left"

    def __init__(self, description: str) -> None:
        self.handlers: dict[str, Callable[[HTTPExchange, Any], None]] = {}
        """What may be sent in this state, and what does it; filled in below."""


# Members of an enumeration are slow to look up by name.
_REQUEST = HTTPState.REQUEST
_RESPONSE = HTTPState.RESPONSE
_BODY = HTTPState.BODY
_TRAILERS = HTTPState.TRAILERS
_COMPLETE = HTTPState.COMPLETE
_DISCONNECTED = HTTPState.DISCONNECTED


class HTTPExchange(Exchange):
    """The application's side of one stream.

    Args:
        server: the connection that the stream is on.
        stream_id: the stream.
        scope: the request.
        has_body: whether content is to come: :meth:`body_received`, :meth:`body_ended`.
        expects_continue: whether the client waits until content is asked for.
    """

    __slots__ = (
        "_body_ended",
        "_chunks",
        "_expects_continue",
        "_head",
        "_input_closed",
        "_request_done",
        "_state",
        "_trailers",
    )

    _server: ExchangeServer

    def __init__(
        self,
        server: ExchangeServer,
        stream_id: int,
        scope: HTTPScope,
        has_body: bool,
        expects_continue: bool = False,
    ) -> None:
        super().__init__(server, stream_id, scope)
        self._state = _REQUEST
        self._head: Any = None
        self._trailers: list[tuple[bytes, bytes]] | None = None
        self._chunks: deque[bytes] | None = None
        self._body_ended = not has_body
        self._request_done = False  # the application has been given the last of the content
        self._expects_continue = expects_continue
        self._input_closed = False

    def _client_has_left(self) -> bool:
        return self._state is _DISCONNECTED

    def _give_up(self, status: int) -> None:
        state = self._state
        if state is _COMPLETE or state is _DISCONNECTED:
            return
        if state is _REQUEST or state is _RESPONSE:
            headers = [(b"content-type", b"text/plain; charset=utf-8")]
            body = b"Internal Server Error\n" if status == 500 else b"Service Unavailable\n"
            self._head = {"status": status, "headers": headers}
            self._server.send_response(self.stream_id, status, headers, body, True, False)
            self._complete()
        else:
            self._server.reset_stream(self.stream_id)
            self._leave()

    def _response(self) -> ServedResponse | None:
        head = self._head
        if head is None or self._state is _RESPONSE:
            return None
        complete = self._state is _COMPLETE
        return ServedResponse(head["status"], list(head.get("headers", ())), complete)

    @property
    def is_endless(self) -> bool:
        """Whether the answer is of a kind that does not end by itself: an event stream."""
        head = self._head
        headers = () if head is None else head.get("headers", ())
        return any(
            name.lower() == b"content-type" and value.startswith(b"text/event-stream")
            for name, value in headers
        )

    # What happens on the stream.

    def body_received(self, data: bytes) -> None:
        """A piece of the request's content has come."""
        if self._chunks is None:
            self._chunks = deque()
        self._chunks.append(data)
        self._wake_receive()

    def body_ended(self) -> None:
        """The request's content is complete."""
        self._body_ended = True
        self._wake_receive()

    def input_closed(self) -> None:
        """The client will send nothing more; it may have left, and may be reading still.

        ``receive`` says ``http.disconnect``. Until the application has been told so, it may go
        on answering.
        """
        self._input_closed = True
        self._wake_receive()

    def disconnected(self) -> None:
        """The client has left, or the server has given the stream up."""
        if self._state is not _COMPLETE:
            self._leave()

    def let_go(self) -> None:
        """The server is about to end: as if the client had left, if the application asks."""
        self.input_closed()

    def _leave(self) -> None:
        self._state = _DISCONNECTED
        self._chunks = None
        self.congested(False)
        self._wake_receive()
        self._stop_clock()

    # What the application calls.

    async def receive(self) -> Any:
        """ASGI ``receive``: ``http.request`` until the content ends, then ``http.disconnect``."""
        while True:
            if self._state is _DISCONNECTED or self._state is _COMPLETE:
                return {"type": "http.disconnect"}
            if self._chunks:
                return self._next_chunk(self._chunks)
            if not self._request_done:
                if self._body_ended:
                    self._request_done = True
                    return {"type": "http.request", "body": b"", "more_body": False}
                if self._expects_continue:
                    self._expects_continue = False
                    self._server.consumed(self.stream_id, 0)
            if self._input_closed:
                # ASGI 2.4: who has been told of a disconnect must not be able to send
                self._leave()
                self._server.reset_stream(self.stream_id)  # so that nobody waits for an answer
                continue
            await self._wait_for_news()

    def _next_chunk(self, chunks: deque[bytes]) -> Any:
        body = chunks.popleft()
        self._request_done = self._body_ended and not chunks
        self._server.consumed(self.stream_id, len(body))
        return {"type": "http.request", "body": body, "more_body": not self._request_done}

    async def send(self, message: Any) -> None:
        """ASGI ``send``.

        Raises:
            ClientDisconnected: the client has left (ASGI HTTP specification 2.4).
            UnexpectedMessageError: the message cannot come now.
        """
        handler = self._state.handlers.get(message["type"])
        if handler is None:
            self._unexpected(message["type"])
            return
        handler(self, message)
        if self._congested and self._state is not _COMPLETE:
            await self._drain()
        if self._duration is not None and not self._observed:
            await self._report()

    def _unexpected(self, message_type: str) -> None:
        if self._state is _DISCONNECTED:
            raise ClientDisconnected
        if self._state is _COMPLETE and message_type in _MESSAGE_TYPES:
            # ASGI: after the last body message "any further messages will be ignored"
            return
        raise UnexpectedMessageError(self._state, message_type)

    def _start(self, message: Any) -> None:
        if "status" not in message:
            raise KeyError("status")  # here, where it was left out, and not at the first body
        self._head = message
        self._state = _RESPONSE

    def _first_body(self, message: Any) -> None:
        head = self._head
        body = message.get("body", b"")
        if type(body) is not bytes:
            body = as_bytes(body)
        more = message.get("more_body", False)
        trailers = head.get("trailers", False)
        self._server.send_response(
            self.stream_id,
            head["status"],
            head.get("headers", ()),
            body,
            not more,
            trailers,
        )
        if head["status"] == 101:
            self._body_ended = self._request_done = False  # what follows is content anew
        if more or trailers:
            self._advance(more, trailers)
        else:
            self._complete()

    def _body(self, message: Any) -> None:
        more = message.get("more_body", False)
        trailers = self._head.get("trailers", False)
        body = message.get("body", b"")
        if type(body) is not bytes:
            body = as_bytes(body)
        self._server.send_body(self.stream_id, body, not more and not trailers)
        self._advance(more, trailers)

    def _advance(self, more_body: bool, trailers: bool) -> None:
        if more_body:
            self._state = _BODY
        elif trailers:
            self._state = _TRAILERS
        else:
            self._complete()

    def _trailers_message(self, message: Any) -> None:
        headers = list(message.get("headers", ()))
        self._trailers = headers if self._trailers is None else self._trailers + headers
        if not message.get("more_trailers", False):
            self._server.send_trailers(self.stream_id, self._trailers)
            self._complete()

    def _early_hint(self, message: Any) -> None:
        links = [(b"link", link) for link in message.get("links", ())]
        self._server.send_informational(self.stream_id, 103, links)

    def _push(self, message: Any) -> None:
        # ASGI: "path" is text; what cannot stand in a target is percent-encoded (RFC 3986)
        target = quote(message["path"], safe=_TARGET_CHARS).encode("ascii")
        self._server.push(self.stream_id, target, message.get("headers", ()))

    def _complete(self) -> None:
        self._state = _COMPLETE
        if self._congested:
            self.congested(False)  # nothing is left that could wait
        if not self._observed:
            self._stop_clock()
        if self._receive_wakeup is not None:
            self._receive_wakeup.set()


# RFC 3986 sections 3.3 and 3.4: what may stand in a path and a query and is neither a letter nor a
# digit; with what is percent-encoded already.
_TARGET_CHARS = "/?%:@!$&'()*+,;="


# Which message may come in which state. What is not here is an error, or too late.
_REQUEST.handlers = {
    "http.response.start": HTTPExchange._start,
    "http.response.early_hint": HTTPExchange._early_hint,
    "http.response.push": HTTPExchange._push,
}
_RESPONSE.handlers = {
    "http.response.body": HTTPExchange._first_body,
    "http.response.early_hint": HTTPExchange._early_hint,
    "http.response.push": HTTPExchange._push,
}
_BODY.handlers = {
    "http.response.body": HTTPExchange._body,
    "http.response.push": HTTPExchange._push,
}
_TRAILERS.handlers = {"http.response.trailers": HTTPExchange._trailers_message}
_MESSAGE_TYPES = frozenset(name for state in HTTPState for name in state.handlers)
