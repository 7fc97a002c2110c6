"""What a connection waits for as a whole, and for how long: time is a number here."""

from __future__ import annotations

import pytest

from hypercorn_protocols.settings import HTTP2EngineName
from tests.protocols.http2 import frames
from tests.protocols.http2.client import Client, replies
from tests.protocols.http2.conformance.errors import assert_ended, reset_ids
from tests.protocols.http2.frames import PREFACE, Code, Type, of_kind


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
