"""RFC 8441: streams that an extended CONNECT makes tunnels of."""

from __future__ import annotations

from math import inf

import pytest

from hypercorn_protocols.errors import LocalProtocolError
from hypercorn_protocols.events import BodyEnded, BodyReceived, RequestReceived
from hypercorn_protocols.settings import HTTP2EngineName
from tests.protocols.http2 import frames
from tests.protocols.http2.client import GET, Client, content, replies
from tests.protocols.http2.conformance.errors import (
    assert_connection_error,
    assert_stream_error,
    reset_ids,
    resets,
)
from tests.protocols.http2.frames import Code, Fields, Setting, Type, of_kind

VERSION = (b"sec-websocket-version", b"13")


def connect(*fields: tuple[bytes, bytes], protocol: bytes = b"websocket") -> Fields:
    """The header section of section 5.1's example, with some more fields."""
    return [
        (b":method", b"CONNECT"),
        (b":protocol", protocol),
        (b":scheme", b"https"),
        (b":path", b"/chat?room=1"),
        (b":authority", b"example.com"),
        *fields,
    ]


def without(name: bytes) -> Fields:
    """The same without one of its fields."""
    return [field for field in connect() if field[0] != name]


def tunnel(client: Client) -> int:
    """Open a tunnel; returns the stream's identifier."""
    stream_id = client.request(connect(VERSION), end=False).stream_id
    client.respond(stream_id, 200, [], end=False)
    client.frames()
    return stream_id


class TestSetting:
    """Section 3: SETTINGS_ENABLE_CONNECT_PROTOCOL."""

    def test_it_is_announced_from_the_start(self, client: Client) -> None:
        """The first frame, so that no client has to wait for more than that."""
        assert client.observer.settings[Setting.ENABLE_CONNECT_PROTOCOL] == 1

    @pytest.mark.parametrize("value", [0, 1])
    def test_what_a_client_says_has_no_impact(self, client: Client, value: int) -> None:
        client.receive(frames.settings((Setting.ENABLE_CONNECT_PROTOCOL, value)))

        assert client.request(connect(), end=False).protocol == b"websocket"

    def test_it_is_neither_0_nor_1(self, client: Client) -> None:
        data = frames.settings((Setting.ENABLE_CONNECT_PROTOCOL, 2))

        assert_connection_error(client, data, Code.PROTOCOL_ERROR)


