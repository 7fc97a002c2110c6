"""A client that is not ours, the h2 library, as the judge: what each side sends arrives at the
other, through any windows."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    InformationalResponseReceived,
    PushedStreamReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.settings import SettingCodes

from hypercorn_protocols.defaults import DefaultHeaders
from hypercorn_protocols.events import (
    BodyEnded,
    BodyReceived,
    Event,
    InputClosed,
    ProtocolSwitched,
    RequestReceived,
)
from hypercorn_protocols.http2 import HTTP2Connection
from hypercorn_protocols.settings import HTTP2EngineName, HTTP2Settings

FIELDS = [(":method", "POST"), (":scheme", "https"), (":path", "/"), (":authority", "a")]


@dataclass
class Message:
    """What one side sends on a stream, and how far it is."""

    body: bytes
    trailers: list[tuple[bytes, bytes]]
    sent: int = 0
    ended: bool = False


@dataclass
class Heard:
    """What one side has received on a stream."""

    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    trailers: list[tuple[bytes, bytes]] = field(default_factory=list)
    ended: bool = False


class Pair:
    """Our connection and an h2 client, with nothing between them.

    Args:
        random: decides what is sent, in which pieces and when.
        engine: which one.
        values: the client's settings.
        settings: those of the connection that differ from the defaults.
    """

    def __init__(
        self,
        random: Random,
        engine: HTTP2EngineName,
        values: dict[int, int] | None = None,
        **settings: Any,
    ) -> None:
        self.random = random
        self.server = HTTP2Connection(
            HTTP2Settings(engine=engine, **settings), DefaultHeaders(), now=0.0
        )
        self.client = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        self.client.initiate_connection()
        if values:
            self.client.update_settings(values)
        self.requests: dict[int, Message] = {}
        self.answers: dict[int, Message] = {}
        self.server_heard: dict[int, Heard] = {}
        self.client_heard: dict[int, Heard] = {}
        self.client_events: list[Any] = []

    def message(self) -> Message:
        """Some content, with trailers or without."""
        size = self.random.choice((0, 1, 5_000, 70_000, 150_000))
        trailers = [(b"x-sum", b"%d" % size)] if self.random.random() < 0.3 else []
        return Message(self.random.randbytes(size), trailers)

    def exchange(self) -> None:
        """Carry what each side has for the other, until neither has more."""
        while True:
            to_server = self.client.data_to_send()
            to_client = self.server.data_to_send(0.0)
            if not to_server and not to_client:
                return
            for piece in self.pieces(to_server):
                self.heard_by_server(self.server.receive_data(piece, 0.0))
            for piece in self.pieces(to_client):
                self.heard_by_client(self.client.receive_data(piece))

    def pieces(self, data: bytes) -> list[bytes]:
        """Data as a transport may cut it."""
        step = self.random.choice((7_000, 65_536, 1 + len(data)))
        return [data[at : at + step] for at in range(0, len(data), step)]

    def heard_by_server(self, events: list[Event]) -> None:
        for event in events:
            assert not isinstance(event, InputClosed | ProtocolSwitched)
            heard = self.server_heard.setdefault(event.stream_id, Heard())
            if isinstance(event, RequestReceived):
                heard.headers, heard.ended = event.headers, event.end_stream
            elif isinstance(event, BodyReceived):
                heard.body += event.data
                self.server.consumed(event.stream_id, len(event.data), 0.0)
            else:
                assert isinstance(event, BodyEnded), event
                heard.trailers, heard.ended = event.trailers, True

    def heard_by_client(self, events: list[Any]) -> None:
        self.client_events += events
        for event in events:
            assert not isinstance(event, StreamReset | ConnectionTerminated), event
            if isinstance(event, ResponseReceived):
                self.client_heard[event.stream_id] = Heard(list(event.headers))
            elif isinstance(event, DataReceived):
                self.client_heard[event.stream_id].body += event.data
                self.client.acknowledge_received_data(
                    event.flow_controlled_length, event.stream_id
                )
            elif isinstance(event, TrailersReceived):
                self.client_heard[event.stream_id].trailers = list(event.headers)
            elif isinstance(event, StreamEnded):
                self.client_heard[event.stream_id].ended = True

    def send_requests(self) -> bool:
        """Let the client go on; returns whether it has sent all."""
        for stream_id, message in self.requests.items():
            if not message.ended:
                self.go_on(stream_id, message)
        return all(message.ended for message in self.requests.values())

    def go_on(self, stream_id: int, message: Message) -> None:
        """Send what the windows let, in random pieces."""
        client = self.client
        while message.sent < len(message.body):
            window = client.local_flow_control_window(stream_id)
            if not window:
                return
            size = min(window, client.max_outbound_frame_size - 10, self.random.randint(1, 20_000))
            pad = self.random.choice((None, None, 9)) if window > size + 10 else None
            piece = message.body[message.sent : message.sent + size]
            client.send_data(stream_id, piece, pad_length=pad)
            message.sent += len(piece)
        if message.trailers:
            client.send_headers(stream_id, message.trailers, end_stream=True)
        else:
            client.end_stream(stream_id)
        message.ended = True

    def send_answers(self) -> bool:
        """Let the application go on; returns whether it has sent all.

        It ends no answer before the request, for that would cut the request off."""
        server = self.server
        for stream_id, message in self.answers.items():
            if message.ended or server.buffered(stream_id) > 30_000:
                continue
            left = len(message.body) - message.sent
            if left < 40_000 and not self.server_heard[stream_id].ended:
                continue
            size = self.random.randint(0, 40_000)
            piece = message.body[message.sent : message.sent + size]
            message.sent += len(piece)
            last = message.sent == len(message.body)
            server.send_body(stream_id, piece, last and not message.trailers)
            if last and message.trailers:
                server.send_trailers(stream_id, message.trailers)
            message.ended = last
        return all(message.ended for message in self.answers.values())


@pytest.mark.parametrize("seed", range(12))
def test_all_content_arrives_through_random_windows(seed: int, engine: HTTP2EngineName) -> None:
    random = Random(seed)
    values: dict[int, int] = {
        SettingCodes.INITIAL_WINDOW_SIZE: random.choice((1_000, 30_000, 65_535, 2**20)),
        SettingCodes.MAX_FRAME_SIZE: random.choice((2**14, 2**14 + 1, 2**20)),
        SettingCodes.HEADER_TABLE_SIZE: random.choice((0, 50, 4_096, 2**16)),
    }
    pair = Pair(
        random,
        engine,
        values,
        max_body_buffer=random.choice((1_000, 30_000, 65_536, 200_000)),
        max_frame_size=random.choice((2**14, 2**18)),
        max_window_growth=random.choice((0, 2**20)),
    )
    pair.exchange()
    for _ in range(random.randint(1, 8)):
        stream_id = pair.client.get_next_available_stream_id()
        pair.client.send_headers(stream_id, [*FIELDS, ("x-id", str(stream_id))])
        pair.requests[stream_id] = pair.message()
        pair.exchange()
        pair.answers[stream_id] = pair.message()
        pair.server.send_response(stream_id, 200, [(b"x-id", b"%d" % stream_id)])
    for _ in range(2_000):
        done = [pair.send_requests(), pair.send_answers()]
        pair.exchange()
        if all(done) and all(heard.ended for heard in pair.client_heard.values()):
            break

    for stream_id, message in pair.requests.items():
        heard = pair.server_heard[stream_id]
        assert (heard.body, heard.trailers) == (message.body, message.trailers)
        assert heard.headers[-1] == (b"x-id", b"%d" % stream_id)
        assert heard.ended
    for stream_id, message in pair.answers.items():
        heard = pair.client_heard[stream_id]
        assert (heard.body, heard.trailers) == (message.body, message.trailers)
        assert heard.headers[:2] == [(b":status", b"200"), (b"x-id", b"%d" % stream_id)]
        assert heard.ended


def test_many_requests_on_one_connection(engine: HTTP2EngineName) -> None:
    pair = Pair(Random(1), engine, max_requests=None)
    for number in range(500):
        stream_id = pair.client.get_next_available_stream_id()
        fields = [*FIELDS, ("x-number", str(number)), ("cookie", "a=b"), ("cookie", f"c={number}")]
        pair.client.send_headers(stream_id, fields, end_stream=True)
        pair.exchange()
        assert pair.server_heard[stream_id].headers == [
            (b"host", b"a"),
            (b"x-number", b"%d" % number),
            (b"cookie", b"a=b; c=%d" % number),
        ]
        pair.server.send_response(stream_id, 200, [(b"x", b"%d" % (number % 7))], b"hello", True)
        pair.server.release(stream_id)
        pair.exchange()
        assert pair.client_heard[stream_id].body == b"hello"
        assert pair.client_heard[stream_id].ended


def test_interim_responses(engine: HTTP2EngineName) -> None:
    pair = Pair(Random(2), engine)
    pair.client.send_headers(1, [*FIELDS, ("expect", "100-continue")])
    pair.exchange()
    pair.server.consumed(1, 0, 0.0)
    pair.server.send_informational(1, 103, [(b"link", b"</a>")])
    pair.exchange()
    interim = [e for e in pair.client_events if isinstance(e, InformationalResponseReceived)]

    assert [dict(event.headers)[b":status"] for event in interim] == [b"100", b"103"]
    pair.client.send_data(1, b"content", end_stream=True)
    pair.exchange()
    pair.server.send_response(1, 200, [], b"done", True)
    pair.exchange()
    assert pair.server_heard[1].body == b"content"
    assert pair.client_heard[1].body == b"done"


def test_push(engine: HTTP2EngineName) -> None:
    pair = Pair(Random(3), engine)
    pair.client.send_headers(1, FIELDS, end_stream=True)
    pair.exchange()
    assert pair.server.push(1, b"/style.css", [(b"accept", b"text/css")])
    pair.heard_by_server(pair.server.handle_deadline(0.0))
    pair.server.send_response(1, 200, [], b"page", True)
    pair.server.send_response(2, 200, [], b"style", True)
    pair.exchange()
    [promise] = [event for event in pair.client_events if isinstance(event, PushedStreamReceived)]

    assert (promise.pushed_stream_id, promise.parent_stream_id) == (2, 1)
    assert promise.headers is not None
    assert dict(promise.headers)[b":path"] == b"/style.css"
    assert pair.client_heard[2].body == b"style"


def test_head_and_status_without_content(engine: HTTP2EngineName) -> None:
    pair = Pair(Random(4), engine)
    for stream_id, method, status in ((1, "HEAD", 200), (3, "GET", 204), (5, "GET", 304)):
        pair.client.send_headers(stream_id, [(":method", method), *FIELDS[1:]], end_stream=True)
        pair.exchange()
        pair.server.send_response(stream_id, status, [], b"content", False)
        pair.server.send_body(stream_id, b"more", True)
        pair.exchange()

        assert pair.client_heard[stream_id].body == b""
        assert pair.client_heard[stream_id].ended


@pytest.mark.parametrize("seed", range(4))
def test_tunnel(seed: int, engine: HTTP2EngineName) -> None:
    """RFC 8441: h2 sees the setting, and both ends of a tunnel go through any windows."""
    random = Random(seed)
    values: dict[int, int] = {
        SettingCodes.INITIAL_WINDOW_SIZE: random.choice((1_000, 30_000, 65_535)),
    }
    pair = Pair(random, engine, values, max_body_buffer=random.choice((1_000, 65_536)))
    pair.exchange()
    assert pair.client.remote_settings.enable_connect_protocol == 1
    fields = [(":method", "CONNECT"), (":protocol", "websocket"), *FIELDS[1:]]
    pair.client.send_headers(1, fields)
    pair.exchange()
    pair.server.send_response(1, 200, [(b"sec-websocket-protocol", b"chat")])
    pair.requests[1] = Message(random.randbytes(150_000), [])
    pair.answers[1] = Message(random.randbytes(150_000), [])
    for _ in range(2_000):
        done = [pair.send_requests(), pair.send_answers()]
        pair.exchange()
        if all(done) and pair.client_heard[1].ended:
            break

    assert pair.client_heard[1].headers == [
        (b":status", b"200"),
        (b"sec-websocket-protocol", b"chat"),
    ]
    assert (pair.client_heard[1].body, pair.server_heard[1].body) == (
        pair.answers[1].body,
        pair.requests[1].body,
    )
    assert pair.client_heard[1].ended
    assert pair.server_heard[1].ended
