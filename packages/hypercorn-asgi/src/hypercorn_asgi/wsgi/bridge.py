"""The way between a WSGI application's thread and the event loop that serves the client.

Knows: how to make ``receive`` and ``send`` of ASGI block.
Must not know: what the messages say.
"""

from __future__ import annotations

from hypercorn_asgi.errors import ClientDisconnected
from hypercorn_asgi.typing import (
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    ASGISendEvent,
    CallSoon,
)

__all__ = ["Bridge"]


class Bridge:
    """Blocking :meth:`receive` and :meth:`send` for one request's thread.

    The coroutine that waits for the thread closes the bridge when it stops waiting. A thread
    that outlives it (its request was cancelled) cannot be stopped, but its next read or write
    raises :class:`~hypercorn_asgi.errors.ClientDisconnected`.
    """

    def __init__(
        self, receive: ASGIReceiveCallable, send: ASGISendCallable, call_soon: CallSoon
    ) -> None:
        self._receive = receive
        self._send = send
        self._call_soon = call_soon
        self._closed = False

    def receive(self) -> ASGIReceiveEvent:
        """Block until the next message; raises what the server's ``receive`` raises."""
        self._check_open()
        return self._call_soon(self._receive_one)

    def send(self, *messages: ASGISendEvent) -> None:
        """Block until *messages* are sent; raises what the server's ``send`` raises.

        Several messages cost one visit to the event loop, which is most of their price.
        """
        self._check_open()
        self._call_soon(self._send_all, *messages)

    def close(self) -> None:
        """Let every further use raise :class:`~hypercorn_asgi.errors.ClientDisconnected`."""
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise ClientDisconnected("the request is no longer being served")

    # Coroutine functions, because a server's receive and send may be any kind of callable
    # that returns an awaitable, and CallSoon takes only coroutine functions.

    async def _receive_one(self) -> ASGIReceiveEvent:
        return await self._receive()

    async def _send_all(self, *messages: ASGISendEvent) -> None:
        for message in messages:
            await self._send(message)
