"""Rules that meet: what each of them says is tested elsewhere."""

from __future__ import annotations

import tracemalloc

import pytest

from hypercorn_protocols.events import StreamReset
from hypercorn_protocols.settings import HTTP2EngineName
from tests.protocols.http2 import frames
from tests.protocols.http2.client import HEAD, POST, Client, head, replies
from tests.protocols.http2.frames import Flag, Setting, Type, of_kind

LARGE_WINDOWS = [(Setting.INITIAL_WINDOW_SIZE, 1_000_000)]


def test_an_answer_ends_while_another_upload_is_read_away(engine: HTTP2EngineName) -> None:
    """What the end of the one answer brings must not have the end of the other forgotten."""
    client = Client(engine, values=LARGE_WINDOWS)
    client.receive(frames.window_update(0, 1_000_000))
    first = client.request(POST, end=False).stream_id
    client.receive(*[frames.data(first, bytes(16_384)) for _ in range(3)])
    second = client.request(POST, end=False).stream_id
    client.frames()
    client.respond(first, 200, [], bytes(100_000))
    client.respond(second, 200, [], bytes(40_000))
    client.observer.server_sends(client.connection.data_to_send(client.now))  # once

    client.receive(frames.data(second, b"", end=True))
    client.receive(frames.data(first, b"", end=True))
    client.frames()
    assert client.exchange().body == b"alive"
    client.elapse(6.5)
    assert client.ended


def test_empty_data_is_not_the_content_that_was_waited_for(engine: HTTP2EngineName) -> None:
    """100 Continue is still due (RFC 9110 section 10.1.1), and so is 408."""
    client = Client(engine, read_idle_timeout=30.0)
    stream_id = client.request(
        head(b"POST", b"/", (b"expect", b"100-continue")), end=False
    ).stream_id
    client.receive(frames.data(stream_id, b""))
    client.connection.consumed(stream_id, 0, client.now)
    assert replies(client.frames())[stream_id].interim == [100]

    client.elapse(31.0)
    assert replies(client.frames())[stream_id].status == 408


def test_padding_does_not_stop_the_timer(engine: HTTP2EngineName) -> None:
    client = Client(engine, read_idle_timeout=30.0)
    stream_id = client.request(POST, end=False).stream_id
    # Half of the window is used, and it is the padding of the last frame that gives it back.
    for pad in [254] * 127 + [255]:
        client.receive(frames.data(stream_id, b"x", pad=pad))
        client.connection.consumed(stream_id, 1, client.now)
    client.frames()

    client.elapse(31.0)
    assert replies(client.frames())[stream_id].status == 408


def test_priorities_of_streams_to_come_are_small(engine: HTTP2EngineName) -> None:
    client = Client(engine)
    updates = [frames.priority_update(2 * n + 101, b"u=1, x=" + b"y" * 16_000) for n in range(100)]
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for update in updates:
            client.receive(update)
        client.frames()
        assert tracemalloc.get_traced_memory()[0] - before < 500_000
    finally:
        tracemalloc.stop()


def test_the_last_of_many_priorities_counts(engine: HTTP2EngineName) -> None:
    """Also when no more streams are remembered than those that are."""
    client = Client(engine, values=LARGE_WINDOWS, max_concurrent_streams=2)
    client.receive(frames.window_update(0, 1_000_000))
    client.receive(
        frames.priority_update(3, b"u=7"),
        frames.priority_update(1, b"u=0"),
        frames.priority_update(1, b"u=7"),
        frames.priority_update(3, b"u=0"),
    )
    for _ in range(2):
        client.request()
    for stream_id in (1, 3):
        client.respond(stream_id, 200, [], bytes(300_000), end=True)

    ended = [frame.stream_id for frame in client.frames() if frame.has(Flag.END_STREAM)]
    assert ended == [3, 1]


@pytest.mark.parametrize("size", [16_384, 65_536, 200_000])
def test_content_of_a_refused_request_has_its_window(engine: HTTP2EngineName, size: int) -> None:
    """What the server announced holds for requests that it answers itself as well."""
    client = Client(engine, max_body_buffer=size, max_frame_size=200_000, max_body_size=100)
    refused = head(b"POST", b"/", (b"content-length", b"1000000"))
    stream_id = client.next_id()
    assert client.receive(frames.headers(stream_id, client.block(refused), end=False)) == []
    assert replies(client.frames())[stream_id].status == 413

    for _ in range(4):
        client.receive(frames.data(stream_id, bytes(size)))
        sent = client.frames()
        assert of_kind(sent, Type.RST_STREAM) == []
        assert size in [frame.number for frame in of_kind(sent, Type.WINDOW_UPDATE)]
    client.receive(frames.data(stream_id, b"", end=True))
    assert client.exchange().body == b"alive"


def test_content_that_grows_too_large_keeps_its_window(engine: HTTP2EngineName) -> None:
    client = Client(engine, max_body_buffer=16_384, max_body_size=100)
    stream_id = client.request(POST, end=False).stream_id
    client.receive(frames.data(stream_id, bytes(16_384)))
    sent = client.frames()
    assert replies(sent)[stream_id].status == 413
    sent += client.frames()
    updates = [frame.number for frame in of_kind(sent, Type.WINDOW_UPDATE) if frame.stream_id]
    assert updates == [16_384]

    client.receive(frames.data(stream_id, bytes(16_384), end=True))
    assert of_kind(client.frames(), Type.RST_STREAM) == []
    assert client.exchange().body == b"alive"


def test_answered_uploads_are_not_counted_as_resets(engine: HTTP2EngineName) -> None:
    """A client may give up sending what nobody reads."""
    client = Client(engine, max_resets=5, resets_per_second=0)
    for _ in range(20):
        stream_id = client.upload()
        client.respond(stream_id, 404)
        client.frames()
        assert client.receive(frames.rst_stream(stream_id)) == []
    assert client.exchange().body == b"alive"


@pytest.mark.parametrize("status", [200, 204])
def test_reset_of_an_answer_without_content(engine: HTTP2EngineName, status: int) -> None:
    """The answer is complete, but its application does not know and may never end."""
    client = Client(engine)
    stream_id = client.request(HEAD).stream_id
    client.respond(stream_id, status, end=False)
    assert replies(client.frames())[stream_id].ended

    [event] = client.receive(frames.rst_stream(stream_id))
    assert isinstance(event, StreamReset)
    assert client.receive(frames.rst_stream(stream_id)) == []
    client.release(stream_id)
    assert client.exchange().body == b"alive"
