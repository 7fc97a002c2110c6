"""RFC 9113 sections 8.1, 8.4 and 8.6: responses, pushes and interim responses."""

from __future__ import annotations

import pytest

from hypercorn_protocols.connection import Headers
from hypercorn_protocols.errors import LocalProtocolError
from hypercorn_protocols.events import RequestReceived
from hypercorn_protocols.settings import HTTP2EngineName
from tests.protocols.http2 import frames
from tests.protocols.http2.client import HEAD, Client, replies
from tests.protocols.http2.conformance.errors import resets
from tests.protocols.http2.frames import Code, Flag, Setting, Type, of_kind

LENGTH_5 = [(b"content-length", b"5")]


class TestFraming:
    """Section 8.1."""

    def test_answer_without_content_is_one_frame(self, client: Client) -> None:
        client.request()
        client.respond(1, 200)
        [headers] = client.frames()

        assert headers.has(Flag.END_STREAM)

    @pytest.mark.parametrize("fields", [[], LENGTH_5])
    def test_head_has_no_content(self, client: Client, fields: Headers) -> None:
        """RFC 9110 section 9.3.2."""
        client.request(HEAD)
        client.respond(1, 200, fields, b"hel", end=False)
        client.send_body(1, b"lo", end=True)
        [headers] = client.frames()

        assert headers.has(Flag.END_STREAM)
        if fields:
            assert (b"content-length", b"5") in headers.fields

    @pytest.mark.parametrize("status", [204, 205, 304])
    @pytest.mark.parametrize("fields", [[], LENGTH_5])
    def test_status_without_content(self, client: Client, status: int, fields: Headers) -> None:
        """RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5."""
        client.request()
        client.respond(1, status, fields, b"hel", end=False)
        client.send_body(1, b"lo", end=True)
        reply = replies(client.frames())[1]

        assert (reply.status, reply.body, reply.ended) == (status, b"", True)
        assert status == 304 or reply.values(b"content-length") in ([], [b"0"])
        assert client.exchange().body == b"alive"

    def test_trailers_of_head_are_not_content(self, client: Client) -> None:
        client.request(HEAD)
        client.respond(1, 200, [], b"hello", end=False, trailers=True)
        client.connection.send_trailers(1, [(b"x", b"y")])

        assert replies(client.frames())[1].ended

    def test_content_comes_as_it_is_sent(self, client: Client) -> None:
        client.request()
        client.respond(1, 200, [], end=False)
        [headers] = client.frames()
        assert not headers.has(Flag.END_STREAM)
        for piece in (b"one", b"", b"two"):
            client.send_body(1, piece)
            assert b"".join(frame.content for frame in client.frames()) == piece
        client.send_body(1, b"end", end=True)
        [data] = client.frames()

        assert (data.content, data.has(Flag.END_STREAM)) == (b"end", True)

    def test_end_without_content_is_an_empty_frame(self, client: Client) -> None:
        client.request()
        client.respond(1, 200, [], b"x", end=False)
        client.frames()
        client.send_body(1, b"", end=True)
        [data] = client.frames()

        assert (data.kind, data.payload, data.flags) == (Type.DATA, b"", Flag.END_STREAM)

    def test_fields_that_are_repeated_stay_apart(self, client: Client) -> None:
        client.request()
        client.respond(1, 200, [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")])

        assert replies(client.frames())[1].values(b"set-cookie") == [b"a=1", b"b=2"]

    @pytest.mark.parametrize("status", [200, 299, 404, 500, 599, 999])
    def test_any_status_is_sent(self, client: Client, status: int) -> None:
        client.request()
        client.respond(1, status)

        assert replies(client.frames())[1].status == status


class TestContentLength:
    """Section 8.1.1: a server sends nothing malformed either."""

    @pytest.mark.parametrize("size", [0, 4, 6])
    def test_answer_at_once_has_to_fit(self, client: Client, size: int) -> None:
        client.request()
        with pytest.raises(LocalProtocolError):
            client.connection.send_response(1, 200, LENGTH_5, bytes(size), True)

        assert client.frames() == []
        client.respond(1, 500)
        assert replies(client.frames())[1].status == 500

    def test_more_content_is_refused(self, client: Client) -> None:
        client.request()
        client.respond(1, 200, LENGTH_5, b"hel", end=False)
        with pytest.raises(LocalProtocolError):
            client.connection.send_body(1, b"lo!")
        client.send_body(1, b"lo", end=True)

        assert replies(client.frames())[1].body == b"hello"

    def test_less_content_is_refused(self, client: Client) -> None:
        client.request()
        client.respond(1, 200, LENGTH_5, b"hel", end=False)
        with pytest.raises(LocalProtocolError):
            client.connection.send_body(1, b"l", True)
        with pytest.raises(LocalProtocolError):
            client.connection.send_body(1, b"", True)
        client.send_body(1, b"lo", end=True)

        assert replies(client.frames())[1].ended

    def test_trailers_before_all_content_are_refused(self, client: Client) -> None:
        client.request()
        client.respond(1, 200, LENGTH_5, b"hel", end=False, trailers=True)
        with pytest.raises(LocalProtocolError):
            client.connection.send_trailers(1, [])

    @pytest.mark.parametrize("value", [b"", b"-1", b"x", b"5,5", b"+5"])
    def test_no_number_is_refused(self, client: Client, value: bytes) -> None:
        client.request()
        with pytest.raises(LocalProtocolError):
            client.connection.send_response(1, 200, [(b"content-length", value)], b"", True)

    def test_differing_ones_are_refused(self, client: Client) -> None:
        client.request()
        fields = [(b"content-length", b"5"), (b"content-length", b"6")]
        with pytest.raises(LocalProtocolError):
            client.connection.send_response(1, 200, fields, b"hello", True)


class TestEarlyAnswer:
    """Section 8.1: "a server can send a complete response prior to the client sending an entire
    request if the response does not depend on any portion of the request that has not been sent
    and received. ... a server MAY request that the client abort transmission of a request without
    error by sending a RST_STREAM with an error code of NO_ERROR after sending a complete
    response"."""

    def test_rst_stream_follows_the_end(self, client: Client) -> None:
        client.upload()
        client.receive(frames.data(1, b"x"))
        client.respond(1, 200, [], b"early")
        sent = [frame for frame in client.frames() if frame.stream_id]

        assert [frame.kind for frame in sent] == [Type.HEADERS, Type.DATA, Type.RST_STREAM]
        assert sent[1].has(Flag.END_STREAM)
        assert sent[2].code == Code.NO_ERROR

    def test_rst_stream_waits_for_the_end(self, client: Client) -> None:
        client.upload()
        client.respond(1, 200, [], bytes(70_000))
        assert resets(client.frames()) == []
        client.receive(frames.window_update(0, 10_000), frames.window_update(1, 10_000))

        assert resets(client.frames()) == [(1, Code.NO_ERROR)]

    def test_request_may_end_while_the_answer_waits(self, client: Client) -> None:
        client.upload()
        client.respond(1, 200, [], bytes(70_000))
        client.frames()
        client.receive(frames.data(1, b"x", end=True))
        client.receive(frames.window_update(0, 10_000), frames.window_update(1, 10_000))
        sent = client.frames()

        assert replies(sent)[1].ended
        assert resets(sent) == []

    @pytest.mark.parametrize("times", [1, 3])
    def test_what_was_on_its_way_is_ignored(self, client: Client, times: int) -> None:
        for _ in range(times):
            stream_id = client.upload(length=10)
            client.respond(stream_id, 200, [], b"early")
            client.frames()
            late = frames.data(stream_id, bytes(20)), frames.data(stream_id, b"", end=True)
            assert client.receive(*late) == []
            assert client.receive(frames.rst_stream(stream_id)) == []
            assert resets(client.frames()) == []

        assert client.exchange().body == b"alive"

    def test_what_comes_between_answer_and_rst_stream_is_dropped(self, client: Client) -> None:
        """All at once: the client's next data is read before the answer is written."""
        client.upload()
        client.respond(1, 200, [], b"early")
        events = client.receive(frames.data(1, bytes(10_000)), frames.data(1, b"x", end=True))
        client.connection.consumed(1, 10_001, client.now)

        assert replies(client.frames())[1].body == b"early"
        assert [event for event in events if isinstance(event, RequestReceived)] == []
        assert client.exchange().body == b"alive"


class TestInterim:
    """Section 8.1 and RFC 9110 section 15.2."""

    def test_interim_responses_come_before_the_final_one(self, client: Client) -> None:
        client.request()
        client.connection.send_informational(1, 103, [(b"Link", b"</a>")])
        client.connection.send_informational(1, 103, [])
        client.respond(1, 200, [], b"hello")
        sent = client.frames()

        assert sent[0].fields == [(b":status", b"103"), (b"link", b"</a>")]
        reply = replies(sent)[1]
        assert (reply.interim, reply.status, reply.body) == ([103, 103], 200, b"hello")

    def test_none_after_the_final_one(self, client: Client) -> None:
        client.request()
        client.respond(1, 200, [], b"x", end=False)
        with pytest.raises(LocalProtocolError):
            client.connection.send_informational(1, 103, [])

        assert replies(client.frames())[1].interim == []

    @pytest.mark.parametrize("status", [101, 200, 99])
    def test_impossible_status_is_refused(self, client: Client, status: int) -> None:
        """Section 8.6: "HTTP/2 removes support for the 101 (Switching Protocols) informational
        status code"."""
        client.request()
        with pytest.raises(LocalProtocolError):
            client.connection.send_informational(1, status, [])

        assert client.frames() == []


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
