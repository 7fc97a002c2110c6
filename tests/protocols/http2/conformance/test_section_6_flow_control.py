"""RFC 9113 sections 5.2 and 6.9: flow control, in both directions."""

from __future__ import annotations

import pytest

from hypercorn_protocols.settings import HTTP2EngineName
from tests.protocols.http2 import frames
from tests.protocols.http2.client import Client, content, replies
from tests.protocols.http2.conformance.errors import (
    assert_connection_error,
    assert_ignored,
    assert_stream_error,
)
from tests.protocols.http2.frames import MAX_WINDOW, Code, Frame, Setting, Type, of_kind


def body_sent(client: Client, stream_id: int = 1) -> int:
    """How much content of an answer is sent now."""
    sent = of_kind(client.frames(), Type.DATA)
    return sum(len(frame.content) for frame in sent if frame.stream_id == stream_id)


class TestWindowUpdate:
    """Section 6.9."""

    @pytest.mark.parametrize("size", [0, 3, 5, 8])
    @pytest.mark.parametrize("stream_id", [0, 1])
    def test_wrong_length_is_a_connection_error(
        self, client: Client, size: int, stream_id: int
    ) -> None:
        """ "A WINDOW_UPDATE frame with a length other than 4 octets MUST be treated as a
        connection error of type FRAME_SIZE_ERROR"."""
        client.request()
        data = frames.frame(Type.WINDOW_UPDATE, 0, stream_id, bytes(size))

        assert_connection_error(client, data, Code.FRAME_SIZE_ERROR)

    def test_nothing_for_the_connection_is_a_connection_error(self, client: Client) -> None:
        """ "errors on the connection flow-control window MUST be treated as a connection
        error"."""
        assert_connection_error(client, frames.window_update(0, 0), Code.PROTOCOL_ERROR)

    def test_nothing_for_a_stream_is_a_stream_error(self, client: Client) -> None:
        """ "A receiver MUST treat the receipt of a WINDOW_UPDATE frame with a flow-control window
        increment of 0 as a stream error of type PROTOCOL_ERROR"."""
        client.request()

        assert_stream_error(client, frames.window_update(1, 0), Code.PROTOCOL_ERROR)

    def test_reserved_bit_is_ignored(self, client: Client) -> None:
        client.request()

        assert_ignored(client, frames.window_update(1, 1 << 31 | 5))


