"""How much is handed out at once, and that no more than that is read."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypercorn_protocols.settings import WebSocketEngineName
from hypercorn_protocols.websocket import MessageReceived, WebSocketEvent
from tests.protocols.strategies import DETERMINISTIC, splits
from tests.protocols.websocket.player import ENGINES
from tests.protocols.websocket.wire import Wire, compress, messages, pongs
from tests.websocket_peer import binary, close, frame, ping, text


def size(events: list[WebSocketEvent]) -> int:
    return sum(len(event.data) for event in events if isinstance(event, MessageReceived))


def test_no_more_than_one_message_above_the_buffer(engine: WebSocketEngineName) -> None:
    wire = Wire(engine, max_message_buffer=1000)
    data = binary(bytes(300)) * 10
    events = wire.websocket.receive_data(data, 0.0)
    assert 0 < size(events) <= 1300
    total = list(events)
    while wire.websocket.has_more:
        events = wire.websocket.proceed(0.0)
        assert size(events) <= 1300
        total += events
    assert total == messages(*[bytes(300)] * 10)


@pytest.mark.parametrize("message", [text(""), binary(b"")])
def test_messages_without_content_count(engine: WebSocketEngineName, message: bytes) -> None:
    wire = Wire(engine)
    events = wire.websocket.receive_data(message * 10_000, 0.0)
    assert len(events) < 1100
    count = len(events)
    while wire.websocket.has_more:
        events = wire.websocket.proceed(0.0)
        assert len(events) < 1100
        count += len(events)
    assert count == 10_000


def test_what_comes_while_more_is_held_waits_in_line(engine: WebSocketEngineName) -> None:
    wire = Wire(engine, max_message_buffer=0)
    assert wire.websocket.receive_data(text("a") + text("b"), 0.0) == messages("a")
    assert wire.websocket.receive_data(text("c"), 0.0) == []
    assert wire.websocket.proceed(0.0) == messages("b")
    assert wire.websocket.has_more
    assert wire.rest() == messages("c")
    assert wire.websocket.receive_data(text("d"), 0.0) == messages("d")


def test_pings_wait_in_line_too(engine: WebSocketEngineName) -> None:
    wire = Wire(engine, max_message_buffer=0)
    assert wire.websocket.receive_data(ping(b"1") + text("a") + ping(b"2"), 0.0) == messages("a")
    assert pongs(wire.sent()) == [b"1"]
    assert wire.websocket.proceed(0.0) == []
    assert pongs(wire.sent()) == [b"2"]
    assert not wire.websocket.has_more


def test_nothing_more_to_proceed_with(engine: WebSocketEngineName) -> None:
    wire = Wire(engine)
    assert wire.websocket.proceed(0.0) == []
    wire.receive(close())
    assert wire.websocket.proceed(0.0) == []
    wire.websocket.finish(0.0)
    assert wire.websocket.proceed(0.0) == []
    assert wire.closure() == (1000, "")


def test_compressed_messages_count_as_they_are_handed_out(engine: WebSocketEngineName) -> None:
    wire = Wire(engine, deflate=True, max_message_buffer=10_000)
    small = frame(2, compress(bytes(50_000)), reserved=4)
    tracemalloc.start()
    events = wire.websocket.receive_data(small * 100, 0.0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert events == messages(bytes(50_000))
    assert wire.websocket.has_more
    assert peak < 1_000_000


def test_nothing_is_kept_of_what_has_been_handed_out() -> None:
    wire = Wire()
    tracemalloc.start()
    assert wire.receive(binary(bytes(1_000_000))) == messages(bytes(1_000_000))
    wire.websocket.send_message(bytes(5_000_000))
    assert len(wire.websocket.data_to_send()) == 5_000_010
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 500_000


@DETERMINISTIC
@given(st.lists(st.text(max_size=5), max_size=12), st.integers(0, 300), st.data())
def test_all_comes_in_order(contents: list[str], limit: int, data: st.DataObject) -> None:
    stream = b"".join(map(text, contents)) + close()
    pieces = data.draw(splits(stream))
    impatient = data.draw(st.booleans())
    for engine in ENGINES:
        wire = Wire(engine, max_message_buffer=limit)
        events: list[WebSocketEvent] = []
        for piece in pieces:
            events += wire.websocket.receive_data(piece, 0.0)
            while wire.websocket.has_more and not impatient:
                events += wire.websocket.proceed(0.0)
        while wire.websocket.has_more:
            events += wire.websocket.proceed(0.0)
        assert events[:-1] == messages(*contents)
        assert not isinstance(events[-1], MessageReceived)
