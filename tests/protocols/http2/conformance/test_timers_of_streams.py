"""How long content may take, in either direction: time is a number here."""

from __future__ import annotations

from hypercorn_protocols.events import StreamReset
from hypercorn_protocols.settings import HTTP2EngineName
from tests.protocols.http2 import frames
from tests.protocols.http2.client import POST, Client, replies
from tests.protocols.http2.conformance.errors import reset_ids, resets
from tests.protocols.http2.frames import Code, Setting


class TestUpload:
    """Content that is waited for: 408, or CANCEL if the answer has begun."""

    def test_longest_pause(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, read_idle_timeout=10.0, read_min_rate=0)
        client.upload()
        client.elapse(9.0)
        client.receive(frames.data(1, b"x"))
        assert client.elapse(9.9) == []
        [event] = client.elapse(0.2)

        assert isinstance(event, StreamReset)
        reply = replies(client.frames())[1]
        assert (reply.status, reply.ended, reply.reset) == (408, True, None)
        client.release(1)
        assert client.elapse(2.1) == []
        assert resets(client.frames()) == [(1, Code.NO_ERROR)]
        assert client.exchange().body == b"alive"

    def test_application_hears_of_it_once(self, engine: HTTP2EngineName) -> None:
        """Though the 408 waits for the client, and never gets through."""
        values = [(Setting.INITIAL_WINDOW_SIZE, 0)]
        client = Client(engine, values=values, read_idle_timeout=10.0)
        client.upload()
        events = client.elapse(10.1)
        client.frames()
        events += client.receive(frames.ping(b""))

        assert reset_ids(events) == [1]

    def test_slowest_rate(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, read_min_rate=100, rate_grace=5.0)
        client.upload()
        client.receive(frames.data(1, bytes(1_000)))
        client.connection.consumed(1, 1_000, client.now)
        assert client.elapse(9.0) == []
        client.receive(frames.data(1, bytes(100)))
        assert client.elapse(1.9) == []

        assert reset_ids(client.elapse(0.2)) == [1]
        assert replies(client.frames())[1].status == 408

    def test_whole_of_it(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, read_timeout=20.0, read_min_rate=0)
        client.upload()
        for _ in range(3):
            assert client.elapse(5.0) == []
            client.receive(frames.data(1, b"x"))
        assert client.elapse(4.9) == []

        assert reset_ids(client.elapse(0.2)) == [1]

    def test_only_content_counts(self, engine: HTTP2EngineName) -> None:
        """Neither other frames, nor other streams, nor padding."""
        client = Client(engine, read_idle_timeout=10.0, read_min_rate=0)
        client.upload()
        for data in (frames.ping(), frames.data(1, b"", pad=9), frames.data(1)):
            assert client.elapse(3.0) == []
            client.receive(data)
            client.exchange()

        assert reset_ids(client.elapse(1.1)) == [1]

    def test_what_the_application_takes_does_not_count(self, engine: HTTP2EngineName) -> None:
        """The window is shut: it is not the client that is waited for."""
        client = Client(engine, max_body_buffer=65_536)
        client.upload()
        client.receive(*[frames.data(1, bytes(16_384))] * 4)
        assert client.elapse(1_000.0) == []
        client.connection.consumed(1, 65_536, client.now)

        assert client.elapse(29.0) == []
        assert reset_ids(client.elapse(2.0)) == [1]

    def test_answer_that_has_begun_is_cancelled(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, read_idle_timeout=10.0)
        client.upload()
        client.respond(1, 200, [], b"begun", end=False)

        assert reset_ids(client.elapse(10.1)) == [1]
        assert resets(client.frames()) == [(1, Code.CANCEL)]
        client.release(1)
        assert client.exchange().body == b"alive"

    def test_each_stream_has_its_own(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, read_idle_timeout=10.0)
        client.upload()
        client.elapse(4.0)
        client.upload()

        assert reset_ids(client.elapse(6.1)) == [1]
        assert client.elapse(3.8) == []
        assert reset_ids(client.elapse(0.2)) == [3]

    def test_expectation_is_not_waited_for(self, client: Client) -> None:
        """The client sends nothing before 100 says so."""
        client.request([*POST, (b"expect", b"100-continue")], end=False)
        assert client.elapse(1_000.0) == []
        client.connection.consumed(1, 0, client.now)

        assert client.elapse(29.0) == []
        assert reset_ids(client.elapse(2.0)) == [1]

    def test_rest_of_a_request_that_is_answered_is_not_waited_for(self, client: Client) -> None:
        client.upload()
        client.respond(1)

        assert client.elapse(100.0) == []
        assert resets(client.frames()) == [(1, Code.NO_ERROR)]


