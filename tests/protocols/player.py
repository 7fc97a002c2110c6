"""A server in miniature: it answers every request once it has read it, and notes what came."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hypercorn_protocols.events import BodyEnded, BodyReceived, Event, RequestReceived
from hypercorn_protocols.settings import HTTP1EngineName
from tests.protocols.wire import Wire

Fields = list[tuple[bytes, bytes]]


@dataclass
class Exchange:
    """What a connection made of one request."""

    method: str
    target: bytes
    http_version: str
    headers: Fields
    body: bytes | None = None
    """None as long as it has not come to its end."""
    trailers: Fields = field(default_factory=list)


@dataclass
class Outcome:
    """What a connection made of all that it was sent."""

    exchanges: list[Exchange]
    refusal: int | None
    """The status with which it ended the connection."""
    output_ended: bool


def play(engine: HTTP1EngineName, pieces: Iterable[bytes], **settings: Any) -> Outcome:
    """Serve what comes in these pieces."""
    player = Player(engine, **settings)
    for piece in pieces:
        player.receive(piece)
    return player.outcome()


class Player:
    """Serves one connection. Arguments are those of :class:`Wire`."""

    def __init__(self, engine: HTTP1EngineName, **settings: Any) -> None:
        self.wire = Wire(engine, **settings)
        self.exchanges: list[Exchange] = []
        self.output = b""
        self._body = b""

    def receive(self, data: bytes) -> None:
        """Take what came and answer what is complete."""
        wire = self.wire
        events = wire.receive(data)
        while True:
            for event in events:
                self._handle(event)
            self.output += wire.sent()
            if wire.connection.deadline > wire.now:
                break
            events = wire.take_up()

    def outcome(self) -> Outcome:
        """What came of it all."""
        ended = self.wire.connection.output_ended
        return Outcome(self.exchanges, self._refusal(), ended)

    def _handle(self, event: Event) -> None:
        connection, now = self.wire.connection, self.wire.now
        if isinstance(event, RequestReceived):
            version = event.http_version
            self.exchanges.append(Exchange(event.method, event.target, version, event.headers))
            self._body = b""
            if event.end_stream:
                self._answer(event.stream_id, [])
            else:
                connection.consumed(event.stream_id, 0, now)
        elif isinstance(event, BodyReceived):
            self._body += event.data
            connection.consumed(event.stream_id, len(event.data), now)
        elif isinstance(event, BodyEnded):
            self._answer(event.stream_id, event.trailers)

    def _answer(self, stream_id: int, trailers: Fields) -> None:
        exchange = self.exchanges[-1]
        exchange.body, exchange.trailers = self._body, trailers
        self.wire.connection.send_response(stream_id, 200, [], b"ok", True)

    def _refusal(self) -> int | None:
        """The status of the last answer, if it is not one of the application's."""
        finals = self.output.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")
        statuses = [int(answer[:3]) for answer in finals.split(b"HTTP/1.1 ")[1:]]
        assert len(statuses) >= len([one for one in self.exchanges if one.body is not None])
        assert all(status == 200 for status in statuses[:-1])
        return statuses[-1] if statuses and statuses[-1] != 200 else None
