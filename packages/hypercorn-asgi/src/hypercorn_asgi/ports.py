"""What exchanges need from a server: any server that offers it can run applications with them.

Knows: the shape of the server's side of a stream.
Must not know: which server, protocol or event loop it is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from hypercorn_asgi.typing import Scope

__all__ = [
    "ExchangeServer",
    "Headers",
    "Observer",
    "ServedResponse",
    "Server",
    "Wakeup",
    "WebSocketServer",
]

Headers = Iterable[tuple[bytes, bytes]]


class Wakeup(Protocol):
    """Lets coroutines wait for something that synchronous code does. Belongs to one loop."""

    def set(self) -> None:
        """Wake all that wait now; those that come later wait for the next call."""

    def wait(self) -> Awaitable[None]:
        """Wait for the next :meth:`set`. The caller then looks whether it has what it needs."""


@dataclass(frozen=True, slots=True)
class ServedResponse:
    """What was answered, for the access log."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    complete: bool
    """False if the answer was cut off."""


class Observer(Protocol):
    """What an exchange reports. The methods are awaited where the event happened."""

    async def request_finished(
        self, scope: Scope, response: ServedResponse | None, duration: float
    ) -> None:
        """A request was answered, or (``response`` None) left without any answer.

        ``duration`` is in seconds, from the request's head to the end of the answer."""

    async def application_failed(self, scope: Scope, error: BaseException) -> None:
        """The application raised ``error``."""


class Server(Protocol):
    """What every exchange needs."""

    @property
    def observer(self) -> Observer:
        """Who is told what happens."""

    @property
    def observes_requests(self) -> bool:
        """Whether ``observer.request_finished`` is wanted."""

    def now(self) -> float:
        """Seconds on a monotonic clock."""

    def create_wakeup(self) -> Wakeup:
        """A new wakeup for this server's event loop."""


class ExchangeServer(Server, Protocol):
    """The server's side of the streams of one connection.

    The ``send_…`` methods never wait. They raise an exception of the server's own, with nothing
    sent, if the protocol forbids what is asked for.
    """

    def send_informational(self, stream_id: int, status: int, headers: Headers) -> None:
        """Send an interim response."""

    def send_response(
        self,
        stream_id: int,
        status: int,
        headers: Headers,
        body: bytes,
        end_stream: bool,
        trailers: bool,
    ) -> None:
        """Send the final response's head and the first piece of its content."""

    def send_body(self, stream_id: int, data: bytes, end_stream: bool) -> None:
        """Send more content."""

    def send_trailers(self, stream_id: int, headers: Headers) -> None:
        """End the response with a trailer section."""

    def push(self, stream_id: int, target: bytes, headers: Headers) -> None:
        """Promise the client the answer to a GET for ``target`` (path and query), and serve it as
        a request of its own; nothing happens where the client does not want that."""

    def reset_stream(self, stream_id: int) -> None:
        """Give up a response that is not complete, so that the client can tell."""

    def consumed(self, stream_id: int, size: int) -> None:
        """The application took ``size`` bytes of the request's content and wants more."""


class WebSocketServer(Server, Protocol):
    """The server's side of one WebSocket, from its handshake on.

    None of the methods wait. They raise an exception of the server's own, with nothing sent, if
    the protocol forbids what is asked for.
    """

    def accept(self, subprotocol: str | None, headers: Headers) -> int:
        """Complete the handshake. Returns the status that did it."""

    def send_response(self, status: int, headers: Headers, body: bytes, end_stream: bool) -> None:
        """Refuse the handshake: the response's head and the first piece of its content."""

    def send_body(self, data: bytes, end_stream: bool) -> None:
        """Send more of the refusal."""

    def reset(self) -> None:
        """Give up a refusal that is not complete, so that the client can tell."""

    def send_message(self, data: str | bytes) -> None:
        """Send a message. Dropped once the WebSocket is closed."""

    def close(self, code: int, reason: str) -> None:
        """Begin to close."""

    def messages_taken(self) -> None:
        """The application has taken as much as the server had asked to be told of."""

    def disconnect_told(self) -> None:
        """The application knows that no more messages come: it has answered what it wanted to."""
