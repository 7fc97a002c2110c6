"""RFC 9113 section 3, Starting HTTP/2 (and RFC 7540 section 3.2, which h2c clients still use)."""

from __future__ import annotations

import pytest

from hypercorn_protocols.events import BodyEnded, BodyReceived, RequestReceived, StreamReset
from hypercorn_protocols.settings import HTTP2EngineName
from tests.protocols.http2 import frames
from tests.protocols.http2.client import GET, Client, replies
from tests.protocols.http2.conformance.errors import assert_connection_error, assert_ended
from tests.protocols.http2.frames import PREFACE, Code, Flag, Setting, Type, of_kind


@pytest.fixture
def fresh(engine: HTTP2EngineName) -> Client:
    """A client that has sent nothing yet."""
    return Client(engine, handshake=False)


class TestPreface:
    """Section 3.4."""

    def test_server_sends_settings_first_and_at_once(self, fresh: Client) -> None:
        """ "The server connection preface consists of a potentially empty SETTINGS frame that
        MUST be the first frame the server sends"."""
        first = fresh.frames()[0]

        assert (first.kind, first.has(Flag.ACK)) == (Type.SETTINGS, False)

    def test_server_announces_its_limits(self, engine: HTTP2EngineName) -> None:
        client = Client(
            engine,
            handshake=False,
            max_concurrent_streams=7,
            max_header_list_size=5_000,
            max_body_buffer=70_000,
            max_frame_size=20_000,
        )
        client.frames()

        announced = client.observer.settings
        assert announced[Setting.MAX_CONCURRENT_STREAMS] == 7
        assert announced[Setting.MAX_HEADER_LIST_SIZE] == 5_000
        assert announced[Setting.INITIAL_WINDOW_SIZE] == 70_000
        assert announced[Setting.MAX_FRAME_SIZE] == 20_000

    def test_client_preface_is_accepted(self, fresh: Client) -> None:
        assert fresh.receive(PREFACE, frames.settings()) == []
        acknowledgements = [frame for frame in fresh.frames() if frame.has(Flag.ACK)]

        assert [frame.kind for frame in acknowledgements] == [Type.SETTINGS]
        assert fresh.exchange().body == b"alive"

    def test_client_may_send_requests_before_it_has_seen_the_server_preface(
        self, fresh: Client
    ) -> None:
        """ "clients are permitted to send additional frames to the server immediately after
        sending the client connection preface"."""
        [event] = fresh.receive(PREFACE, frames.settings(), fresh.headers())

        assert isinstance(event, RequestReceived)
        fresh.respond(1)
        assert replies(fresh.frames())[1].ended

    def test_preface_may_come_in_single_bytes(self, fresh: Client) -> None:
        for byte in PREFACE + frames.settings():
            assert fresh.receive(bytes([byte])) == []

        assert fresh.exchange().body == b"alive"

    @pytest.mark.parametrize(
        "preface",
        [
            b"INVALID CONNECTION PREFACE\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r",
            b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
            b"X",
            frames.settings(),
        ],
    )
    def test_invalid_preface_ends_the_connection(self, fresh: Client, preface: bytes) -> None:
        """ "Clients and servers MUST treat an invalid connection preface as a connection error
        of type PROTOCOL_ERROR. A GOAWAY frame MAY be omitted in this case"."""
        assert fresh.receive(preface) == []
        goaways = of_kind(fresh.frames(), Type.GOAWAY)

        assert [frame.code for frame in goaways] in ([], [Code.PROTOCOL_ERROR])
        assert_ended(fresh)

    @pytest.mark.parametrize(
        "first",
        [
            frames.ping(),
            frames.window_update(0, 1),
            frames.SETTINGS_ACK,
            frames.priority(1),
            frames.goaway(),
            frames.frame(0x77, 0, 0, b"unknown"),
        ],
        ids=["PING", "WINDOW_UPDATE", "SETTINGS-ACK", "PRIORITY", "GOAWAY", "unknown"],
    )
    def test_first_frame_of_the_client_has_to_be_settings(
        self, fresh: Client, first: bytes
    ) -> None:
        """ "This sequence MUST be followed by a SETTINGS frame"."""
        assert_connection_error(fresh, PREFACE + first, Code.PROTOCOL_ERROR, last_stream_id=0)

    def test_headers_cannot_be_first(self, fresh: Client) -> None:
        data = PREFACE + fresh.headers()

        assert_connection_error(fresh, data, Code.PROTOCOL_ERROR, last_stream_id=0)

    def test_end_of_input_before_anything_closes(self, fresh: Client) -> None:
        assert fresh.receive(b"") == []
        assert fresh.connection.should_close


