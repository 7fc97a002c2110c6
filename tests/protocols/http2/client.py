"""An HTTP/2 client that is driven by hand, and the connection that it talks to.

Knows: how to bring a connection into a state, and how to see what it did.
Must not know: more of the connection than the interface of all protocols.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import hpack

from hypercorn_protocols.connection import Headers
from hypercorn_protocols.defaults import DefaultHeaders
from hypercorn_protocols.events import (
    BodyEnded,
    BodyReceived,
    Event,
    InputClosed,
    ProtocolSwitched,
    RequestReceived,
    StreamReset,
)
from hypercorn_protocols.http2 import HTTP2Connection
from hypercorn_protocols.settings import HTTP2EngineName, HTTP2Settings
from tests.protocols.http2 import frames
from tests.protocols.http2.frames import Code, Fields, Flag, Frame, Type
from tests.protocols.http2.observer import Observer

StreamEvent = RequestReceived | BodyReceived | BodyEnded | StreamReset

ENGINES: tuple[HTTP2EngineName, ...] = ("builtin", "hpack")


def head(method: bytes = b"GET", path: bytes = b"/", *fields: tuple[bytes, bytes]) -> Fields:
    """The header section of a valid request, with some more fields."""
    pseudo = [(b":method", method), (b":scheme", b"https"), (b":path", path)]
    return [*pseudo, (b":authority", b"example.com"), *fields]


def literal(name: bytes, value: bytes, *, first: int = 0) -> bytes:
    """A literal field without Huffman coding (RFC 7541 section 6.2), by default not indexed."""
    sizes = [bytes(hpack.hpack.encode_integer(len(text), 7)) for text in (name, value)]
    return bytes([first]) + sizes[0] + name + sizes[1] + value


GET = head()
HEAD = head(b"HEAD")
POST = head(b"POST")
CONNECT = [*head(b"CONNECT", b"/chat"), (b":protocol", b"websocket")]


@dataclass
class Reply:
    """A response as a client sees it."""

    status: int = 0
    headers: Fields = field(default_factory=list)
    body: bytes = b""
    trailers: Fields = field(default_factory=list)
    interim: list[int] = field(default_factory=list)
    ended: bool = False
    reset: Code | None = None

    def values(self, name: bytes) -> list[bytes]:
        """The values of the fields of one name."""
        return [value for found, value in self.headers if found == name]


class Client:
    """One connection with a client and a clock of its own.

    Everything that is sent either way passes an :class:`Observer`.

    Args:
        engine: which one.
        handshake: whether prefaces and their acknowledgements have been exchanged.
        values: the client's first SETTINGS.
        defaults: the fields of every response.
        settings: those of the connection that differ from the defaults.
    """

    def __init__(
        self,
        engine: HTTP2EngineName = "builtin",
        *,
        handshake: bool = True,
        values: Sequence[tuple[int, int]] = (),
        defaults: Sequence[tuple[bytes, bytes]] = (),
        **settings: Any,
    ) -> None:
        self.now = 0.0
        chosen = HTTP2Settings(engine=engine, **settings)
        self.defaults = DefaultHeaders(defaults)
        self.connection = HTTP2Connection(chosen, self.defaults, now=0.0)
        self.observer = Observer()
        self.encoder = hpack.Encoder()
        self.unfinished: set[int] = set()
        """Streams that were announced as requests and are neither reset nor answered."""
        self._next_id = 1
        self._sent: list[Frame] = []
        if handshake:
            self.receive(frames.PREFACE, frames.settings(*values), frames.SETTINGS_ACK)
            self.frames()

    # Sending

    def receive(self, *data: bytes) -> list[StreamEvent]:
        """What comes of data that the client sends, all at once."""
        joined = b"".join(data)
        self.observer.client_sends(joined)
        return self._noted(self.connection.receive_data(joined, self.now))

    def block(self, fields: Iterable[tuple[bytes, bytes]] = GET) -> bytes:
        """A header block. It has to be sent, and in this order: compression has a state."""
        return self.encoder.encode(list(fields))

    def next_id(self) -> int:
        """The identifier of the client's next stream."""
        self._next_id += 2
        return self._next_id - 2

    def headers(self, fields: Fields = GET, *, end: bool = True, **more: Any) -> bytes:
        """The HEADERS frame of a new stream."""
        return frames.headers(self.next_id(), self.block(fields), end=end, **more)

    def request(self, fields: Fields = GET, *, end: bool = True) -> RequestReceived:
        """Send a valid header section on a new stream."""
        stream_id = self._next_id
        if (b":method", b"HEAD") in fields:
            self.observer.head_requests.add(stream_id)
        [event] = self.receive(self.headers(fields, end=end))
        assert isinstance(event, RequestReceived)
        assert (event.stream_id, event.end_stream) == (stream_id, end)
        return event

    def upload(self, *, length: int | None = None) -> int:
        """Begin a request with content; returns the stream's identifier."""
        fields = [] if length is None else [(b"content-length", b"%d" % length)]
        return self.request(POST + fields, end=False).stream_id

    # What the connection does

    def frames(self) -> list[Frame]:
        """What the server sends now, all of it, checked."""
        while data := self.connection.data_to_send(self.now):
            self._sent += self.observer.server_sends(data)
        sent, self._sent = self._sent, []
        return sent

    def take_up(self) -> list[StreamEvent]:
        """Have a deadline heeded that is over already."""
        return self._noted(self.connection.handle_deadline(self.now))

    def elapse(self, seconds: float) -> list[StreamEvent]:
        """Let time pass until something happens, or so many seconds.

        Deadlines are heeded as they come, and may come too early; but heeding one has to help."""
        end = self.now + seconds
        self._sent = self.frames()
        while not self.connection.should_close and self.connection.deadline <= end:
            self.now = max(self.connection.deadline, self.now)
            if events := self.take_up():
                return events
            self._sent = self.frames()
            assert self.connection.deadline > self.now, "a deadline that stays in the past"
        self.now = end
        return []

    @property
    def ended(self) -> bool:
        """Whether the connection sends nothing more."""
        return self.connection.output_ended

    def respond(
        self,
        stream_id: int,
        status: int = 200,
        headers: Headers = (),
        body: bytes = b"",
        *,
        end: bool = True,
        trailers: bool = False,
    ) -> None:
        """Answer a request; the application is done if that ends it."""
        self.connection.send_response(stream_id, status, headers, body, end, trailers)
        if end:
            self.release(stream_id)

    def send_body(self, stream_id: int, data: bytes, *, end: bool = False) -> None:
        """Go on with an answer; the application is done if that ends it."""
        self.connection.send_body(stream_id, data, end)
        if end:
            self.release(stream_id)

    def release(self, stream_id: int) -> None:
        """The application is done."""
        self.unfinished.discard(stream_id)
        self.connection.release(stream_id)

    def exchange(self, fields: Fields = GET) -> Reply:
        """A request and an answer, which shows that the connection is alive."""
        stream_id = self.request(fields).stream_id
        self.respond(stream_id, 200, [], b"alive")
        reply = replies(self.frames())[stream_id]
        assert (reply.status, reply.ended) == (200, True)
        return reply

    def _noted(self, events: list[Event]) -> list[StreamEvent]:
        noted: list[StreamEvent] = []
        for event in events:
            assert not isinstance(event, InputClosed | ProtocolSwitched)
            if isinstance(event, RequestReceived):
                self.unfinished.add(event.stream_id)
            elif isinstance(event, StreamReset):
                assert event.stream_id in self.unfinished
                self.unfinished.discard(event.stream_id)
            noted.append(event)
        return noted


def replies(sent: Iterable[Frame]) -> dict[int, Reply]:
    """The responses that frames make, by stream."""
    found: dict[int, Reply] = {}
    for frame in sent:
        reply = found.setdefault(frame.stream_id, Reply())
        reply.ended |= frame.kind in (Type.HEADERS, Type.DATA) and frame.has(Flag.END_STREAM)
        if frame.kind == Type.DATA:
            reply.body += frame.content
        elif frame.kind == Type.RST_STREAM:
            reply.reset = frame.code
        elif frame.kind == Type.HEADERS:
            _take_fields(reply, frame.fields)
    return found


def _take_fields(reply: Reply, fields: Fields) -> None:
    if reply.status:
        reply.trailers = fields
        return
    status = int(fields[0][1])
    if status < 200:
        reply.interim.append(status)
    else:
        reply.status, reply.headers = status, fields[1:]


def content(events: Iterable[StreamEvent], stream_id: int) -> bytes:
    """The content that events bring for one stream."""
    return b"".join(
        event.data
        for event in events
        if isinstance(event, BodyReceived) and event.stream_id == stream_id
    )
