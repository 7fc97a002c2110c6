"""What holds for every input, tried out on many."""

from __future__ import annotations

from math import inf
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypercorn_protocols.http1 import HTTP1Connection
from hypercorn_protocols.http1.head import head_parser
from hypercorn_protocols.settings import HTTP1EngineName
from tests.protocols.mutation import mutant, pieces
from tests.protocols.player import Exchange, Player, play
from tests.protocols.strategies import DETERMINISTIC, contents, fields, requests, splits
from tests.protocols.wire import ENGINES, GET, HEAD, OLD_GET, Client, Wire


@settings(DETERMINISTIC, max_examples=100)
@given(st.data(), st.lists(requests(), min_size=1, max_size=4))
def test_valid_stream_is_read_alike_however_it_is_cut(
    data: st.DataObject, stream: list[tuple[bytes, Exchange]]
) -> None:
    wire = b"".join(sent for sent, _ in stream)
    cut = data.draw(splits(wire))
    for engine in ENGINES:
        outcome = play(engine, cut)

        assert outcome.exchanges == [exchange for _, exchange in stream]
        assert outcome.refusal is None


@pytest.mark.parametrize("part", range(8))
def test_engines_and_cuts_agree_on_what_is_nearly_right(part: int) -> None:
    """Nor does it matter what is remembered of the requests before."""
    random = Random(part)
    for _ in range(250):
        data = mutant(random)
        head_parser.cache_clear()
        outcomes = [play(engine, [data]) for engine in ENGINES]
        outcomes += [play(engine, pieces(random, data)) for engine in ENGINES]

        assert all(outcome == outcomes[0] for outcome in outcomes), data


@DETERMINISTIC
@given(st.lists(st.binary(max_size=200), max_size=8))
def test_nothing_that_comes_raises(received: list[bytes]) -> None:
    for engine in ENGINES:
        wire = Wire(engine)
        for data in received:
            wire.receive(data)
            wire.wait(1.0)
            wire.sent()


@DETERMINISTIC
@given(st.integers(0, 2**32), st.sampled_from(ENGINES))
def test_no_order_of_calls_raises_or_goes_on_after_the_end(
    seed: int, engine: HTTP1EngineName
) -> None:
    """The peer, the clock and the application act in any order, the latter by the rules."""
    random = Random(seed)
    wire = Wire(engine, max_body_buffer=8, max_pipeline_buffer=40)
    connection = wire.connection
    stream_id = ended = 0
    for _ in range(30):
        match random.randrange(8):
            case 0 | 1 | 2:
                received = random.choice(pieces(random, mutant(random)) or [b"x"])
                events = wire.receive(received if random.random() < 0.9 else b"")
                stream_id += sum(type(event).__name__ == "RequestReceived" for event in events)
            case 3:
                events = wire.wait(random.choice((0.0, 0.1, 6.0)))
                stream_id += sum(type(event).__name__ == "RequestReceived" for event in events)
            case 4 if ended < stream_id:
                ended = stream_id
                connection.send_response(stream_id, 200, [], b"x", True)
            case 5:
                connection.consumed(stream_id, random.choice((0, 5)), wire.now)
            case 6 if random.random() < 0.1:
                connection.close(wire.now, random.choice((0.0, 3.0)))
            case 7 if random.random() < 0.1:
                connection.reset_stream(stream_id)
        sent = wire.sent() if random.random() < 0.7 else b""
        if connection.should_close:
            assert connection.output_ended
            assert connection.deadline == inf
            assert wire.receive(GET) == []
        assert not sent or sent.startswith(b"HTTP/1.1 ")


@pytest.mark.parametrize(
    "flood",
    [
        b"\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"a",
        b"GET / HTTP/1.1\r\nX: y\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n",
    ],
)
@pytest.mark.parametrize("rest", [b"", b"x" * 1_000, b"1\r\nx\r\n" * 100, b"X: y\r\n" * 100])
def test_what_is_held_is_bounded(engine: HTTP1EngineName, flood: bytes, rest: bytes) -> None:
    """A peer that goes on as long as it is read, and an application that does nothing."""
    wire = Wire(engine)
    connection = wire.connection
    assert isinstance(connection, HTTP1Connection)
    wire.receive(flood)
    piece = rest or flood
    held = handed_out = 0
    for _ in range(2_000):
        if not wire.reads() or wire.output_ended():
            break
        events = wire.receive(piece)
        handed_out += sum(len(getattr(event, "data", b"")) for event in events)
        held = max(held, len(connection._incoming.data))

    assert held <= 65_536 + len(piece)
    assert handed_out <= 65_536 + len(piece)


@DETERMINISTIC
@given(
    request=st.sampled_from([GET, HEAD, OLD_GET]),
    status=st.sampled_from([200, 201, 204, 205, 299, 304, 404, 500]),
    headers=fields,
    parts=st.lists(contents, max_size=4),
    announced=st.booleans(),
    trailers=st.none() | fields,
    interim=st.lists(st.sampled_from([102, 103, 199]), max_size=2),
)
def test_answer_is_read_as_it_was_sent(
    request: bytes,
    status: int,
    headers: list[tuple[bytes, bytes]],
    parts: list[bytes],
    announced: bool,
    trailers: list[tuple[bytes, bytes]] | None,
    interim: list[int],
) -> None:
    wire = Wire(ENGINES[0])
    wire.receive(request)
    connection = wire.connection
    content = b"".join(parts)
    length = [(b"content-length", b"%d" % len(content))] if announced else []
    for informational in interim:
        connection.send_informational(1, informational, headers)
    first, *more = parts or [b""]
    ends = trailers is None and not more
    connection.send_response(1, status, [*headers, *length], first, ends, trailers is not None)
    for number, part in enumerate(more, 1):
        connection.send_body(1, part, trailers is None and number == len(more))
    if trailers is not None:
        connection.send_trailers(1, trailers)

    client = Client(wire.sent(), closes=connection.output_ended)
    reply = client.read("HEAD" if request == HEAD else "GET")

    empty = request == HEAD or status in (204, 205, 304)
    assert reply.status == status
    assert reply.body == (b"" if empty else content)
    assert reply.interim == (interim if request != OLD_GET else [])
    assert [field for field in reply.headers if field[0].startswith(b"x")] == headers
    assert reply.trailers in (trailers or [], [])
    if trailers and request == GET and not empty:
        assert reply.trailers == trailers
    assert client.rest == b""
    assert connection.is_idle is (request != OLD_GET)


def test_player_takes_part(engine: HTTP1EngineName) -> None:
    """The miniature server itself: what it notes is what was sent."""
    player = Player(engine)
    player.receive(GET)

    assert player.outcome().exchanges[0].method == "GET"
    assert Client(player.output).read().body == b"ok"
