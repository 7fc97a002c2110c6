"""What holds for every input, tried out on many."""

from __future__ import annotations

import gc
import tracemalloc
from random import Random

import hpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypercorn_protocols.errors import LocalProtocolError
from hypercorn_protocols.events import BodyReceived, RequestReceived, StreamReset
from hypercorn_protocols.settings import HTTP2EngineName
from tests.protocols.http2 import frames
from tests.protocols.http2.client import (
    ENGINES,
    GET,
    HEAD,
    POST,
    Client,
    StreamEvent,
    head,
    literal,
)
from tests.protocols.http2.frames import PREFACE, Code, Flag, Setting, Type
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


class Chaos:
    """A client that sends frames at random, most of them nearly right, to a server that answers.

    Args:
        random: what decides.
        engine: which one.
    """

    def __init__(self, random: Random, engine: HTTP2EngineName) -> None:
        self.random = random
        self.mistakes = random.choice((0.01, 0.1, 0.5))
        self.client = Client(
            engine, max_concurrent_streams=5, max_resets=20, max_header_list_size=500
        )
        self.answering: set[int] = set()
        self.client.upload()

    def stream_id(self) -> int:
        """A stream's identifier, as a rule of one that there is."""
        random = self.random
        if random.random() < self.mistakes:
            return random.choice((0, 1, 2, 9, 21, 2**31 - 1))
        return random.choice(sorted(self.client.unfinished) or [1])

    def block(self) -> bytes:
        """A field block, often of a valid request."""
        random = self.random
        fields = random.choice(
            (GET, POST, HEAD, head(b"GET", b""), [(b"x-sum", b"1")], [*GET, (b"X", b"\n")])
        )
        block = self.client.block(fields)
        if random.random() < self.mistakes / 2:
            block += random.choice((b"\x80", literal(b"x", b"v" * 700), random.randbytes(5)))
        return block

    def frame(self) -> bytes:
        """Some frame."""
        random, stream_id = self.random, self.stream_id()
        end = random.random() < 0.5
        size = random.choice((0, 1, 100, 9_000))
        number = random.choice((1, 100, 16_384, 65_536))
        if random.random() < self.mistakes:
            number = random.choice((0, 2**31 - 1))
        match random.randrange(16):
            case 0 | 1 | 2 | 3:
                return self.client.headers(random.choice((GET, POST, HEAD)), end=end)
            case 4:
                return frames.headers(stream_id, self.block(), end=end)
            case 5 | 6 | 7:
                return frames.data(stream_id, bytes(size), end=end, pad=random.choice((None, 3)))
            case 8:
                return frames.window_update(stream_id, number)
            case 9:
                return frames.window_update(0, number)
            case 10:
                return frames.rst_stream(stream_id, random.choice(list(Code)))
            case 11:
                return frames.settings((Setting(random.choice((1, 3, 4, 6))), number))
            case 12:
                return random.choice((frames.ping(), frames.SETTINGS_ACK, frames.goaway()))
            case 13:
                return frames.priority_update(stream_id, b"u=%d" % random.randint(0, 9))
            case 14:
                return frames.priority(stream_id, 0)
            case _:
                block = self.block()
                begin = frames.headers(stream_id, block[:3], end=end, end_headers=False)
                return begin + frames.continuation(stream_id, block[3:])

    def mutated(self) -> bytes:
        """Some frame, or nearly."""
        sent, random = bytearray(self.frame()), self.random
        if random.random() < self.mistakes / 5:
            at = random.randrange(len(sent))
            sent[at : at + random.randint(0, 2)] = random.randbytes(random.randint(0, 2))
        return bytes(sent)

    def act(self) -> None:
        """The client, the clock or the application does something."""
        client, random = self.client, self.random
        match random.randrange(12):
            case 0 | 1 | 2 | 3 | 4 | 5:
                client.receive(*[self.mutated() for _ in range(random.randint(1, 3))])
            case 6:
                client.elapse(random.choice((0.1, 1.0, 31.0)))
            case 7 | 8 if client.unfinished:
                self.answer(random.choice(sorted(client.unfinished)))
            case 9:
                client.connection.consumed(self.stream_id(), random.choice((0, 100)), client.now)
            case 10 if random.random() < 0.2:
                client.connection.reset_stream(self.stream_id())
            case 11 if random.random() < 0.05:
                client.connection.close(client.now)
        if random.random() < 0.8:
            client.frames()

    def answer(self, stream_id: int) -> None:
        """The application goes on with an answer, by the rules."""
        end = self.random.random() < 0.5
        body = bytes(self.random.choice((0, 10, 70_000)))
        if stream_id not in self.answering:
            self.answering.add(stream_id)
            self.client.respond(stream_id, 200, [], body, end=end)
        else:
            self.client.send_body(stream_id, body, end=end)


@pytest.mark.parametrize("part", range(6))
def test_no_order_of_frames_and_calls_breaks_the_rules(part: int, engine: HTTP2EngineName) -> None:
    """The observer objects to whatever the server may not send."""
    for seed in range(60):
        chaos = Chaos(Random(1_000 * part + seed), engine)
        for _ in range(60):
            chaos.act()
            if chaos.client.ended:
                break
        chaos.client.frames()
        if chaos.client.ended:
            assert chaos.client.receive(PREFACE) == []
            assert chaos.client.frames() == []
            assert chaos.client.elapse(10.0) == []
            assert chaos.client.connection.should_close
            assert chaos.client.connection.is_idle


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


def flood_of_requests(client: Client) -> bytes:
    """Requests that the client resets."""
    stream_id = client.next_id()
    return frames.headers(stream_id, client.block()) + frames.rst_stream(stream_id)


FLOODS = {
    "PING": lambda client: frames.ping(),
    "SETTINGS": lambda client: frames.settings((Setting.INITIAL_WINDOW_SIZE, 1)),
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


@pytest.mark.parametrize("name", FLOODS)
def test_slow_flood_costs_no_memory(name: str, engine: HTTP2EngineName) -> None:
    """One a second is no attack; but nothing of it may stay."""
    client = Client(engine, keep_alive_timeout=None, read_idle_timeout=None, read_min_rate=0)
    client.upload()
    client.frames()
    connection = client.connection
    flood = [FLOODS[name](client) for _ in range(1_500)]

    def send(part: list[bytes]) -> int:
        before = tracemalloc.get_traced_memory()[0]
        now = client.now
        for data in part:
            for event in connection.receive_data(data, now):
                if isinstance(event, StreamReset) and event.stream_id != 1:
                    connection.release(event.stream_id)
            connection.data_to_send(now)
            now += 1.0
            connection.handle_deadline(now)
        client.now = now
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before

    tracemalloc.start()
    try:
        send(flood[:500])
        grown = send(flood[500:])
    finally:
        tracemalloc.stop()
    assert grown < 40_000


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
