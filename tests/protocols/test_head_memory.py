"""What the head parser remembers: it must never change what a head means."""

from __future__ import annotations

import pytest

from hypercorn_protocols import HTTP1EngineName, RemoteProtocolError
from hypercorn_protocols.http1 import head as module
from hypercorn_protocols.http1.engine import select_engine
from hypercorn_protocols.http1.head import HeadParser

SECTION = b"Host: a\r\nX-Y: z\r\nConnection: keep-alive\r\n\r\n"


@pytest.fixture
def parser(engine: HTTP1EngineName) -> HeadParser:
    return HeadParser(select_engine(engine))


def parse(parser: HeadParser, data: bytes, max_fields: int = 128) -> object:
    event, section = parser.parse(data, 1, max_fields, False)
    return event, section.content_length, section.keep_alive


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\n" + SECTION,
        b"POST /x?y HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET http://b/c HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    ],
)
def test_the_same_head_means_the_same_again(parser: HeadParser, head: bytes) -> None:
    assert parse(parser, head) == parse(parser, head)


def test_headers_are_not_shared(parser: HeadParser) -> None:
    first, _ = parser.parse(b"GET / HTTP/1.1\r\n" + SECTION, 1, 128, False)
    first.headers.clear()
    second, _ = parser.parse(b"GET / HTTP/1.1\r\n" + SECTION, 2, 128, False)
    assert len(second.headers) == 3


def test_versions_do_not_mix(parser: HeadParser) -> None:
    _, newer = parser.parse(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1, 128, False)
    _, older = parser.parse(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n", 1, 128, False)
    _, again = parser.parse(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1, 128, False)
    assert (newer.keep_alive, older.keep_alive, again.keep_alive) == (True, False, True)


def test_what_http_1_0_lacks_is_not_taken_from_memory(parser: HeadParser) -> None:
    section = b"Host: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    parser.parse(b"POST / HTTP/1.1\r\n" + section, 1, 128, False)
    with pytest.raises(RemoteProtocolError):
        parser.parse(b"POST / HTTP/1.0\r\n" + section, 1, 128, False)


def test_a_good_section_does_not_excuse_a_bad_line(parser: HeadParser) -> None:
    parser.parse(b"GET / HTTP/1.1\r\n" + SECTION, 1, 128, False)
    for line in (b"GET  / HTTP/1.1", b"GET / HTTP/2.0", b"get / HTTP/1.1", b"GET / HTTP/1.1 "):
        with pytest.raises(RemoteProtocolError):
            parser.parse(line + b"\r\n" + SECTION, 1, 128, False)


def test_a_good_line_does_not_excuse_a_bad_section(parser: HeadParser) -> None:
    parser.parse(b"GET / HTTP/1.1\r\n" + SECTION, 1, 128, False)
    for section in (b"\r\n", b"Host : a\r\n\r\n", b"Host: a\r\n b\r\n\r\n", b"Host: a\n\r\n"):
        with pytest.raises(RemoteProtocolError):
            parser.parse(b"GET / HTTP/1.1\r\n" + section, 1, 128, False)


def test_limits_hold_for_what_is_remembered(parser: HeadParser) -> None:
    parser.parse(b"GET / HTTP/1.1\r\n" + SECTION, 1, 3, False)
    with pytest.raises(RemoteProtocolError) as caught:
        parser.parse(b"GET / HTTP/1.1\r\n" + SECTION, 1, 2, False)
    assert caught.value.status_hint == 431


def test_memory_is_bounded(parser: HeadParser) -> None:
    for number in range(3 * module._MAX_REMEMBERED):
        section = b"Host: a\r\nX: %d\r\n\r\n" % number
        parser.parse(b"GET /%d HTTP/1.1\r\n" % number + section, 1, 128, False)
        assert len(parser._request_lines) <= module._MAX_REMEMBERED
        assert len(parser._sections) <= module._MAX_REMEMBERED
        assert len(parser._fields) <= module._MAX_REMEMBERED
    size = module._MAX_REMEMBERED_SIZE
    known = dict(parser._sections)
    parser.parse(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * size + b"\r\n\r\n", 1, 128, False)
    assert parser._sections == known


def test_known_and_new_lines_keep_their_order(parser: HeadParser) -> None:
    parser.parse(b"GET / HTTP/1.1\r\nHost: a\r\nB: 1\r\nD: 2\r\n\r\n", 1, 128, False)
    event, _ = parser.parse(
        b"GET / HTTP/1.1\r\nA: 0\r\nHost: a\r\nD: 2\r\nC: 3\r\nB: 1\r\nD: 2\r\nE: 4\r\n\r\n",
        2,
        128,
        False,
    )
    assert [value for _, value in event.headers] == [b"0", b"a", b"2", b"3", b"1", b"2", b"4"]


def test_lines_that_are_known_do_not_excuse_how_they_are_put_together(parser: HeadParser) -> None:
    for section in (b"Host: a\r\n", b"Host: a\r\nContent-Length: 5\r\n"):
        parser.parse(b"POST / HTTP/1.1\r\n" + section + b"\r\n", 1, 128, False)
    parser.parse(
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 1, 128, False
    )
    for section in (
        b"Host: a\r\nHost: a\r\n",
        b"Content-Length: 5\r\n",
        b"Host: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n",
        b"Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    ):
        with pytest.raises(RemoteProtocolError):
            parser.parse(b"POST / HTTP/1.1\r\n" + section + b"\r\n", 1, 128, False)