class TestSending:
    """Section 6.9.1: what the server sends fits both windows; the observer watches each frame."""

    def test_windows_are_65535_at_first(self, client: Client) -> None:
        client.request()
        client.respond(1, 200, [], bytes(100_000))

        assert body_sent(client) == 65_535
        assert client.connection.buffered(1) == 100_000 - 65_535

    def test_both_windows_have_to_be_open(self, client: Client) -> None:
        client.request()
        client.respond(1, 200, [], bytes(100_000))
        body_sent(client)
        client.receive(frames.window_update(1, 1_000))
        assert body_sent(client) == 0
        client.receive(frames.window_update(0, 400))
        assert body_sent(client) == 400
        client.receive(frames.window_update(0, 1_000))
        assert body_sent(client) == 600

    def test_small_window_is_used(self, client: Client) -> None:
        client.receive(frames.settings((Setting.INITIAL_WINDOW_SIZE, 1)))
        client.request()
        client.respond(1, 200, [], b"hello")
        sent = client.frames()

        assert [frame.content for frame in of_kind(sent, Type.DATA)] == [b"h"]
        client.receive(frames.window_update(1, 3))
        assert replies(client.frames())[1].body == b"ell"

    def test_headers_and_the_end_need_no_window(self, client: Client) -> None:
        """Section 5.2.1: "Only DATA frames are subject to flow control", and empty ones are
        always possible."""
        client.receive(frames.settings((Setting.INITIAL_WINDOW_SIZE, 0)))
        for _ in range(2):
            client.request()
        client.respond(1)
        client.respond(3, 200, [], b"", end=False, trailers=True)
        client.connection.send_trailers(3, [(b"x", b"y")])

        found = replies(client.frames())
        assert found[1].ended
        assert found[3].trailers == [(b"x", b"y")]

    def test_trailers_wait_for_content(self, client: Client) -> None:
        client.receive(frames.settings((Setting.INITIAL_WINDOW_SIZE, 3)))
        client.request()
        client.respond(1, 200, [], b"hello", end=False, trailers=True)
        client.connection.send_trailers(1, [(b"x", b"y")])
        sent = client.frames()
        assert replies(sent)[1].body == b"hel"
        client.receive(frames.window_update(1, 2))

        reply = replies(sent + client.frames())[1]
        assert (reply.body, reply.trailers, reply.ended) == (b"hello", [(b"x", b"y")], True)

    def test_one_stream_without_a_window_does_not_stop_another(self, client: Client) -> None:
        client.receive(frames.settings((Setting.INITIAL_WINDOW_SIZE, 0)))
        for _ in range(2):
            client.request()
        client.respond(1, 200, [], b"blocked")
        client.respond(3, 200, [], b"free")
        client.receive(frames.window_update(3, 100))

        found = replies(client.frames())
        assert found[3].body == b"free"
        assert found[1].body == b""

    def test_streams_share_the_window_of_the_connection(self, client: Client) -> None:
        """And none gets everything."""
        client.receive(frames.settings((Setting.INITIAL_WINDOW_SIZE, 2**20)))
        for _ in range(3):
            client.request()
        for stream_id in (1, 3, 5):
            client.respond(stream_id, 200, [], bytes(100_000))
        found = replies(client.frames())

        assert sum(len(reply.body) for reply in found.values()) == 65_535
        client.receive(frames.window_update(0, 2**20))
        more = replies(client.frames())
        assert [len(found[key].body) + len(more[key].body) for key in (1, 3, 5)] == [100_000] * 3

    def test_more_than_one_call_hands_out_much(self, client: Client) -> None:
        """A deadline in the past says that there is more."""
        client.request()
        client.receive(frames.window_update(0, 2**22), frames.window_update(1, 2**22))
        client.respond(1, 200, [], bytes(3_000_000))
        sent: list[Frame] = []
        calls = 0
        while client.connection.deadline <= client.now or not calls:
            client.take_up()
            data = client.connection.data_to_send(client.now)
            assert len(data) < 1_000_000
            sent += client.observer.server_sends(data)
            calls += 1

        assert len(replies(sent)[1].body) == 3_000_000
        assert calls > 3

    def test_overflow_of_the_connection_is_a_connection_error(self, client: Client) -> None:
        """ "If a sender receives a WINDOW_UPDATE that causes a flow-control window to exceed this
        maximum, it MUST terminate either the stream or the connection"."""
        client.receive(frames.window_update(0, MAX_WINDOW - 65_535))
        assert client.exchange().body == b"alive"

        # The window is five less than its maximum after "alive".
        assert_connection_error(client, frames.window_update(0, 6), Code.FLOW_CONTROL_ERROR)

    def test_overflow_of_a_stream_is_a_stream_error(self, client: Client) -> None:
        client.request()
        client.receive(frames.window_update(1, MAX_WINDOW - 65_535))
        assert client.frames() == []

        assert_stream_error(client, frames.window_update(1, 1), Code.FLOW_CONTROL_ERROR)

    def test_overflow_while_the_answer_is_sent_is_a_stream_error(self, client: Client) -> None:
        client.request()
        client.respond(1, 200, [], bytes(70_000), end=False)
        client.frames()
        data = frames.window_update(1, MAX_WINDOW) * 2 + frames.window_update(0, 1_000)

        assert_stream_error(client, data, Code.FLOW_CONTROL_ERROR)


