"""RFC 9113 section 8.4: server push."""

from __future__ import annotations

import pytest

from hypercorn_protocols.errors import LocalProtocolError
from hypercorn_protocols.events import RequestReceived
from hypercorn_protocols.settings import HTTP2EngineName
from tests.protocols.http2 import frames
from tests.protocols.http2.client import Client, replies
from tests.protocols.http2.frames import Code, Setting, Type, of_kind


class TestPush:
    """Section 8.4."""

    def test_promise_then_request_then_answer(self, client: Client) -> None:
        client.request()
        assert client.connection.push(1, b"/style.css", [(b"accept", b"text/css")])
        assert client.connection.deadline <= client.now
        [event] = client.take_up()
        client.respond(1, 200, [], b"page")
        client.respond(2, 200, [], b"style")
        sent = client.frames()

        assert isinstance(event, RequestReceived)
        assert (event.stream_id, event.method, event.target) == (2, "GET", b"/style.css")
        assert event.end_stream
        assert event.headers == [(b"host", b"example.com"), (b"accept", b"text/css")]
        assert sent[0].kind == Type.PUSH_PROMISE
        assert (sent[0].stream_id, sent[0].last_stream_id) == (1, 2)
        assert dict(sent[0].fields) == {
            b":method": b"GET",
            b":scheme": b"https",
            b":authority": b"example.com",
            b":path": b"/style.css",
            b"accept": b"text/css",
        }
        assert replies(sent)[2].body == b"style"

    @pytest.mark.parametrize(
        "values",
        [[(Setting.ENABLE_PUSH, 0)], [(Setting.MAX_CONCURRENT_STREAMS, 0)]],
    )
    def test_client_may_want_none(
        self, engine: HTTP2EngineName, values: list[tuple[int, int]]
    ) -> None:
        """Section 6.5.2 and 8.4."""
        client = Client(engine, values=values)
        client.request()

        assert not client.connection.push(1, b"/style.css", [])
        client.respond(1)
        assert [frame.kind for frame in client.frames()] == [Type.HEADERS]

    def test_client_may_change_its_mind(self, client: Client) -> None:
        client.request()
        assert client.connection.push(1, b"/one", [])
        client.receive(frames.settings((Setting.ENABLE_PUSH, 0)))
        assert not client.connection.push(1, b"/two", [])
        client.receive(frames.settings((Setting.ENABLE_PUSH, 1)))
        assert client.connection.push(1, b"/three", [])

        assert len(of_kind(client.frames(), Type.PUSH_PROMISE)) == 2

    def test_server_may_want_none(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, push=False)
        client.request()

        assert not client.connection.push(1, b"/style.css", [])

    def test_limit_of_the_client(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, values=[(Setting.MAX_CONCURRENT_STREAMS, 1)])
        client.request()
        assert client.connection.push(1, b"/one", [])
        assert not client.connection.push(1, b"/two", [])
        client.take_up()
        client.respond(2, 200, [], b"one")
        client.frames()

        assert client.connection.push(1, b"/three", [])

    def test_client_may_refuse_a_push(self, client: Client) -> None:
        """ "the client can respond with a RST_STREAM, using either the CANCEL or REFUSED_STREAM
        code"."""
        client.request()
        client.connection.push(1, b"/style.css", [])
        client.take_up()
        client.frames()
        events = client.receive(frames.rst_stream(2, Code.CANCEL))
        assert [event.stream_id for event in events] == [2]
        client.connection.send_response(2, 200, [], b"style", True)
        client.release(2)

        assert of_kind(client.frames(), Type.HEADERS, Type.DATA) == []
        assert client.exchange().body == b"alive"

    def test_client_may_refuse_a_push_before_it_came_out(self, client: Client) -> None:
        client.request()
        client.connection.push(1, b"/style.css", [])
        client.frames()
        assert client.receive(frames.rst_stream(2, Code.REFUSED_STREAM)) == []

        assert client.take_up() == []
        client.respond(1)
        assert replies(client.frames())[1].ended

    def test_pushes_have_no_pushes_of_their_own(self, client: Client) -> None:
        """Section 6.6: "PUSH_PROMISE frames MUST only be sent on a peer-initiated stream"; the
        observer objects to any other."""
        client.request()
        client.connection.push(1, b"/one", [])
        client.take_up()
        client.connection.push(2, b"/two", [])
        client.respond(2, 200, [], b"one")

        assert replies(client.frames())[2].ended

    def test_no_push_after_the_answer(self, client: Client) -> None:
        """Section 8.4.1: promises come before what refers to them; and the stream is closed."""
        client.request()
        client.respond(1, 200, [], b"page")

        assert not client.connection.push(1, b"/style.css", [])
        assert of_kind(client.frames(), Type.PUSH_PROMISE) == []

    @pytest.mark.parametrize(
        ("target", "field"),
        [
            (b"no-slash", (b"x", b"y")),
            (b"/a b", (b"x", b"y")),
            (b"", (b"x", b"y")),
            (b"/", (b":path", b"/")),
            (b"/", (b"x", b"a\nb")),
        ],
    )
    def test_invalid_promise_is_refused(
        self, client: Client, target: bytes, field: tuple[bytes, bytes]
    ) -> None:
        client.request()
        with pytest.raises(LocalProtocolError):
            client.connection.push(1, target, [field])

        assert client.frames() == []
        assert client.connection.push(1, b"/style.css", [])

    def test_promise_larger_than_a_frame_is_continued(self, client: Client) -> None:
        client.request()
        assert client.connection.push(1, b"/", [(b"x", b"\\" * 20_000)])

        assert [frame.kind for frame in client.frames()] == [Type.PUSH_PROMISE, Type.CONTINUATION]

    def test_push_has_a_window_of_its_own(self, client: Client) -> None:
        client.receive(frames.window_update(0, 2**20))
        client.request()
        client.connection.push(1, b"/big", [])
        client.take_up()
        client.respond(2, 200, [], bytes(100_000))
        assert len(replies(client.frames())[2].body) == 65_535
        client.receive(frames.window_update(2, 50_000))

        assert len(replies(client.frames())[2].body) == 100_000 - 65_535

    @pytest.mark.parametrize("data", [frames.data(2, b"x"), frames.headers(2, b"\x82")])
    def test_client_cannot_send_on_it(self, client: Client, data: bytes) -> None:
        """Section 5.1, reserved (local): "Receiving any type of frame other than RST_STREAM,
        PRIORITY, or WINDOW_UPDATE on a stream in this state MUST be treated as a connection
        error of type PROTOCOL_ERROR"."""
        client.request()
        client.connection.push(1, b"/style.css", [])
        client.take_up()
        client.frames()
        client.receive(data)
        [error] = of_kind(client.frames(), Type.GOAWAY, Type.RST_STREAM)

        assert error.code in (Code.PROTOCOL_ERROR, Code.STREAM_CLOSED)

    def test_requests_with_content_may_have_pushes(self, client: Client) -> None:
        client.upload()

        assert client.connection.push(1, b"/style.css", [])
        client.receive(frames.data(1, b"x", end=True))
        client.respond(1)
        assert client.frames()[0].kind == Type.PUSH_PROMISE
