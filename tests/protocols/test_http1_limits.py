"""How much one peer may make a connection hold."""

from __future__ import annotations

import pytest

from hypercorn_protocols.settings import HTTP1EngineName
from tests.protocols.player import Player, play
from tests.protocols.wire import CHUNKED_POST, ENGINES, GET, Wire

LINE = b"GET / HTTP/1.1\r\nHost: a\r\n"


def padded(size: int) -> bytes:
    """A head of exactly that many bytes."""
    return LINE + b"X: " + b"x" * (size - len(LINE) - 7) + b"\r\n\r\n"


class TestHeadSize:
    @pytest.mark.parametrize("step", [1, 7, 10_000])
    def test_is_exact(self, engine: HTTP1EngineName, step: int) -> None:
        for size, refusal in ((100, None), (101, 431)):
            data = padded(size)
            pieces = [data[at : at + step] for at in range(0, size, step)]

            assert play(engine, pieces, max_head_size=100).refusal == refusal

    @pytest.mark.parametrize("step", [1, 7, 10_000])
    def test_of_the_request_line(self, engine: HTTP1EngineName, step: int) -> None:
        data = b"GET /" + b"a" * 100 + b" HTTP/1.1\r\nHost: a\r\n\r\n"
        pieces = [data[at : at + step] for at in range(0, len(data), step)]

        assert play(engine, pieces, max_head_size=100).refusal == 414
        assert play(engine, pieces, max_head_size=115).refusal == 414
        assert play(engine, pieces, max_head_size=116).refusal == 431

    def test_is_refused_before_the_head_is_complete(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, max_head_size=100)

        wire.receive(padded(500)[:101])

        assert wire.sent().startswith(b"HTTP/1.1 431 ")

    def test_is_that_of_each_request(self, engine: HTTP1EngineName) -> None:
        assert play(engine, [padded(100) * 3], max_head_size=100).refusal is None

    def test_empty_lines_do_not_count(self, engine: HTTP1EngineName) -> None:
        outcome = play(engine, [b"\r\n" * 1_000 + padded(100)], max_head_size=100)

        assert (len(outcome.exchanges), outcome.refusal) == (1, None)


class TestHeadCount:
    @pytest.mark.parametrize("step", [1, 7, 10_000])
    def test_is_exact(self, engine: HTTP1EngineName, step: int) -> None:
        for count, refusal in ((9, None), (10, 431)):
            data = LINE + b"X: y\r\n" * count + b"\r\n"
            pieces = [data[at : at + step] for at in range(0, len(data), step)]

            assert play(engine, pieces, max_headers=10).refusal == refusal

    def test_is_refused_before_the_head_is_complete(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, max_headers=10)

        wire.receive(LINE + b"X: y\r\n" * 10)

        assert wire.sent().startswith(b"HTTP/1.1 431 ")


class TestTrailers:
    @pytest.mark.parametrize("step", [1, 7, 10_000])
    def test_size(self, engine: HTTP1EngineName, step: int) -> None:
        for size, refusal in ((100, None), (101, 431)):
            trailers = b"X: " + b"x" * (size - 7) + b"\r\n\r\n"
            data = CHUNKED_POST + b"0\r\n" + trailers
            pieces = [data[at : at + step] for at in range(0, len(data), step)]

            assert play(engine, pieces, max_head_size=100).refusal == refusal

    @pytest.mark.parametrize("step", [1, 7, 10_000])
    def test_count(self, engine: HTTP1EngineName, step: int) -> None:
        for count, refusal in ((10, None), (11, 431)):
            data = CHUNKED_POST + b"0\r\n" + b"X: y\r\n" * count + b"\r\n"
            pieces = [data[at : at + step] for at in range(0, len(data), step)]

            assert play(engine, pieces, max_headers=10).refusal == refusal


class TestChunkExtensions:
    @pytest.mark.parametrize("step", [1, 7, 10_000])
    def test_of_one_chunk(self, engine: HTTP1EngineName, step: int) -> None:
        for size, refusal in ((100, None), (101, 400)):
            data = CHUNKED_POST + b"1;" + b"x" * (size - 4) + b"\r\ny\r\n0\r\n\r\n"
            pieces = [data[at : at + step] for at in range(0, len(data), step)]

            assert play(engine, pieces, max_head_size=100).refusal == refusal

    @pytest.mark.parametrize("step", [1, 7, 10_000])
    def test_of_all_chunks(self, engine: HTTP1EngineName, step: int) -> None:
        for count, refusal in ((10, None), (11, 400)):
            data = CHUNKED_POST + b"1;abcdefghi\r\ny\r\n" * count + b"0\r\n\r\n"
            pieces = [data[at : at + step] for at in range(0, len(data), step)]

            assert play(engine, pieces, max_head_size=100).refusal == refusal


class TestRequests:
    def test_last_one_is_told(self, engine: HTTP1EngineName) -> None:
        wire = Wire(engine, max_requests=2)
        wire.receive(GET)
        assert b"close" not in wire.respond()
        wire.receive(GET)
        assert b"\r\nconnection: close\r\n" in wire.respond(2)
        assert wire.output_ended()
        assert wire.receive(GET) == []

    def test_no_limit(self, engine: HTTP1EngineName) -> None:
        player = Player(engine, max_requests=None)
        player.receive(GET * 1_500)

        assert len(player.exchanges) == 1_500
        assert b"close" not in player.output


def test_same_on_every_engine_at_the_defaults() -> None:
    for size, refusal in ((16_384, None), (16_385, 431)):
        for engine in ENGINES:
            assert play(engine, [padded(size)]).refusal == refusal
