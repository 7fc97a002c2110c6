"""What holds for every input, tried out on many."""

from __future__ import annotations

from random import Random

import hpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypercorn_protocols.events import BodyReceived, RequestReceived, StreamReset
from hypercorn_protocols.settings import HTTP2EngineName
from tests.protocols.http2 import frames
from tests.protocols.http2.client import (
    ENGINES,
    Client,
    StreamEvent,
    head,
)
from tests.protocols.http2.conformance.chaos import Chaos
from tests.protocols.http2.frames import PREFACE, Frame, Type
from tests.protocols.strategies import DETERMINISTIC, splits

engines = st.sampled_from(ENGINES)


def exchange(random: Random) -> bytes:
    """What a client may send that makes no mistake: some requests, with frames between them."""
    encoder = hpack.Encoder()
    sent = [PREFACE, frames.settings(), frames.SETTINGS_ACK]
    for number in range(random.randint(1, 5)):
        stream_id = 2 * number + 1
        fields = head(b"POST", b"/%d" % number, (b"x", b"v" * random.randint(0, 50)))
        block = encoder.encode(fields)
        ends = random.random() < 0.3
        cut = random.randint(0, len(block))
        pad = random.choice((None, 0, 7))
        sent += (
            frames.headers(stream_id, block[:cut], end=ends, end_headers=False, pad=pad),
            frames.continuation(stream_id, block[cut:]),
        )
        for _ in range(0 if ends else random.randint(0, 3)):
            sent.append(frames.data(stream_id, b"c" * random.randint(0, 300), pad=pad))
            sent.append(random.choice((frames.ping(), frames.priority(99), frames.settings())))
        if not ends and random.random() < 0.5:
            sent.append(frames.headers(stream_id, encoder.encode([(b"x-sum", b"%d" % number)])))
        elif not ends:
            sent.append(frames.data(stream_id, end=True))
    return b"".join(sent)


def joined(events: list[StreamEvent]) -> list[StreamEvent]:
    """Events with the content that is cut by nothing but how it came put together."""
    result: list[StreamEvent] = []
    for event in events:
        last = result[-1] if result else None
        if (
            isinstance(event, BodyReceived)
            and isinstance(last, BodyReceived)
            and event.stream_id == last.stream_id
        ):
            result[-1] = BodyReceived(event.stream_id, last.data + event.data)
        else:
            result.append(event)
    return result


@settings(DETERMINISTIC, max_examples=60)
@given(st.data(), st.integers(0, 2**32), engines)
def test_valid_exchange_is_read_alike_however_it_is_cut(
    data: st.DataObject, seed: int, engine: HTTP2EngineName
) -> None:
    stream = exchange(Random(seed))
    whole = Client(engine, handshake=False)
    expected = joined(whole.receive(stream))
    cut = Client(engine, handshake=False)
    events = [event for piece in data.draw(splits(stream)) for event in cut.receive(piece)]

    assert joined(events) == expected
    assert [type(event) for event in expected].count(RequestReceived) >= 1
    assert not whole.ended
    assert b"".join(frame.payload for frame in whole.frames()) == b"".join(
        frame.payload for frame in cut.frames()
    )


@DETERMINISTIC
@given(st.lists(st.binary(max_size=200), max_size=8), engines, st.booleans())
def test_nothing_that_comes_raises(
    received: list[bytes], engine: HTTP2EngineName, handshake: bool
) -> None:
    client = Client(engine, handshake=handshake)
    for data in received:
        client.receive(data)
        client.elapse(1.0)
        client.frames()


@pytest.mark.parametrize("part", range(6))
def test_no_order_of_frames_and_calls_breaks_the_rules(part: int, engine: HTTP2EngineName) -> None:
    """The observer objects to whatever the server may not send."""
    for seed in range(60):
        Chaos(Random(1_000 * part + seed), engine).play()


def test_engines_agree() -> None:
    """On every event, and on every frame but for how its fields are compressed."""
    for seed in range(200):
        players = [Chaos(Random(seed), engine) for engine in ENGINES]
        for player in players:
            player.play()
        first, *others = [
            (
                [_without_reason(event) for event in player.events],
                [_without_compression(frame) for frame in player.sent],
            )
            for player in players
        ]

        assert all(other == first for other in others), seed


def _without_reason(event: StreamEvent) -> StreamEvent:
    """An event, but for the words."""
    return StreamReset(event.stream_id, "") if isinstance(event, StreamReset) else event


def _without_compression(frame: Frame) -> tuple[int, int, bytes, object]:
    """What a frame means, whoever has compressed its fields or worded why."""
    if frame.kind == Type.HEADERS:
        return frame.kind, frame.stream_id, b"", frame.fields
    if frame.kind == Type.GOAWAY:
        return frame.kind, frame.last_stream_id, b"", frame.code
    return frame.kind, frame.stream_id, frame.payload, frame.flags


@DETERMINISTIC
@given(st.integers(0, 2**32), engines)
def test_answers_to_streams_that_are_not_there_do_nothing(
    seed: int, engine: HTTP2EngineName
) -> None:
    """Whatever an application does that is late, and however its stream ended."""
    random = Random(seed)
    chaos = Chaos(random, engine)
    for _ in range(20):
        chaos.client.receive(chaos.mutated())
    chaos.client.frames()
    connection = chaos.client.connection
    for stream_id in {1, 3, 5, 7, 9, 11, 2, 99} - chaos.client.unfinished:
        connection.consumed(stream_id, 100, chaos.client.now)
        connection.send_informational(stream_id, 103, [])
        connection.send_response(stream_id, 200, [], b"x", True)
        connection.send_body(stream_id, b"x")
        connection.send_trailers(stream_id, [])
        connection.reset_stream(stream_id)
        assert connection.buffered(stream_id) == 0
        assert not connection.push(stream_id, b"/", [])
        connection.release(stream_id)

    assert chaos.client.frames() == []
