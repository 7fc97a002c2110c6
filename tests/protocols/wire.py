"""A connection that is driven by hand, and clients that are not ours to check what it sends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import h11

from hypercorn_protocols.connection import Headers, ServerConnection
from hypercorn_protocols.defaults import DefaultHeaders
from hypercorn_protocols.events import Event, RequestReceived
from hypercorn_protocols.http1 import HTTP1Connection, available_engines
from hypercorn_protocols.settings import HTTP1EngineName, HTTP1Settings

NAMES: tuple[HTTP1EngineName, ...] = ("h11", "httptools")
ENGINES: list[HTTP1EngineName] = [name for name in NAMES if name in available_engines()]

GET = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: example.com\r\n\r\n"
OLD_GET = b"GET / HTTP/1.0\r\n\r\n"
CHUNKED_POST = b"POST / HTTP/1.1\r\nHost: example.com\r\nTransfer-Encoding: chunked\r\n\r\n"


def post(length: int, *lines: bytes) -> bytes:
    """The head of a request whose content is ``length`` bytes long."""
    fields = b"".join(line + b"\r\n" for line in lines)
    return b"POST / HTTP/1.1\r\nHost: a\r\n%bContent-Length: %d\r\n\r\n" % (fields, length)


class Wire:
    """One connection with a clock of its own.

    Args:
        engine: which one.
        defaults: the fields of every response.
        settings: those that differ from the defaults.
    """

    def __init__(
        self,
        engine: HTTP1EngineName = "h11",
        defaults: Sequence[tuple[bytes, bytes]] = (),
        **settings: Any,
    ) -> None:
        self.now = 100.0
        chosen = HTTP1Settings(engine=engine, **{"rate_grace": 5.0, **settings})
        self.connection: ServerConnection = HTTP1Connection(
            chosen, DefaultHeaders(defaults), self.now
        )

    def receive(self, data: bytes) -> list[Event]:
        """What comes of data that the peer sent."""
        return self.connection.receive_data(data, self.now)

    def request(self, data: bytes) -> RequestReceived:
        """The one request that ``data`` begins with."""
        event = self.receive(data)[0]
        assert isinstance(event, RequestReceived)
        return event

    def respond(
        self,
        stream_id: int = 1,
        status: int = 200,
        headers: Headers = (),
        body: bytes = b"",
        *,
        trailers: bool = False,
    ) -> bytes:
        """Send a whole answer and return what goes on the wire."""
        self.connection.send_response(stream_id, status, headers, body, not trailers, trailers)
        return self.sent()

    def switch(self, headers: Headers, body: bytes = b"", *, end: bool = False) -> None:
        """Answer the first request with 101, and go on with what takes over."""
        self.connection.send_response(1, 101, headers, body, end)
        successor = self.connection.successor
        assert successor is not None
        self.connection = successor

    def sent(self) -> bytes:
        """What is to be written by now."""
        return self.connection.data_to_send(self.now)

    def wait(self, seconds: float) -> list[Event]:
        """Let time pass, and have the deadline heeded if it is over by then."""
        self.now += seconds
        return self.connection.handle_deadline(self.now)

    def take_up(self) -> list[Event]:
        """The events of pipelined requests that are there already."""
        assert self.connection.deadline <= self.now
        return self.connection.handle_deadline(self.now)

    def reads(self) -> bool:
        """Whether the peer is to be read."""
        return self.connection.wants_data

    def output_ended(self) -> bool:
        """Whether nothing more is sent."""
        return self.connection.output_ended

    @property
    def time_left(self) -> float:
        """Seconds until the deadline."""
        return self.connection.deadline - self.now


@dataclass
class Reply:
    """A response as a client sees it."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    trailers: list[tuple[bytes, bytes]]
    interim: list[int]

    def values(self, name: bytes) -> list[bytes]:
        """The values of the fields of one name."""
        return [value for found, value in self.headers if found == name]


class Client:
    """An HTTP/1.1 client that is not ours: h11.

    Args:
        data: what the server sends.
        closes: whether it closes the connection after that.
    """

    def __init__(self, data: bytes, *, closes: bool = False) -> None:
        self._client = h11.Connection(h11.CLIENT)
        self._client.receive_data(data)
        if closes:
            self._client.receive_data(b"")

    def read(self, method: str = "GET") -> Reply:
        """Send a request, at least in thought, and return the answer to it.

        Raises h11.RemoteProtocolError for an answer that is not a complete and valid one."""
        if self._client.our_state is h11.DONE:
            self._client.start_next_cycle()
        self._client.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
        self._client.send(h11.EndOfMessage())
        reply = Reply(0, [], b"", [], [])
        while True:
            event = self._client.next_event()
            assert event is not h11.NEED_DATA, "the answer is not complete"
            if isinstance(event, h11.InformationalResponse):
                reply.interim.append(event.status_code)
            elif isinstance(event, h11.Response):
                reply.status, reply.headers = event.status_code, list(event.headers)
            elif isinstance(event, h11.Data):
                reply.body += event.data
            elif isinstance(event, h11.EndOfMessage):
                reply.trailers = list(event.headers)
                return reply

    @property
    def rest(self) -> bytes:
        """What is there beyond the answers that were read."""
        return self._client.trailing_data[0]
