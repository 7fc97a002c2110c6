"""RFC 9113 sections 8.1 and 8.6: responses, early ones and interim ones."""

from __future__ import annotations

import pytest

from hypercorn_protocols.connection import Headers
from hypercorn_protocols.errors import LocalProtocolError
from hypercorn_protocols.events import RequestReceived
from hypercorn_protocols.settings import HTTP2EngineName
from tests.protocols.http2 import frames
from tests.protocols.http2.client import HEAD, Client, replies
from tests.protocols.http2.conformance.errors import resets
from tests.protocols.http2.frames import Code, Flag, Type

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
    response". There are clients that lose the response if it does so at once."""

    def test_rest_is_thrown_away_for_a_while_and_then_refused(
        self, engine: HTTP2EngineName
    ) -> None:
        client = Client(engine, linger_timeout=3.0)
        client.upload()
        client.receive(frames.data(1, b"x"))
        client.respond(1, 200, [], b"early")
        assert client.elapse(2.9) == []
        sent = [frame for frame in client.frames() if frame.stream_id]
        assert [frame.kind for frame in sent] == [Type.HEADERS, Type.DATA]
        assert sent[1].has(Flag.END_STREAM)
        assert client.receive(frames.data(1, b"y")) == []

        assert client.elapse(0.2) == []
        assert resets(client.frames()) == [(1, Code.NO_ERROR)]
        assert client.receive(frames.data(1, b"z"), frames.data(1, b"", end=True)) == []
        assert client.frames() == []
        assert client.exchange().body == b"alive"

    @pytest.mark.parametrize("trailers", [True, False])
    def test_request_may_end_meanwhile(self, client: Client, trailers: bool) -> None:
        client.upload()
        client.respond(1, 200, [], b"early")
        client.frames()
        block = client.block([(b"x-sum", b"1")])
        end = frames.headers(1, block) if trailers else frames.data(1, b"x", end=True)
        assert client.receive(frames.data(1, b"x"), end) == []
        assert client.connection.is_idle

        assert client.elapse(3.0) == []
        assert resets(client.frames()) == []

    def test_client_may_give_up_meanwhile(self, client: Client) -> None:
        client.upload()
        client.respond(1, 200, [], b"early")
        client.frames()

        assert client.receive(frames.rst_stream(1, Code.CANCEL)) == []
        assert client.elapse(3.0) == []
        assert resets(client.frames()) == []
        assert client.exchange().body == b"alive"

    def test_while_begins_with_the_end_of_the_answer(self, client: Client) -> None:
        client.upload()
        client.respond(1, 200, [], bytes(70_000))
        client.elapse(4.0)
        assert resets(client.frames()) == []
        client.receive(frames.window_update(0, 10_000), frames.window_update(1, 10_000))
        client.elapse(1.9)
        assert resets(client.frames()) == []
        client.elapse(0.2)

        assert resets(client.frames()) == [(1, Code.NO_ERROR)]

    def test_request_may_end_while_the_answer_waits(self, client: Client) -> None:
        client.upload()
        client.respond(1, 200, [], bytes(70_000))
        client.frames()
        assert client.receive(frames.data(1, b"x", end=True)) == []
        client.receive(frames.window_update(0, 10_000), frames.window_update(1, 10_000))
        sent = client.frames()

        assert replies(sent)[1].ended
        assert resets(sent) == []

    def test_windows_stay_open_meanwhile(self, client: Client) -> None:
        """Or the client would not get to the end of its request."""
        client.upload()
        client.respond(1, 200, [], b"early")
        client.frames()
        for _ in range(100):
            windows = client.observer.upload
            assert min(windows.stream(1), windows.connection) >= 16_384
            assert client.receive(frames.data(1, bytes(16_384))) == []
            client.frames()

    def test_length_does_not_matter_any_more(self, client: Client) -> None:
        client.upload(length=10)
        client.respond(1, 200, [], b"early")
        client.frames()

        assert client.receive(frames.data(1, bytes(20)), frames.data(1, b"", end=True)) == []
        assert resets(client.frames()) == []
        assert client.exchange().body == b"alive"

    def test_connection_that_closes_waits_for_it(self, client: Client) -> None:
        client.upload()
        client.respond(1, 200, [], b"early")
        client.connection.close(client.now)
        client.elapse(1.5)
        assert not client.ended
        client.receive(frames.data(1, b"x", end=True))
        client.frames()

        assert client.ended

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
