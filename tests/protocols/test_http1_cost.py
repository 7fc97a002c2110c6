"""No peer can make a connection do much more work than it does itself.

What is measured is processor time, and the bounds are some twenty times of what is usual: they
tell apart work that grows with the square of the input, and nothing finer.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from hypercorn_protocols.settings import HTTP1EngineName
from tests.protocols.player import Player
from tests.protocols.wire import CHUNKED_POST, GET, Wire

BOUND = 3.0  # seconds


@pytest.fixture(autouse=True)
def bound() -> Iterator[None]:
    """Bound the processor time of a test."""
    before = time.process_time()
    yield
    assert time.process_time() - before < BOUND


def drip(wire: Wire, data: bytes) -> None:
    """Send single bytes."""
    for at in range(len(data)):
        wire.receive(data[at : at + 1])
    assert not wire.sent()


@pytest.mark.parametrize(
    "head",
    [
        b"A" * 16_384,
        b"GET /" + b"a" * 16_379,
        b"GET / HTTP/1.1\r\n" + b"a" * 16_368,
        b"GET / HTTP/1.1\r\nX: " + b"a" * 16_365,
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 2_728,
    ],
)
def test_head_in_single_bytes(engine: HTTP1EngineName, head: bytes) -> None:
    drip(Wire(engine, max_headers=10_000), head)


@pytest.mark.parametrize(
    "content",
    [b"5;" + b"a" * 16_000, b'5;a="' + b"a" * 16_000, b"0\r\nX: " + b"a" * 16_000],
)
def test_lines_of_content_in_single_bytes(engine: HTTP1EngineName, content: bytes) -> None:
    drip(Wire(engine), CHUNKED_POST + content)


@pytest.mark.parametrize("size", [64, 65_536, 1_000_000])
def test_chunks_of_one_byte(engine: HTTP1EngineName, size: int) -> None:
    player = Player(engine)
    data = CHUNKED_POST + b"1\r\nx\r\n" * 100_000 + b"0\r\n\r\n"
    for at in range(0, len(data), size):
        player.receive(data[at : at + size])

    assert player.exchanges[0].body == b"x" * 100_000


@pytest.mark.parametrize("size", [65_536, 1_000_000])
def test_pipelined_requests(engine: HTTP1EngineName, size: int) -> None:
    player = Player(engine, max_requests=None)
    data = GET * 5_000
    for at in range(0, len(data), size):
        player.receive(data[at : at + size])

    assert len(player.exchanges) == 5_000


@pytest.mark.parametrize("size", [1, 65_536, 1_000_000])
def test_empty_lines(engine: HTTP1EngineName, size: int) -> None:
    wire = Wire(engine)
    data = b"\r\n" * 131_072
    for at in range(0, len(data), size):
        wire.receive(data[at : at + size])

    assert wire.connection.is_idle


def test_malformed_megabytes(engine: HTTP1EngineName) -> None:
    """What is wrong late in a large read is found once."""
    for data in (b"GET /" + b"a" * 5_000_000, CHUNKED_POST + b"5;" + b"a" * 5_000_000):
        wire = Wire(engine)
        wire.receive(data)
        assert wire.sent().startswith(b"HTTP/1.1 4")
