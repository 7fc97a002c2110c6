"""The one interface that every version of HTTP offers to a server.

Knows: the shape of a sans-IO server connection.
Must not know: sockets, clocks, event loops or applications.

The caller owns the transport and the clock, and does five things:

* hands in what it read with :meth:`ServerConnection.receive_data` and acts on the events;
* answers with the ``send_…`` methods, which never block and only fill a buffer;
* after either, writes what :meth:`ServerConnection.data_to_send` returns and looks at
  ``should_close`` and ``wants_data``;
* calls :meth:`ServerConnection.handle_deadline` once ``deadline`` has passed;
* goes on with :attr:`ServerConnection.successor` when it has answered 101.

A deadline in the past means "at once": it is how a connection says that it has more to hand out
(the next pipelined request, once the one before it is answered).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from hypercorn_protocols.events import Event

__all__ = ["Headers", "ServerConnection"]

Headers = Iterable[tuple[bytes, bytes]]


class ServerConnection(Protocol):
    """The server's side of one connection. ``now`` is in seconds on any monotonic clock."""

    multiplexes: bool
    """Several requests may be worked on at once: :meth:`release` matters."""

    deadline: float
    """When :meth:`handle_deadline` is to be called; ``inf`` for never."""

    wants_data: bool
    """False while so much waits to be consumed that the peer should not be read."""

    should_close: bool
    """True once nothing more is sent or of interest: send what there is, then close."""

    should_abort: bool
    """True with ``should_close`` if closing must not look like a regular end: reset instead."""

    output_ended: bool
    """True once nothing more will be sent. The peer may still be read for a while, so that a
    reset does not destroy what it was sent: end the output alone if the transport can."""

    @property
    def is_idle(self) -> bool:
        """No request is being read or answered: closing now loses nothing."""

    @property
    def can_push(self) -> bool:
        """The protocol has :meth:`push`, and neither the peer nor the settings forbid it."""

    @property
    def successor(self) -> ServerConnection | None:
        """What takes over at once when 101 has been sent (HTTP/1.1), else None.

        It has what this connection held for the peer. Call it from then on, with the same
        ``stream_id``, and this one no more: there is nothing left that it would do."""

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Take what was read; ``b""`` is the end of the input. Raises nothing."""

    def handle_deadline(self, now: float) -> list[Event]:
        """Do what ``deadline`` was set for, if it has passed. Raises nothing."""

    def data_to_send(self, now: float) -> bytes:
        """Return and forget what is to be written."""

    def send_informational(self, stream_id: int, status: int, headers: Headers) -> None:
        """Send an interim response (RFC 9110 section 15.2), if the peer's version has them.

        Raises LocalProtocolError after the final response began, or for a bad field."""

    def send_response(
        self,
        stream_id: int,
        status: int,
        headers: Headers,
        body: bytes = b"",
        end_stream: bool = False,
        trailers: bool = False,
    ) -> None:
        """Send the final response's header section and the first piece of its content.

        With 101, which HTTP/1.1 alone has, :attr:`successor` takes over.
        ``end_stream``: there is no more. ``trailers``: :meth:`send_trailers` will end it.
        Raises LocalProtocolError, with nothing sent, for fields or lengths that cannot be."""

    def send_body(self, stream_id: int, data: bytes, end_stream: bool = False) -> None:
        """Send more content. Raises LocalProtocolError if it does not fit Content-Length."""

    def send_trailers(self, stream_id: int, headers: Headers) -> None:
        """End the response with a trailer section."""

    def push(self, stream_id: int, target: bytes, headers: Headers) -> bool:
        """Promise the answer to a GET for ``target`` on the back of a request.

        The promised request comes out of the next :meth:`handle_deadline`, which is due at once.
        False, with nothing sent, if the peer does not want it or has enough of them."""

    def reset_stream(self, stream_id: int) -> None:
        """Give the answer up, in a way that the peer can tell from a complete one."""

    def release(self, stream_id: int) -> None:
        """Whoever answered the request has ended: only now does it count no more against the
        number of requests that may be worked on at once."""

    def consumed(self, stream_id: int, size: int, now: float) -> None:
        """The application took ``size`` bytes of content and wants more (0: wants some)."""

    def buffered(self, stream_id: int) -> int:
        """How many bytes of the answer the protocol still holds back."""

    def close(self, now: float, patience: float = 0.0) -> None:
        """Finish what was begun and what is on its way, then set ``should_close``.

        ``patience``: for so many seconds a peer that has nothing to wait for may still send a
        request; without it, one that has just connected may. Another call can only shorten it.
        """