class TestInitialWindow:
    """Section 6.9.2."""

    def test_change_adjusts_open_streams(self, client: Client) -> None:
        """ "When the value of SETTINGS_INITIAL_WINDOW_SIZE changes, a receiver MUST adjust the
        size of all stream flow-control windows that it maintains by the difference"."""
        client.receive(frames.settings((Setting.INITIAL_WINDOW_SIZE, 0)))
        client.request()
        client.respond(1, 200, [], b"hello")
        assert body_sent(client) == 0
        client.receive(frames.settings((Setting.INITIAL_WINDOW_SIZE, 1)))

        assert body_sent(client) == 1

    def test_window_may_become_negative(self, client: Client) -> None:
        """ "A sender MUST track the negative flow-control window and MUST NOT send new
        flow-controlled frames until it receives WINDOW_UPDATE frames that cause the
        flow-control window to become positive"."""
        client.receive(frames.settings((Setting.INITIAL_WINDOW_SIZE, 3)))
        client.request()
        client.respond(1, 200, [], bytes(20))
        assert body_sent(client) == 3
        client.receive(frames.settings((Setting.INITIAL_WINDOW_SIZE, 2)))
        assert body_sent(client) == 0
        client.receive(frames.window_update(1, 1))
        assert body_sent(client) == 0
        client.receive(frames.window_update(1, 1))
        assert body_sent(client) == 1

    def test_window_below_zero_grows_by_settings_too(self, client: Client) -> None:
        client.request()
        client.respond(1, 200, [], bytes(100_000))
        assert body_sent(client) == 65_535
        client.receive(frames.settings((Setting.INITIAL_WINDOW_SIZE, 0)))
        client.receive(frames.window_update(0, 2**20))
        assert body_sent(client) == 0
        client.receive(frames.settings((Setting.INITIAL_WINDOW_SIZE, 65_534)))
        assert body_sent(client) == 0
        client.receive(frames.settings((Setting.INITIAL_WINDOW_SIZE, 65_545)))
        assert body_sent(client) == 10

    def test_change_does_not_touch_the_connection(self, client: Client) -> None:
        """ "the connection flow-control window can only be changed using WINDOW_UPDATE frames"."""
        client.receive(frames.settings((Setting.INITIAL_WINDOW_SIZE, 2**20)))
        client.request()
        client.respond(1, 200, [], bytes(100_000))

        assert body_sent(client) == 65_535

    def test_overflow_by_a_change_is_a_connection_error(self, client: Client) -> None:
        """ "An endpoint MUST treat a change to SETTINGS_INITIAL_WINDOW_SIZE that causes any
        flow-control window to exceed the maximum size as a connection error of type
        FLOW_CONTROL_ERROR"."""
        client.request()
        client.receive(frames.window_update(1, 1_000))
        data = frames.settings((Setting.INITIAL_WINDOW_SIZE, MAX_WINDOW))

        assert_connection_error(client, data, Code.FLOW_CONTROL_ERROR)