class TestRequest:
    """Section 4: the extended CONNECT method."""

    def test_it_is_handed_out(self, client: Client) -> None:
        request = client.request(connect(VERSION), end=False)

        assert request == RequestReceived(
            1,
            "CONNECT",
            b"/chat?room=1",
            [(b"host", b"example.com"), VERSION],
            "2",
            end_stream=False,
            protocol=b"websocket",
        )

    def test_fields_may_come_in_any_order(self, client: Client) -> None:
        assert client.request(connect()[::-1], end=False).protocol == b"websocket"

    def test_protocols_are_compared_without_case(self, client: Client) -> None:
        """RFC 9110 section 7.8."""
        assert client.request(connect(protocol=b"WebSocket"), end=False).protocol == b"websocket"

    def test_host_may_stand_for_the_authority(self, client: Client) -> None:
        """ ":authority" is interpreted as with other methods."""
        fields = [*without(b":authority"), (b"host", b"a")]

        assert client.request(fields, end=False).headers == [(b"host", b"a")]

    def test_client_that_sends_nothing_more(self, client: Client) -> None:
        """What is remembered of requests without content does not take it for another."""
        for _ in range(4):
            request = client.request(connect(), end=True)
            assert request.protocol == b"websocket"
            client.respond(request.stream_id)
            client.frames()

    @pytest.mark.parametrize("end", [True, False])
    def test_nothing_is_said_of_it_when_content_is_awaited(
        self, client: Client, end: bool
    ) -> None:
        """CONNECT has no content, so that there is no 100 Continue for it."""
        client.request(connect((b"expect", b"100-continue")), end=end)
        client.connection.consumed(1, 0, client.now)

        assert of_kind(client.frames(), Type.HEADERS) == []

    @pytest.mark.parametrize("name", [b":scheme", b":path", b":authority"])
    def test_target_is_missing(self, client: Client, name: bytes) -> None:
        """ "The :scheme and :path pseudo-header fields of the target URI MUST also be
        included"."""
        assert_stream_error(client, client.headers(without(name), end=False), Code.PROTOCOL_ERROR)

    def test_target_is_missing_altogether(self, client: Client) -> None:
        fields = [field for field in connect() if field[0] not in (b":scheme", b":path")]

        assert_stream_error(client, client.headers(fields, end=False), Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("scheme", [b"wss", b"ws", b""])
    def test_scheme_is_that_of_http(self, client: Client, scheme: bytes) -> None:
        """Section 5: "https" for "wss", "http" for "ws"."""
        fields = [*without(b":scheme")[:2], (b":scheme", scheme), *without(b":scheme")[2:]]

        assert_stream_error(client, client.headers(fields, end=False), Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize(
        "fields",
        [
            connect(protocol=b""),
            connect(protocol=b"web socket"),
            connect(protocol=b"websocket,h2c"),
            connect(protocol=b"websocket/"),
            [(b":protocol", b"websocket"), *connect()],
            [(b":protocol", b"websocket"), *GET],
            [*connect(), (b":protocol", b"websocket")],
            [*GET, (b"x", b"y"), (b":protocol", b"websocket")],
            connect((b"connection", b"upgrade")),
            connect((b"upgrade", b"websocket")),
            connect((b"content-length", b"0")),
            connect((b"content-length", b"5")),
            [(name, b"*" if name == b":path" else value) for name, value in connect()],
        ],
    )
    @pytest.mark.parametrize("end", [True, False])
    def test_malformed(self, client: Client, fields: Fields, end: bool) -> None:
        assert_stream_error(client, client.headers(fields, end=end), Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("protocol", [b"connect-udp", b"webtransport", b"h2c", b"HTTP/2.0"])
    def test_unknown_protocol(self, client: Client, protocol: bytes) -> None:
        """RFC 9220 section 3 says what RFC 8441 leaves open: 501."""
        assert client.receive(client.headers(connect(protocol=protocol), end=False)) == []
        reply = replies(client.frames())[1]

        assert (reply.status, reply.ended) == (501, True)
        assert client.exchange().body == b"alive"

    @pytest.mark.parametrize("end", [True, False])
    def test_plain_connect_is_what_it_was(self, client: Client, end: bool) -> None:
        fields = [(b":method", b"CONNECT"), (b":authority", b"example.com:443")]
        assert client.receive(client.headers(fields, end=end)) == []

        assert replies(client.frames())[1].status == 501

    def test_it_counts_as_a_stream(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, max_concurrent_streams=2)
        tunnel(client)
        tunnel(client)
        client.receive(client.headers())

        assert resets(client.frames()) == [(5, Code.REFUSED_STREAM)]

    def test_too_many_fields(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, max_headers=3)
        assert client.request(connect(*[(b"x", b"y")] * 2), end=False).protocol
        client.receive(client.headers(connect(*[(b"x", b"y")] * 4), end=False))

        assert replies(client.frames())[3].status == 431


class TestAnswer:
    """Section 5: a response with a status of 2xx opens the tunnel."""

    @pytest.mark.parametrize("status", [200, 201, 205])
    def test_it_has_no_length(self, client: Client, status: int) -> None:
        """RFC 9110 section 9.3.6, whatever the status means elsewhere."""
        client.request(connect(), end=False)
        fields = [(b"content-length", b"0"), (b"sec-websocket-protocol", b"chat")]
        client.respond(1, status, fields, end=False)
        client.send_body(1, b"frame")
        reply = replies(client.frames())[1]

        assert (reply.status, reply.body, reply.ended) == (status, b"frame", False)
        assert reply.headers == [(b"sec-websocket-protocol", b"chat")]

    def test_remembered_answers_of_others_do_not_count(self, client: Client) -> None:
        for _ in range(3):
            stream_id = client.request().stream_id
            client.respond(stream_id, 200, [(b"x", b"y")])
            client.frames()
        stream_id = client.request(connect(), end=False).stream_id
        client.respond(stream_id, 200, [(b"x", b"y")])
        reply = replies(client.frames())[stream_id]

        assert (reply.headers, reply.ended) == ([(b"x", b"y")], True)

    def test_it_is_not_remembered_for_others(self, client: Client) -> None:
        for _ in range(3):
            stream_id = client.request(connect()).stream_id
            client.respond(stream_id, 200, [(b"x", b"y")])
            client.frames()
        stream_id = client.request().stream_id
        client.respond(stream_id, 200, [(b"x", b"y")])

        assert replies(client.frames())[stream_id].values(b"content-length") == [b"0"]

    def test_denial_is_an_ordinary_response(self, client: Client) -> None:
        client.request(connect(), end=False)
        client.respond(1, 403, [(b"x", b"y")], b"no")
        reply = replies(client.frames())[1]

        assert (reply.status, reply.body, reply.ended) == (403, b"no", True)
        assert reply.headers == [(b"x", b"y"), (b"content-length", b"2")]

    def test_what_a_denied_client_sends_is_read_away(self, client: Client) -> None:
        client.request(connect(), end=False)
        client.respond(1, 403, [], b"no")
        client.frames()
        assert client.receive(frames.data(1, b"early")) == []
        assert client.elapse(2.1) == []

        assert resets(client.frames()) == [(1, Code.NO_ERROR)]

    def test_denied_client_may_end(self, client: Client) -> None:
        client.request(connect(), end=False)
        client.respond(1, 403, [], b"no")
        client.frames()
        assert client.receive(frames.data(1, end=True)) == []
        assert client.elapse(2.1) == []

        assert resets(client.frames()) == []

    def test_interim_response_goes_before(self, client: Client) -> None:
        client.request(connect(), end=False)
        client.connection.send_informational(1, 103, [(b"link", b"</a>")])
        client.respond(1, 200, [], end=False)

        assert replies(client.frames())[1].interim == [103]

    def test_there_is_no_101(self, client: Client) -> None:
        client.request(connect(), end=False)

        with pytest.raises(LocalProtocolError):
            client.respond(1, 101, [(b"upgrade", b"websocket")], end=False)

    def test_there_are_no_trailers(self, client: Client) -> None:
        client.request(connect(), end=False)
        with pytest.raises(LocalProtocolError):
            client.connection.send_response(1, 200, [], b"", False, True)
        client.respond(1, 200, [], end=False)
        with pytest.raises(LocalProtocolError):
            client.connection.send_trailers(1, [(b"x", b"y")])

        assert [frame.kind for frame in client.frames()] == [Type.HEADERS]

    def test_nothing_is_pushed_on_a_tunnel(self, client: Client) -> None:
        """RFC 9113 section 8.5: DATA is all that goes on a connected stream."""
        client.request(connect(), end=False)

        assert not client.connection.push(1, b"/style.css", [])
        assert client.frames() == []


class TestTunnel:
    """DATA carries what TCP would, END_STREAM its end, CANCEL its reset."""

    def test_data_goes_both_ways(self, client: Client) -> None:
        tunnel(client)
        assert client.receive(frames.data(1, b"up")) == [BodyReceived(1, b"up")]
        client.send_body(1, b"down")

        assert replies(client.frames())[1].body == b"down"

    def test_data_before_the_answer(self, client: Client) -> None:
        """A client should wait; one that does not is heard as soon as anybody listens."""
        client.request(connect(), end=False)

        assert client.receive(frames.data(1, b"early")) == [BodyReceived(1, b"early")]

    def test_size_of_content_is_no_limit(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, max_body_size=10)
        tunnel(client)

        assert client.receive(frames.data(1, bytes(100))) == [BodyReceived(1, bytes(100))]

    def test_client_is_held_up_by_its_window(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, max_body_buffer=65_535)
        tunnel(client)
        client.receive(*[frames.data(1, bytes(16_000))] * 4)
        assert of_kind(client.frames(), Type.WINDOW_UPDATE) == []
        client.connection.consumed(1, 64_000, client.now)
        updates = of_kind(client.frames(), Type.WINDOW_UPDATE)

        assert [frame.stream_id for frame in updates] == [1]
        assert updates[0].number >= 64_000

    def test_server_is_held_up_by_its_window(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, values=[(Setting.INITIAL_WINDOW_SIZE, 10)])
        tunnel(client)
        client.send_body(1, b"0123456789abcdef")
        assert replies(client.frames())[1].body == b"0123456789"
        assert client.connection.buffered(1) == 6
        client.receive(frames.window_update(1, 100))

        assert replies(client.frames())[1].body == b"abcdef"

    def test_client_ends_first(self, client: Client) -> None:
        tunnel(client)
        events = client.receive(frames.data(1, b"bye", end=True))
        assert events == [BodyReceived(1, b"bye"), BodyEnded(1, [])]
        client.send_body(1, b"still ")
        client.send_body(1, b"here", end=True)
        reply = replies(client.frames())[1]

        assert (reply.body, reply.ended, reply.reset) == (b"still here", True, None)
        assert client.connection.is_idle

    def test_server_ends_first(self, client: Client) -> None:
        """The client has a while to end it too; what it says by then is thrown away."""
        tunnel(client)
        client.send_body(1, b"bye", end=True)
        reply = replies(client.frames())[1]
        assert (reply.body, reply.ended, reply.reset) == (b"bye", True, None)
        assert client.receive(frames.data(1, b"late")) == []
        assert client.receive(frames.data(1, end=True)) == []
        assert client.elapse(2.1) == []

        assert resets(client.frames()) == []

    def test_server_ends_and_the_client_does_not(self, client: Client) -> None:
        tunnel(client)
        client.send_body(1, b"bye", end=True)
        client.frames()
        client.elapse(2.1)

        assert resets(client.frames()) == [(1, Code.NO_ERROR)]
        assert client.exchange().body == b"alive"

    def test_client_resets(self, client: Client) -> None:
        tunnel(client)
        assert reset_ids(client.receive(frames.rst_stream(1))) == [1]
        client.connection.send_body(1, b"lost")
        client.connection.consumed(1, 5, client.now)

        assert client.frames() == []

    def test_server_resets(self, client: Client) -> None:
        tunnel(client)
        client.connection.reset_stream(1)
        client.release(1)

        assert resets(client.frames()) == [(1, Code.CANCEL)]
        assert client.exchange().body == b"alive"

    @pytest.mark.parametrize("answered", [True, False])
    @pytest.mark.parametrize("end", [True, False])
    def test_header_section_within_a_tunnel(
        self, client: Client, answered: bool, end: bool
    ) -> None:
        """RFC 9113 section 8.5: "MUST be treated as a stream error"."""
        if answered:
            tunnel(client)
        else:
            client.request(connect(), end=False)
        data = frames.headers(1, client.block([(b"x-trailer", b"1")]), end=end)

        assert_stream_error(client, data, Code.PROTOCOL_ERROR)

    def test_large_answers_do_not_hold_it_up(self, client: Client) -> None:
        """RFC 9218 section 11: even an older one, which the client wants as a whole."""
        client.receive(frames.window_update(0, 2**24), frames.window_update(0, 2**24))
        older = client.request().stream_id
        stream_id = tunnel(client)
        client.receive(frames.window_update(older, 2**24))
        client.respond(older, 200, [], bytes(500_000), end=False)
        client.send_body(stream_id, b"quick")
        first = client.connection.data_to_send(client.now)
        sent = client.observer.server_sends(first)

        assert content_of(sent, stream_id) == b"quick"


class TestTime:
    """A tunnel may be quiet for as long as it likes."""

    def test_quiet_tunnel(self, client: Client) -> None:
        tunnel(client)
        client.receive(frames.data(1, b"x"))
        client.connection.consumed(1, 1, client.now)

        assert client.elapse(1e6) == []
        assert client.connection.deadline == inf
        assert client.receive(frames.data(1, b"y")) == [BodyReceived(1, b"y")]

    def test_slow_tunnel(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, read_timeout=5.0, read_min_rate=1_000, rate_grace=1.0)
        tunnel(client)
        for _ in range(10):
            assert client.elapse(4.0) == []
            assert content(client.receive(frames.data(1, b"x")), 1) == b"x"

    def test_unread_tunnel(self, engine: HTTP2EngineName) -> None:
        """Though the client has filled its window, and the application takes none of it."""
        client = Client(engine, max_body_buffer=65_535, read_timeout=5.0)
        tunnel(client)
        client.receive(*[frames.data(1, bytes(16_000))] * 4)

        assert client.elapse(1e6) == []

    def test_part_of_a_frame(self, client: Client) -> None:
        tunnel(client)
        assert client.receive(frames.data(1, b"hello")[:-1]) == []
        assert client.elapse(1e6) == []

        assert client.receive(b"o") == [BodyReceived(1, b"hello")]

    def test_unanswered_request(self, client: Client) -> None:
        """It is the application that is waited for."""
        client.request(connect(), end=False)

        assert client.elapse(1e6) == []

    def test_shut_window(self, engine: HTTP2EngineName) -> None:
        """A client that is sent something has to take it all the same."""
        client = Client(
            engine, values=[(Setting.INITIAL_WINDOW_SIZE, 10)], write_idle_timeout=10.0
        )
        tunnel(client)
        assert client.elapse(1e6) == []
        client.send_body(1, bytes(11))
        assert client.elapse(9.9) == []
        assert reset_ids(client.elapse(0.2)) == [1]

        assert (1, Code.CANCEL) in resets(client.frames())


class TestConnection:
    """What a connection does about its tunnels when it ends."""

    def test_graceful_end_waits_for_them(self, client: Client) -> None:
        tunnel(client)
        client.connection.close(client.now)
        assert of_kind(client.frames(), Type.GOAWAY)
        client.elapse(100.0)
        assert not client.ended
        client.receive(frames.data(1, end=True))
        client.send_body(1, b"", end=True)
        client.frames()

        assert client.ended

    def test_peer_leaves(self, client: Client) -> None:
        tunnel(client)

        assert reset_ids(client.receive(b"")) == [1]

    def test_connection_is_not_idle(self, client: Client) -> None:
        tunnel(client)

        assert not client.connection.is_idle


def content_of(sent: list[frames.Frame], stream_id: int) -> bytes:
    """The content that the server sent on a stream."""
    return replies(sent)[stream_id].body