class TestDownload:
    """Windows that the client keeps shut while an answer waits: CANCEL."""

    def test_longest_pause(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, write_idle_timeout=10.0, write_min_rate=0)
        client.request()
        client.respond(1, 200, [], bytes(100_000), end=False)
        assert client.elapse(9.0) == []
        client.receive(frames.window_update(0, 10), frames.window_update(1, 10))
        assert client.elapse(9.9) == []

        assert reset_ids(client.elapse(0.2)) == [1]
        assert resets(client.frames()) == [(1, Code.CANCEL)]
        assert client.connection.buffered(1) == 0
        client.release(1)
        client.receive(frames.window_update(0, 1_000))
        assert client.exchange().body == b"alive"

    def test_of_a_stream_alone(self, engine: HTTP2EngineName) -> None:
        values = [(Setting.INITIAL_WINDOW_SIZE, 0)]
        client = Client(engine, values=values, write_idle_timeout=10.0)
        client.request()
        client.respond(1, 200, [], b"hello", end=False)

        assert reset_ids(client.elapse(10.1)) == [1]
        assert resets(client.frames()) == [(1, Code.CANCEL)]

    def test_of_answers_that_begin_while_the_window_is_shut(self, engine: HTTP2EngineName) -> None:
        """That of the connection, which the first of them has used up."""
        client = Client(engine, write_idle_timeout=10.0)
        for stream_id in (1, 3, 5):
            client.request()
            client.respond(stream_id, 200, [], bytes(70_000), end=False)
            assert client.elapse(1.0) == []

        assert reset_ids([*client.elapse(8.0), *client.elapse(8.0), *client.elapse(8.0)]) == [
            1,
            3,
            5,
        ]

    def test_of_a_stream_whose_own_window_opens_in_vain(self, engine: HTTP2EngineName) -> None:
        client = Client(
            engine, values=[(Setting.INITIAL_WINDOW_SIZE, 100_000)], write_idle_timeout=10.0
        )
        client.request()
        client.respond(1, 200, [], bytes(65_535), end=False)
        client.frames()
        client.receive(frames.settings((Setting.INITIAL_WINDOW_SIZE, 0)))
        client.request()
        client.respond(3, 200, [], bytes(10), end=False)
        client.elapse(1.0)
        client.receive(frames.window_update(3, 100))

        assert reset_ids([*client.elapse(12.0), *client.elapse(12.0)]) == [3]

    def test_of_an_answer_that_is_complete(self, engine: HTTP2EngineName) -> None:
        """The application has gone: nobody is to be told, but memory is to be freed."""
        client = Client(engine, write_idle_timeout=10.0)
        client.request()
        client.respond(1, 200, [], bytes(100_000))

        assert client.elapse(10.1) == []
        assert resets(client.frames()) == [(1, Code.CANCEL)]
        assert client.connection.buffered(1) == 0

    def test_slowest_rate(self, engine: HTTP2EngineName) -> None:
        """One byte at a time is too slow, however often it comes."""
        client = Client(engine, write_min_rate=100, rate_grace=5.0)
        client.request()
        client.respond(1, 200, [], bytes(100_000), end=False)
        events = []
        for _ in range(40):
            client.receive(frames.window_update(0, 1), frames.window_update(1, 1))
            events += client.elapse(1.0)

        assert reset_ids(events) == [1]

    def test_nothing_to_send_is_no_pause(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, write_idle_timeout=10.0)
        client.request()
        client.respond(1, 200, [], bytes(1_000), end=False)
        assert client.elapse(1_000.0) == []

        client.send_body(1, b"late", end=True)
        assert replies(client.frames())[1].ended

    def test_many_answers_behind_a_shut_window(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, values=[(Setting.INITIAL_WINDOW_SIZE, 0)])
        for _ in range(50):
            client.respond(client.request().stream_id, 200, [], bytes(10_000))
        assert client.elapse(100.0) == []

        assert client.ended
        assert sum(client.connection.buffered(2 * n + 1) for n in range(50)) == 0
