"""What a connection waits for, and for how long: time is a number here."""

from __future__ import annotations

import pytest

from hypercorn_protocols.events import StreamReset
from hypercorn_protocols.settings import HTTP2EngineName
from tests.protocols.http2 import frames
from tests.protocols.http2.client import POST, Client, head, replies
from tests.protocols.http2.conformance.errors import assert_ended, reset_ids, resets
from tests.protocols.http2.frames import PREFACE, Code, Setting, Type, of_kind


def test_deadline_that_is_not_over_does_nothing(client: Client) -> None:
    client.now += 4.999
    assert client.take_up() == []
    assert client.frames() == []
    assert client.exchange().body == b"alive"


class TestPreface:
    """Section 3.4: until it is complete, SETTINGS included, ``head_timeout``."""

    @pytest.mark.parametrize(
        "begun", [b"", PREFACE[:-1], PREFACE, PREFACE + frames.settings()[:-1]]
    )
    def test_slow_one(self, engine: HTTP2EngineName, begun: bytes) -> None:
        client = Client(engine, handshake=False, head_timeout=3.0, keep_alive_timeout=20.0)
        client.elapse(1.0)
        if begun:
            client.receive(begun)

        assert client.elapse(1.9) == []
        assert not client.ended
        assert client.elapse(0.2) == []
        client.frames()
        assert_ended(client)

    def test_trickle_does_not_prolong_it(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, handshake=False, head_timeout=3.0)
        for byte in PREFACE[:10]:
            client.elapse(0.25)
            client.receive(bytes([byte]))
        client.elapse(0.6)

        assert client.ended


class TestSettingsAcknowledgement:
    """Section 6.5.3: "If the sender of a SETTINGS frame does not receive an acknowledgment within
    a reasonable amount of time, it MAY issue a connection error of type SETTINGS_TIMEOUT"."""

    def unacknowledged(self, engine: HTTP2EngineName) -> Client:
        client = Client(engine, handshake=False, settings_timeout=7.0, keep_alive_timeout=None)
        client.receive(PREFACE, frames.settings())
        client.request()
        return client

    def test_missing_one_ends_the_connection(self, engine: HTTP2EngineName) -> None:
        client = self.unacknowledged(engine)

        assert client.elapse(6.9) == []
        assert not client.ended
        assert reset_ids(client.elapse(0.2)) == [1]
        assert client.frames()[-1].code == Code.SETTINGS_TIMEOUT
        assert_ended(client)

    def test_one_in_time(self, engine: HTTP2EngineName) -> None:
        client = self.unacknowledged(engine)
        client.elapse(6.0)
        client.receive(frames.SETTINGS_ACK)

        assert client.elapse(1_000.0) == []
        client.respond(1)
        assert replies(client.frames())[1].ended


class TestKeepAlive:
    """It ends with the two GOAWAYs of a graceful end, for a request may be on its way."""

    def test_from_the_start(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, keep_alive_timeout=7.0)
        client.elapse(6.9)
        assert client.frames() == []
        assert client.elapse(1.2) == []
        goaways = of_kind(client.frames(), Type.GOAWAY)

        assert [frame.code for frame in goaways] == [Code.NO_ERROR] * 2
        assert [frame.last_stream_id for frame in goaways] == [2**31 - 1, 0]
        assert_ended(client)

    @pytest.mark.parametrize("body", [b"", b"hello", bytes(60_000)])
    @pytest.mark.parametrize("end", [True, False])
    def test_between_requests(self, client: Client, body: bytes, end: bool) -> None:
        client.elapse(4.0)
        client.request()
        assert client.elapse(60.0) == []  # it is the application that takes this long
        client.respond(1, 200, [], body, end=end)
        if not end:
            client.send_body(1, b"", end=True)
        assert replies(client.frames())[1].ended

        client.elapse(4.9)
        assert client.frames() == []
        client.elapse(1.2)
        assert client.frames()[-1].last_stream_id == 1
        assert client.ended

    def test_request_that_was_on_its_way(self, client: Client) -> None:
        """When the time is over, but the client did not know yet."""
        client.elapse(5.5)
        assert not client.ended

        assert client.exchange().body == b"alive"

    @pytest.mark.parametrize(
        "data",
        [frames.ping(), frames.settings(), frames.window_update(0, 1), frames.priority(9)],
        ids=["PING", "SETTINGS", "WINDOW_UPDATE", "PRIORITY"],
    )
    def test_is_not_prolonged_by_other_frames(self, client: Client, data: bytes) -> None:
        for _ in range(7):
            client.elapse(1.0)
            client.receive(data)

        assert client.ended

    def test_after_a_stream_that_was_reset(self, client: Client) -> None:
        client.request()
        client.receive(frames.rst_stream(1))
        client.release(1)
        client.elapse(6.1)

        assert client.ended

    def test_not_while_the_application_of_a_reset_stream_runs(self, client: Client) -> None:
        """There is nothing to wait for; either is right, as long as it ends some time."""
        client.request()
        client.receive(frames.rst_stream(1))
        client.elapse(60.0)
        client.release(1)
        client.elapse(60.0)

        assert client.ended

    def test_never(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, keep_alive_timeout=None)
        assert client.elapse(10_000.0) == []
        client.exchange()
        assert client.elapse(10_000.0) == []

        assert client.exchange().body == b"alive"