class TestReceiving:
    """Section 6.9.1: what the client may send."""

    def fill(self, client: Client, stream_id: int) -> int:
        """Send as much as the windows let; returns how much that is."""
        sent = 0
        windows = client.observer.upload
        while size := min(windows.connection, windows.stream(stream_id), 16_384):
            sent += len(content(client.receive(frames.data(stream_id, bytes(size))), stream_id))
            client.frames()
        return sent

    def test_windows_open_as_the_application_takes(self, client: Client) -> None:
        client.upload()
        for _ in range(5):
            size = self.fill(client, 1)
            assert size >= 16_384
            client.connection.consumed(1, size, client.now)
            client.frames()

    def test_first_window_is_the_buffer(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, max_body_buffer=20_000)
        client.upload()

        assert self.fill(client, 1) == 20_000

    def test_buffer_may_be_larger_than_the_window_of_a_connection(
        self, engine: HTTP2EngineName
    ) -> None:
        client = Client(engine, max_body_buffer=300_000)
        client.upload()

        assert self.fill(client, 1) == 300_000

    def test_windows_grow_for_a_fast_client(self, engine: HTTP2EngineName) -> None:
        """While the application keeps up; all of them together by no more than the setting."""
        client = Client(engine, max_body_buffer=20_000, max_window_growth=100_000)
        streams = [client.upload() for _ in range(2)]
        largest = 0
        for _ in range(20):
            sizes = [self.fill(client, stream_id) for stream_id in streams]
            largest = max(largest, sum(sizes))
            for stream_id, size in zip(streams, sizes, strict=True):
                client.connection.consumed(stream_id, size, client.now)
            client.frames()

        assert 80_000 < largest <= 2 * 20_000 + 100_000

    def test_windows_do_not_grow_without_the_setting(self, engine: HTTP2EngineName) -> None:
        client = Client(engine, max_body_buffer=20_000, max_window_growth=0)
        client.upload()
        for _ in range(10):
            size = self.fill(client, 1)
            assert size <= 20_000
            client.connection.consumed(1, size, client.now)
            client.frames()

    def test_window_stays_shut_while_the_application_takes_nothing(self, client: Client) -> None:
        client.upload()
        taken = self.fill(client, 1)
        client.connection.consumed(1, 0, client.now)
        assert client.elapse(1.0) == []
        client.frames()

        assert client.observer.upload.stream(1) < taken

    def test_stream_that_nobody_reads_does_not_stop_another(self, client: Client) -> None:
        """All their windows together have to fit that of the connection."""
        streams = [client.upload() for _ in range(20)]
        for stream_id in streams:
            assert self.fill(client, stream_id) == 65_536

        assert client.exchange().body == b"alive"

    def test_more_than_the_window_is_an_error(self, client: Client) -> None:
        """ "A receiver MAY respond with a stream error or connection error of type
        FLOW_CONTROL_ERROR if it is unable to accept a frame"."""
        client.upload()
        self.fill(client, 1)
        client.receive(frames.data(1, b"x"))

        [error] = of_kind(client.frames(), Type.RST_STREAM, Type.GOAWAY)
        assert error.code == Code.FLOW_CONTROL_ERROR

    def test_ended_stream_gets_no_credit(self, client: Client) -> None:
        client.upload()
        client.receive(frames.data(1, bytes(16_384)))
        client.receive(frames.data(1, bytes(16_384), end=True))
        client.connection.consumed(1, 32_768, client.now)

        updates = of_kind(client.frames(), Type.WINDOW_UPDATE)
        assert [frame.stream_id for frame in updates if frame.stream_id] == []

    def test_what_the_application_leaves_is_given_back(self, client: Client) -> None:
        """Or the connection's window would run out."""
        for _ in range(100):
            stream_id = client.upload()
            client.receive(frames.data(stream_id, bytes(16_384)))
            client.receive(frames.data(stream_id, bytes(16_384), end=True))
            client.respond(stream_id)
            client.frames()

        assert client.observer.upload.connection >= 65_535

    @pytest.mark.parametrize("seconds", [0.0, 3.0])
    def test_what_comes_after_an_early_answer_is_given_back(
        self, client: Client, seconds: float
    ) -> None:
        """Be it while the rest is thrown away, or after the stream was reset."""
        for _ in range(20):
            stream_id = client.upload()
            client.receive(frames.data(stream_id, bytes(16_384)))
            client.respond(stream_id, 200, [], b"early")
            client.elapse(seconds)
            late = [frames.data(stream_id, bytes(10_000)), frames.data(stream_id, b"x", end=True)]
            assert client.receive(*late) == []
            client.frames()

        assert client.observer.upload.connection >= 65_535

    @pytest.mark.parametrize("by", ["client", "server"])
    def test_what_was_on_a_stream_that_is_reset_is_given_back(
        self, client: Client, by: str
    ) -> None:
        for _ in range(20):
            stream_id = client.upload()
            client.receive(frames.data(stream_id, bytes(16_384)))
            if by == "client":
                client.receive(frames.rst_stream(stream_id))
            else:
                client.connection.reset_stream(stream_id)
            client.release(stream_id)
            client.frames()

        assert client.observer.upload.connection >= 65_535
