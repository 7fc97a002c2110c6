"""RFC 9113 section 8.1.1 and RFC 9110 section 10.1.1: the content of requests."""

from __future__ import annotations

import pytest

from hypercorn_protocols.events import BodyEnded, BodyReceived
from hypercorn_protocols.settings import HTTP2EngineName
from tests.protocols.http2 import frames
from tests.protocols.http2.client import POST, Client, content, head, replies
from tests.protocols.http2.conformance.errors import assert_stream_error
from tests.protocols.http2.frames import Code, Flag, Type, of_kind


class TestContentLength:
    """Section 8.1.1: "A request or response is also malformed if the value of a content-length
    header field does not equal the sum of the DATA frame payload lengths that form the
    content"."""

    @pytest.mark.parametrize("method", [b"GET", b"POST", b"DELETE"])
    def test_some_with_no_content_is_malformed(self, client: Client, method: bytes) -> None:
        data = client.headers(head(method, b"/", (b"content-length", b"5")))

        assert_stream_error(client, data, Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("method", [b"GET", b"POST"])
    def test_none_with_no_content_is_right(self, client: Client, method: bytes) -> None:
        request = client.request(head(method, b"/", (b"content-length", b"0")))

        assert request.headers[-1] == (b"content-length", b"0")

    @pytest.mark.parametrize("sizes", [[4], [2, 2], [0], [1, 0, 1]])
    def test_less_content_is_malformed(self, client: Client, sizes: list[int]) -> None:
        client.upload(length=5)
        for size in sizes[:-1]:
            client.receive(frames.data(1, bytes(size)))
        client.frames()

        assert_stream_error(
            client, frames.data(1, bytes(sizes[-1]), end=True), Code.PROTOCOL_ERROR
        )

    @pytest.mark.parametrize("sizes", [[6], [3, 3], [5, 1], [100]])
    @pytest.mark.parametrize("end", [True, False])
    def test_more_content_is_malformed(self, client: Client, sizes: list[int], end: bool) -> None:
        client.upload(length=5)
        events = []
        for size in sizes[:-1]:
            events += client.receive(frames.data(1, bytes(size)))

        assert len(content(events, 1)) <= 5
        assert_stream_error(client, frames.data(1, bytes(sizes[-1]), end=end), Code.PROTOCOL_ERROR)

    def test_trailers_before_all_content_are_malformed(self, client: Client) -> None:
        client.upload(length=5)
        client.receive(frames.data(1, b"four"))
        data = frames.headers(1, client.block([(b"x-sum", b"1")]))

        assert_stream_error(client, data, Code.PROTOCOL_ERROR)

    def test_exact_content_is_right(self, client: Client) -> None:
        client.upload(length=5)
        events = client.receive(frames.data(1, b"hel", pad=9), frames.data(1, b"lo", end=True))

        assert events == [BodyReceived(1, b"hel"), BodyReceived(1, b"lo"), BodyEnded(1, [])]

    def test_end_may_come_on_its_own(self, client: Client) -> None:
        client.upload(length=5)
        client.receive(frames.data(1, b"hello"))

        assert client.receive(frames.data(1, end=True)) == [BodyEnded(1, [])]

    @pytest.mark.parametrize(
        "value",
        [b"", b"+5", b"-5", b"-0", b"5x", b"0x5", b"5.0", b"5 5", b"5_0", b"\xb2", b"5,6"],
    )
    def test_no_number_is_malformed(self, client: Client, value: bytes) -> None:
        """RFC 9110 section 8.6."""
        data = client.headers([*POST, (b"content-length", value)], end=False)

        assert_stream_error(client, data, Code.PROTOCOL_ERROR)

    @pytest.mark.parametrize("values", [(b"5", b"6"), (b"0", b"5"), (b"5", b"5x")])
    def test_differing_ones_are_malformed(
        self, client: Client, values: tuple[bytes, bytes]
    ) -> None:
        fields = [(b"content-length", value) for value in values]

        assert_stream_error(client, client.headers(POST + fields, end=False), Code.PROTOCOL_ERROR)

    def test_limit_is_answered_413(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, max_body_size=10)
        fields = [*POST, (b"content-length", b"11")]
        assert client.receive(client.headers(fields, end=False)) == []

        assert replies(client.frames())[1].status == 413
        assert client.exchange().body == b"alive"

    def test_limit_without_a_length_is_answered_413(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, max_body_size=10)
        client.upload()
        events = client.receive(frames.data(1, bytes(10)), frames.data(1, b"x"))
        reply = replies(client.frames())[1]

        assert len(content(events, 1)) == 10
        assert client.unfinished == set()
        assert (reply.status, reply.ended) == (413, True)
        client.release(1)
        assert client.exchange().body == b"alive"


class TestExpect:
    """RFC 9110 section 10.1.1."""

    CONTINUE = (*POST, (b"expect", b"100-continue"))

    def test_interim_answer_is_sent_when_content_is_wanted(self, client: Client) -> None:
        request = client.request(list(self.CONTINUE), end=False)
        assert request.expects_continue
        assert of_kind(client.frames(), Type.HEADERS) == []
        client.connection.consumed(1, 0, client.now)
        [interim] = of_kind(client.frames(), Type.HEADERS)

        assert interim.fields == [(b":status", b"100")]
        assert not interim.has(Flag.END_STREAM)
        client.connection.consumed(1, 0, client.now)
        assert client.frames() == []

    def test_no_interim_answer_without_content(self, client: Client) -> None:
        request = client.request(list(self.CONTINUE))
        client.connection.consumed(1, 0, client.now)

        assert not request.expects_continue
        assert client.frames() == []

    def test_no_interim_answer_after_content_came(self, client: Client) -> None:
        """ "A server MAY omit sending a 100 (Continue) response if it has already received some or
        all of the content"."""
        client.request(list(self.CONTINUE), end=False)
        client.receive(frames.data(1, b"x"))
        client.connection.consumed(1, 1, client.now)

        assert of_kind(client.frames(), Type.HEADERS) == []

    def test_no_interim_answer_after_the_answer(self, client: Client) -> None:
        client.request(list(self.CONTINUE), end=False)
        client.respond(1, 403)
        client.connection.consumed(1, 0, client.now)

        reply = replies(client.frames())[1]
        assert (reply.status, reply.interim, reply.reset) == (403, [], None)

    def test_another_expectation_is_answered_417(self, client: Client) -> None:
        data = client.headers([*POST, (b"expect", b"the-unexpected")], end=False)
        assert client.receive(data) == []

        assert replies(client.frames())[1].status == 417
        assert client.exchange().body == b"alive"
