"""RFC 9113 section 6.8: how a connection is closed without losing anything."""

from __future__ import annotations

from hypercorn_protocols.settings import HTTP2EngineName
from tests.protocols.http2 import frames
from tests.protocols.http2.client import Client, head, replies
from tests.protocols.http2.conformance.errors import assert_ended, reset_ids
from tests.protocols.http2.frames import Code, Setting, Type, of_kind


class TestIdleness:
    """What the owner of a connection looks at before it closes it."""

    def test_idle_is_without_requests(self, client: Client) -> None:
        idle = [client.connection.is_idle]
        client.upload()
        idle.append(client.connection.is_idle)
        client.receive(frames.data(1, b"x", end=True))
        client.respond(1, 200, [], bytes(70_000))
        client.frames()
        idle.append(client.connection.is_idle)
        client.receive(frames.window_update(0, 10_000), frames.window_update(1, 10_000))
        client.frames()
        idle.append(client.connection.is_idle)

        assert idle == [True, False, False, True]

    def test_half_a_field_block_is_a_request(self, client: Client) -> None:
        client.receive(client.headers(end_headers=False))
        assert not client.connection.is_idle

    def test_peer_is_always_read(self, client: Client) -> None:
        """Windows hold it back."""
        client.upload()
        client.receive(*[frames.data(1, bytes(16_384))] * 4)

        assert client.connection.wants_data


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
        """ "the sender can discard frames for streams initiated by the receiver with identifiers
        higher than the identified last stream. ... For instance, HEADERS ... frames MUST be
        minimally processed to ensure that the state maintained for field section compression is
        consistent"."""
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

    def test_content_after_the_last_stream_is_given_back(self, client: Client) -> None:
        """ "similarly, DATA frames MUST be counted toward the connection flow-control
        window"."""
        client.upload()
        client.connection.close(client.now)
        client.elapse(1.1)
        client.receive(client.headers(head(b"POST"), end=False))
        for _ in range(300):
            assert client.observer.upload.connection >= 16_384
            assert client.receive(frames.data(3, bytes(16_384))) == []
            assert of_kind(client.frames(), Type.RST_STREAM) == []

    def test_last_stream_is_not_moved_by_what_is_ignored(self, client: Client) -> None:
        """ "Endpoints MUST NOT increase the value they send in the last stream identifier": not
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

    def test_stream_that_is_late_in_two_ways(self, engine: HTTP2EngineName) -> None:
        """The second way is moot when the first has ended everything."""
        client = Client(engine, read_idle_timeout=10.0, write_idle_timeout=10.1)
        client.upload()
        client.respond(1, 200, [], bytes(70_000), end=False)
        client.connection.close(client.now)
        assert reset_ids(client.elapse(10.05)) == [1]
        client.release(1)
        client.elapse(0.2)
        client.elapse(0.2)

        assert client.ended

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

    def test_acknowledgement_is_waited_for_longer_with_patience(self, client: Client) -> None:
        client.exchange()
        client.connection.close(client.now, 3.0)
        client.frames()
        client.elapse(2.9)
        client.request()
        assert client.frames() == []
        client.elapse(0.2)
        [goaway] = of_kind(client.frames(), Type.GOAWAY)
        client.respond(3, 200, [], b"three")

        assert goaway.last_stream_id == 3
        assert replies(client.frames())[3].body == b"three"
        assert_ended(client)

    def test_acknowledgement_ends_patience(self, client: Client) -> None:
        client.exchange()
        client.connection.close(client.now, 3.0)
        client.frames()
        client.receive(frames.ping(client.observer.pings[0], ack=True))

        assert client.frames()[-1].last_stream_id == 1
        assert_ended(client)

    def test_patience_can_be_lost_but_not_gained(self, client: Client) -> None:
        client.exchange()
        client.connection.close(client.now, 30.0)
        client.connection.close(client.now)
        client.connection.close(client.now, 30.0)
        assert len(of_kind(client.frames(), Type.GOAWAY)) == 1
        client.elapse(1.1)

        assert len(of_kind(client.frames(), Type.GOAWAY)) == 1
        assert client.ended

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
