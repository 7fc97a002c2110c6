"""wsgi.input: a file that is read from the client at the pace of the application."""

from __future__ import annotations

import io
from typing import Any, cast

import pytest

from hypercorn_asgi.errors import BodyTooLargeError, ClientDisconnected
from hypercorn_asgi.typing import ASGIReceiveEvent
from hypercorn_asgi.wsgi import RequestBody
from tests.asgi.driving import Message, request_messages


class Source:
    """Messages one by one, and how many were asked for."""

    def __init__(self, messages: list[Message]) -> None:
        self.taken = 0
        self._messages = messages

    def __call__(self) -> ASGIReceiveEvent:
        self.taken += 1
        return cast(ASGIReceiveEvent, self._messages[self.taken - 1])


def stream_of(*parts: bytes, limit: int = 1_000_000, buffer_size: int = 8) -> Any:
    return io.BufferedReader(RequestBody(Source(request_messages(*parts)), limit), buffer_size)


PARTS = (b"first\nsec", b"ond\n", b"", b"third without end")
CONTENT = b"".join(PARTS)


def test_read_everything() -> None:
    stream = stream_of(*PARTS)

    assert stream.read() == CONTENT
    assert stream.read() == b""
    assert stream.read(10) == b""


@pytest.mark.parametrize("size", [1, 3, 7, 8, 9, 100])
def test_read_in_pieces_across_messages(size: int) -> None:
    stream = stream_of(*PARTS)

    pieces = list(iter(lambda: stream.read(size), b""))

    assert b"".join(pieces) == CONTENT
    assert {len(piece) for piece in pieces[:-1]} <= {size}


def test_lines() -> None:
    lines = [b"first\n", b"second\n", b"third without end"]

    assert list(stream_of(*PARTS)) == lines
    assert stream_of(*PARTS).readlines() == lines
    assert stream_of(*PARTS).readlines(5) == lines[:1]
    assert stream_of(*PARTS).readline() == lines[0]
    assert stream_of(*PARTS).readline(3) == b"fir"


def test_nothing_is_taken_before_it_is_read() -> None:
    source = Source(request_messages(b"12345678", b"more"))
    stream = io.BufferedReader(RequestBody(source, 100), 8)

    assert source.taken == 0
    assert stream.read(8) == b"12345678"
    assert source.taken == 1


def test_nothing_is_taken_after_the_end() -> None:
    source = Source([{"type": "http.request", "body": b"all", "more_body": False}])
    stream = io.BufferedReader(RequestBody(source, 100))

    assert stream.read() == b"all"
    assert stream.read() == b""
    assert source.taken == 1


def test_message_without_optional_keys_is_the_end() -> None:
    stream = io.BufferedReader(RequestBody(Source([{"type": "http.request"}]), 100))

    assert stream.read() == b""


def test_read_into_a_large_buffer() -> None:
    buffer = bytearray(20)

    assert RequestBody(Source(request_messages(b"abc")), 100).readinto(buffer) == 3
    assert buffer[:4] == b"abc\0"


@pytest.mark.parametrize("again", [1, 2])
def test_content_that_was_cut_short_is_an_error_for_good(again: int) -> None:
    source = Source([*request_messages(b"part")[:1], {"type": "http.disconnect"}])
    stream = io.BufferedReader(RequestBody(source, 100))

    for _ in range(again):
        with pytest.raises(ClientDisconnected):
            stream.read()
    assert source.taken == 2


def test_content_up_to_the_limit() -> None:
    assert stream_of(b"12345", b"67890", limit=10).read() == b"1234567890"


def test_content_past_the_limit_is_an_error_for_good() -> None:
    source = Source(request_messages(b"12345", b"678901", b"more"))
    body = RequestBody(source, 10)
    body.check_size()

    assert body.read(5) == b"12345"
    for _ in range(2):
        with pytest.raises(BodyTooLargeError, match="10 bytes"):
            body.read(5)
    assert source.taken == 2
    with pytest.raises(BodyTooLargeError):
        body.check_size()


def test_it_can_be_read_and_nothing_else() -> None:
    stream = stream_of()

    assert stream.readable()
    assert not stream.writable()
    assert not stream.seekable()
