"""RFC 9113 section 10.5: what a peer cannot make a connection do, by doing it very often."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from hypercorn_protocols.errors import LocalProtocolError
from hypercorn_protocols.events import StreamReset
from hypercorn_protocols.settings import HTTP2EngineName
from tests.protocols.http2 import frames
from tests.protocols.http2.client import (
    POST,
    Client,
)
from tests.protocols.http2.frames import Code, Flag, Setting, Type


def flood_of_requests(client: Client) -> bytes:
    """Requests that the client resets."""
    stream_id = client.next_id()
    return frames.headers(stream_id, client.block()) + frames.rst_stream(stream_id)


FLOODS = {
    "PING": lambda client: frames.ping(),
    "SETTINGS": lambda client: frames.settings((Setting.INITIAL_WINDOW_SIZE, 1)),
    "large-SETTINGS": lambda client: frames.settings(*[(0x99, 0)] * 2_700),
    "SETTINGS-ACK": lambda client: frames.SETTINGS_ACK,
    "PRIORITY": lambda client: frames.priority(client.next_id()),
    "PRIORITY_UPDATE": lambda client: frames.priority_update(client.next_id()),
    "unknown": lambda client: frames.frame(0x77, 0, 0, bytes(100)),
    "WINDOW_UPDATE": lambda client: frames.window_update(0, 1),
    "empty-DATA": lambda client: frames.data(1),
    "padding": lambda client: frames.data(1, pad=0),
    "GOAWAY": lambda client: frames.goaway(),
    "rapid-reset": flood_of_requests,
    "malformed": lambda client: client.headers([(b"x", b"y")]),
    "refused": lambda client: client.headers(POST, end=False),
    "RST_STREAM-of-closed": lambda client: frames.rst_stream(1),
    "window-overflow": lambda client: (
        client.headers() + frames.window_update(client.next_id() - 2, 2**31 - 1)
    ),
}


@pytest.mark.parametrize("name", FLOODS)
def test_flood_is_calmed(name: str, engine: HTTP2EngineName) -> None:
    """Section 10.5: "An endpoint MAY treat activity that is suspicious as a connection error of
    type ENHANCE_YOUR_CALM". Whatever an application does with what reaches it."""
    client = Client(engine)
    client.upload()
    if name == "RST_STREAM-of-closed":
        client.receive(frames.rst_stream(1))
    for _ in range(5_000):
        for event in client.receive(FLOODS[name](client)):
            if event.stream_id in client.unfinished and event.stream_id != 1:
                client.release(event.stream_id)
        if client.ended:
            break
    sent = client.frames()

    assert client.ended
    assert sent[-1].kind == Type.GOAWAY
    assert sent[-1].code in (Code.ENHANCE_YOUR_CALM, Code.PROTOCOL_ERROR)


# A thread of pytest-xdist receives the names of tests meanwhile, which takes up to 120 kB.
OTHERS = [tracemalloc.Filter(False, f"*{package}*") for package in ("execnet", "xdist")]


def kept_memory() -> int:
    """Give the bytes of all objects that were made since memory is traced, and still are."""
    gc.collect()
    snapshot = tracemalloc.take_snapshot().filter_traces(OTHERS)
    return sum(trace.size for trace in snapshot.traces)


@pytest.mark.parametrize("name", FLOODS)
def test_slow_flood_costs_no_memory(name: str, engine: HTTP2EngineName) -> None:
    """One a second is no attack; but nothing of it may stay."""
    client = Client(engine, keep_alive_timeout=None, read_idle_timeout=None, read_min_rate=0)
    client.upload()
    client.frames()
    connection = client.connection
    flood = [FLOODS[name](client) for _ in range(3_000)]

    def send(part: list[bytes]) -> None:
        now = client.now
        for data in part:
            for event in connection.receive_data(data, now):
                if isinstance(event, StreamReset) and event.stream_id != 1:
                    connection.release(event.stream_id)
            connection.data_to_send(now)
            now += 1.0
            connection.handle_deadline(now)
        client.now = now

    tracemalloc.start()
    try:
        send(flood[:2_000])  # what is remembered of closed streams has its full size then
        before = kept_memory()
        send(flood[2_000:])
        grown = kept_memory() - before
    finally:
        tracemalloc.stop()
    assert grown < 20_000  # the smallest object has 28 bytes


def test_answers_that_nobody_reads_hold_back_the_application(engine: HTTP2EngineName) -> None:
    """What is buffered is what the application was told of with ``buffered``; no copy more."""
    client = Client(engine, values=[(Setting.INITIAL_WINDOW_SIZE, 0)])
    for _ in range(20):
        stream_id = client.request().stream_id
        client.respond(stream_id, 200, [], bytes(50_000), end=False)
        assert client.connection.buffered(stream_id) == 50_000
    client.frames()
    for stream_id in sorted(client.unfinished):
        client.connection.reset_stream(stream_id)

    assert sum(client.connection.buffered(2 * number + 1) for number in range(20)) == 0


def test_invalid_calls_leave_nothing_behind(client: Client) -> None:
    client.request()
    for _ in range(100):
        with pytest.raises(LocalProtocolError):
            client.connection.send_response(1, 200, [(b"bad name", b"")], b"x", True)
    assert client.frames() == []
    client.respond(1, 200, [], b"good")

    assert [frame.flags & Flag.END_STREAM for frame in client.frames()] == [0, 1]