class TestFieldBlock:
    """``head_timeout`` from its first frame; nothing else can be read meanwhile."""

    @pytest.mark.parametrize("requests", [0, 1])
    def test_half_of_one(self, engine: HTTP2EngineName, requests: int) -> None:
        client = Client(engine, head_timeout=3.0, keep_alive_timeout=20.0)
        client.elapse(1.0)
        for _ in range(requests):
            client.request()
        stream_id = client.next_id()
        client.receive(frames.headers(stream_id, b"", end_headers=False))
        client.elapse(2.0)
        client.receive(frames.continuation(stream_id, b"", end_headers=False))
        assert client.elapse(0.9) == []
        assert not client.ended

        assert len(client.elapse(0.2)) == requests
        client.frames()
        assert_ended(client)

    def test_complete_one(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, head_timeout=3.0)
        block = client.block()
        client.receive(frames.headers(client.next_id(), block[:2], end_headers=False))
        client.elapse(2.0)
        client.receive(frames.continuation(1, block[2:]))

        assert client.elapse(1_000.0) == []
        client.respond(1)
        assert replies(client.frames())[1].ended


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
        assert (reply.status, reply.ended, reply.reset) == (408, True, Code.NO_ERROR)
        client.release(1)
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


class TestClose:
    """Section 6.8: "A server that is attempting to gracefully shut down a connection SHOULD send
    an initial GOAWAY frame with the last stream identifier set to 2^31-1 and a NO_ERROR code.
    ... After allowing time for any in-flight stream creation (at least one round-trip time), the
    server MAY send another GOAWAY frame with an updated last stream identifier"."""

    def test_first_goaway_names_no_stream(self, client: Client) -> None:
        client.request()
        client.connection.close(client.now)
        sent = client.frames()
        [goaway] = of_kind(sent, Type.GOAWAY)

        assert (goaway.last_stream_id, goaway.code) == (2**31 - 1, Code.NO_ERROR)
        assert len(client.observer.pings) == 1
        assert not client.ended

    def test_requests_on_their_way_are_answered(self, client: Client) -> None:
        client.request()
        client.connection.close(client.now)
        client.frames()
        client.request()
        client.receive(frames.ping(client.observer.pings[0], ack=True))
        [goaway] = of_kind(client.frames(), Type.GOAWAY)
        assert (goaway.last_stream_id, goaway.code) == (3, Code.NO_ERROR)
        client.respond(1, 200, [], b"one")
        assert not client.ended
        client.respond(3, 200, [], b"three")
        found = replies(client.frames())

        assert (found[1].body, found[3].body) == (b"one", b"three")
        assert_ended(client)

    def test_requests_after_the_last_stream_are_ignored(self, client: Client) -> None:
        """Yet their field blocks are decoded: "... in order to maintain the compression state"."""
        client.upload()
        client.connection.close(client.now)
        client.frames()
        client.receive(frames.ping(client.observer.pings[0], ack=True))
        client.frames()
        late = client.headers(head(b"POST", b"/late", (b"x-sum", b"remember")), end=False)
        assert client.receive(late, frames.data(3, b"x"), frames.data(3, b"y", end=True)) == []
        trailers = frames.headers(1, client.block([(b"x-sum", b"remember")]))
        [event] = client.receive(trailers)

        assert getattr(event, "trailers", None) == [(b"x-sum", b"remember")]
        assert of_kind(client.frames(), Type.GOAWAY, Type.RST_STREAM) == []
        client.respond(1)
        assert replies(client.frames())[1].ended
        assert client.ended

    def test_last_stream_is_not_moved_by_what_is_ignored(self, client: Client) -> None:
        """"Endpoints MUST NOT increase the value they send in the last stream identifier": not
        by an error either."""
        client.request()
        client.connection.close(client.now)
        client.elapse(1.1)
        client.receive(client.headers(), client.headers(), frames.data(0))

        goaways = of_kind(client.frames(), Type.GOAWAY)
        assert [frame.last_stream_id for frame in goaways] == [2**31 - 1, 1, 1]

    def test_answers_that_are_stuck_do_not_prolong_it(self, client: Client) -> None:
        """Neither do their timers make the connection's owner run in circles."""
        client.receive(frames.settings((Setting.INITIAL_WINDOW_SIZE, 0)))
        for _ in range(3):
            client.request()
            client.elapse(1.0)
        client.respond(1, 200, [], b"stuck")
        client.connection.close(client.now)
        client.elapse(1.1)
        client.respond(3, 200, [], b"stuck")
        client.respond(5, 200, [], b"stuck")
        client.elapse(100.0)

        assert client.connection.should_close

    def test_acknowledgement_is_not_waited_for_long(self, client: Client) -> None:
        client.request()
        client.connection.close(client.now)
        client.frames()
        client.elapse(0.9)
        assert client.frames() == []
        client.elapse(0.2)
        [goaway] = of_kind(client.frames(), Type.GOAWAY)

        assert goaway.last_stream_id == 1
        assert not client.ended

    def test_idle_connection_ends_after_the_second(self, client: Client) -> None:
        client.exchange()
        client.connection.close(client.now)
        client.frames()
        client.receive(frames.ping(client.observer.pings[0], ack=True))

        assert client.frames()[-1].last_stream_id == 1
        assert_ended(client)

    def test_other_pings_are_no_acknowledgement(self, client: Client) -> None:
        client.request()
        client.connection.close(client.now)
        client.frames()
        client.receive(frames.ping(b"another!", ack=True))

        assert of_kind(client.frames(), Type.GOAWAY) == []

    def test_again_changes_nothing(self, client: Client) -> None:
        client.request()
        for _ in range(3):
            client.connection.close(client.now)

        assert len(of_kind(client.frames(), Type.GOAWAY)) == 1

    def test_uploads_go_on(self, client: Client) -> None:
        client.upload()
        client.connection.close(client.now)
        client.frames()
        client.elapse(1.1)
        client.frames()
        for _ in range(10):
            client.receive(frames.data(1, bytes(16_000)))
            client.connection.consumed(1, 16_000, client.now)
            client.frames()
        client.receive(frames.data(1, b"x", end=True))
        client.respond(1, 200, [], b"done")

        assert replies(client.frames())[1].body == b"done"
        assert client.ended

    def test_number_of_requests_is_limited(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, max_requests=3)
        for _ in range(3):
            assert not of_kind(client.frames(), Type.GOAWAY)
            stream_id = client.request().stream_id
            client.respond(stream_id)
        assert of_kind(client.frames(), Type.GOAWAY)[0].last_stream_id == 2**31 - 1
        client.elapse(1.1)
        client.frames()

        assert client.ended

    def test_before_the_preface(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, handshake=False)
        client.connection.close(client.now)
        client.frames()
        client.elapse(1.1)
        client.frames()

        assert client.ended