class TestUpgrade:
    """RFC 7540 section 3.2: HTTP/1.1 has said 101, and the request is stream 1."""

    def upgraded(self, engine: HTTP2EngineName, payload: bytes = b"") -> Client:
        client = Client(engine, handshake=False)
        request = RequestReceived(1, "GET", b"/x?y", [(b"host", b"a")], "1.1", True)
        # The request was the client's first stream, though it was not sent as frames.
        client.observer.client_sends(PREFACE + frames.headers(client.next_id(), b""))
        client.observer.client_sends(frames.frame(Type.SETTINGS, 0, 0, payload))
        events = client.connection.receive_upgrade(request, payload, client.now)
        assert events == [RequestReceived(1, "GET", b"/x?y", [(b"host", b"a")], "2", True)]
        return client

    def shake_hands(self, client: Client) -> None:
        data = PREFACE + frames.settings() + frames.SETTINGS_ACK
        client.observer.client_sends(data[len(PREFACE) :])
        assert client.connection.receive_data(data, client.now) == []

    def test_request_is_answered_on_stream_1(self, engine: HTTP2EngineName) -> None:
        client = self.upgraded(engine)
        client.respond(1, 200, [], b"hello")
        self.shake_hands(client)

        reply = replies(client.observer.server_sends(client.connection.data_to_send(0.0)))[1]
        assert (reply.status, reply.body, reply.ended) == (200, b"hello", True)
        assert client.exchange().body == b"alive"

    def test_settings_of_the_request_apply(self, engine: HTTP2EngineName) -> None:
        """RFC 7540 section 3.2.1: they are not acknowledged, for the 101 implies that."""
        client = self.upgraded(engine, b"\0\4\0\0\0\3")
        client.respond(1, 200, [], b"hello")
        reader = frames.FrameReader()
        sent = list(reader.feed(client.connection.data_to_send(0.0)))
        assert sent[0].kind == Type.SETTINGS
        assert [frame for frame in of_kind(sent, Type.SETTINGS) if frame.has(Flag.ACK)] == []
        assert of_kind(sent, Type.DATA) == [], "clients take little behind their 101"
        self.shake_hands(client)
        sent = list(reader.feed(client.connection.data_to_send(0.0)))

        assert [frame.content for frame in of_kind(sent, Type.DATA)] == [b"hel"]

    def test_stream_1_is_half_closed(self, engine: HTTP2EngineName) -> None:
        client = self.upgraded(engine)
        self.shake_hands(client)
        client.connection.data_to_send(0.0)
        client.connection.receive_data(frames.data(1, b"x", end=True), 0.0)
        [reset] = frames.FrameReader().feed(client.connection.data_to_send(0.0))

        assert (reset.kind, reset.stream_id, reset.code) == (
            Type.RST_STREAM,
            1,
            Code.STREAM_CLOSED,
        )

    def test_stream_1_cannot_be_opened_again(self, engine: HTTP2EngineName) -> None:
        client = self.upgraded(engine)
        self.shake_hands(client)
        client.respond(1)
        client.frames()
        data = frames.headers(1, client.block())
        client.receive(data)

        assert client.frames()[-1].code == Code.STREAM_CLOSED
        assert_ended(client)

    @pytest.mark.parametrize("payload", [b"\0\4\xff\xff\xff\xff", b"\0\5\0\0\0\0"])
    def test_impossible_settings_of_the_request_end_the_connection(
        self, engine: HTTP2EngineName, payload: bytes
    ) -> None:
        connection = Client(engine, handshake=False).connection
        request = RequestReceived(1, "GET", b"/", [(b"host", b"a")], "1.1", True)

        assert connection.receive_upgrade(request, payload, 0.0) == []
        assert connection.output_ended

    def test_preface_still_has_to_come(self, engine: HTTP2EngineName) -> None:
        client = self.upgraded(engine)
        events = client.connection.receive_data(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0.0)

        assert [event.stream_id for event in events if isinstance(event, StreamReset)] == [1]
        assert client.ended


class TestGeneric:
    """What every server has to take: requests of all kinds, and frames around them."""

    @pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS", b"DELETE", b"X-OWN"])
    def test_request_without_content(self, client: Client, method: bytes) -> None:
        event = client.request([(b":method", method), *GET[1:]])

        assert (event.method, event.target) == (method.decode(), b"/")
        assert (event.http_version, event.end_stream) == ("2", True)
        assert event.headers == [(b"host", b"example.com")]

    def test_request_with_content(self, client: Client) -> None:
        stream_id = client.upload()
        events = client.receive(frames.data(stream_id, b"hel"), frames.data(stream_id, b"lo"))
        events += client.receive(frames.data(stream_id, b"!", end=True))

        assert events == [
            BodyReceived(1, b"hel"),
            BodyReceived(1, b"lo"),
            BodyReceived(1, b"!"),
            BodyEnded(1, []),
        ]

    def test_request_with_trailers(self, client: Client) -> None:
        stream_id = client.upload()
        trailers = client.block([(b"x-sum", b"1")])
        events = client.receive(
            frames.data(stream_id, b"hello"), frames.headers(stream_id, trailers)
        )

        assert events == [BodyReceived(1, b"hello"), BodyEnded(1, [(b"x-sum", b"1")])]

    def test_response_with_content_and_trailers(self, client: Client) -> None:
        stream_id = client.request().stream_id
        client.respond(stream_id, 200, [(b"x", b"y")], b"hello", end=False, trailers=True)
        client.send_body(stream_id, b" world")
        client.connection.send_trailers(stream_id, [(b"x-sum", b"1")])

        reply = replies(client.frames())[stream_id]
        assert (reply.status, reply.body, reply.ended) == (200, b"hello world", True)
        assert (reply.values(b"x"), reply.trailers) == ([b"y"], [(b"x-sum", b"1")])

    def test_default_fields_are_in_every_response(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, defaults=[(b"date", b"today"), (b"server", b"hypercorn")])
        for _ in range(2):
            reply = client.exchange()
            assert reply.values(b"date") == [b"today"]
            assert reply.values(b"server") == [b"hypercorn"]

        stream_id = client.request().stream_id
        client.respond(stream_id, 200, [(b"server", b"mine")])
        assert replies(client.frames())[stream_id].values(b"server") == [b"mine"]

    def test_requests_are_answered_in_any_order(self, client: Client) -> None:
        streams = [client.request().stream_id for _ in range(5)]
        for stream_id in reversed(streams):
            client.respond(stream_id, 200, [], b"%d" % stream_id)

        found = replies(client.frames())
        assert {stream_id: int(reply.body) for stream_id, reply in found.items()} == {
            stream_id: stream_id for stream_id in streams
        }
