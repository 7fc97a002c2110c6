"""The scanner says the same of a whole section as the grammar, and sooner of a part of it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hypercorn_protocols.errors import RemoteProtocolError
from hypercorn_protocols.http1 import grammar
from hypercorn_protocols.http1.scanner import (
    CHUNK_LINE,
    FIELD_LINES,
    REQUEST_LINE,
    LineScanner,
    SectionScanner,
    State,
)
from tests.protocols.strategies import DETERMINISTIC, scrambled

WRONG = -2

HEAD = b"GET /a?b HTTP/1.1\r\nHost: a\r\nX:\r\nY: \t z \r\n\r\n"
TRAILERS = b"Host: a\r\nX:\r\nY: \t z \r\n\r\n"
CHUNK_HEADERS = [b"5\r\n", b"0aF\r\n", b'5 ; a\t=\tb;c="d\\"e";f\r\n', b'5;a=""\t;b = c\r\n']


def scan(data: bytes, *, trailers: bool, step: int | None = None) -> int:
    """Where a section ends; -1 if it does not, WRONG if it cannot."""
    scanner = SectionScanner(10_000, 10_000, trailers=trailers)
    try:
        for end in range(step or len(data), len(data) + 1, step or 1):
            found = scanner.scan(data[:end])
            if found >= 0:
                return found
    except RemoteProtocolError:
        return WRONG
    return -1


def scan_chunk_header(data: bytes, step: int | None = None) -> int:
    scanner = LineScanner(CHUNK_LINE)
    try:
        for end in range(step or len(data), len(data) + 1, step or 1):
            if scanner.next_line(data[:end], 10_000):
                return scanner.at
    except RemoteProtocolError:
        return WRONG
    return -1


@DETERMINISTIC
@given(scrambled([HEAD]))
@example(HEAD)
def test_head(data: bytes) -> None:
    line, _, section = data.partition(b"\r\n")
    request_line = grammar.REQUEST_LINE.fullmatch(line)
    match = grammar.SECTION.match(section)
    found = scan(data, trailers=False)

    if request_line is not None and request_line[3] == b"1" and match is not None:
        assert found == len(line) + 2 + match.end()
    else:
        assert found < 0
    assert scan(data, trailers=False, step=1) == found


@DETERMINISTIC
@given(scrambled([TRAILERS]))
@example(TRAILERS)
@example(b"\r\n")
def test_trailers(data: bytes) -> None:
    match = grammar.FIELD_BLOCK.match(data)
    assert match is not None
    complete = data[match.end() :].startswith(b"\r\n")
    found = scan(data, trailers=True)

    assert found == match.end() + 2 if complete else found < 0
    assert scan(data, trailers=True, step=1) == found


@DETERMINISTIC
@given(scrambled(CHUNK_HEADERS))
@example(CHUNK_HEADERS[2])
def test_chunk_header(data: bytes) -> None:
    match = grammar.CHUNK_HEADER.match(data)
    found = scan_chunk_header(data)

    assert found == match.end() if match is not None else found < 0
    assert scan_chunk_header(data, step=1) == found


@pytest.mark.parametrize(
    "start",
    [REQUEST_LINE, FIELD_LINES, CHUNK_LINE],
)
def test_what_is_not_refused_can_become_valid(start: State) -> None:
    """From every state that can be reached there is a way to the end."""
    states = reachable(start)

    ends = [state for state in states if not state.follow]
    assert len(ends) == 1
    assert all(ends[0] in reachable(state) for state in states)


def reachable(state: State) -> list[State]:
    found = [state]
    for one in found:
        found += {id(next_): next_ for next_ in one.follow.values() if next_ not in found}.values()
    return found


@DETERMINISTIC
@given(st.binary(max_size=40))
def test_arbitrary_bytes(data: bytes) -> None:
    for trailers in (False, True):
        assert scan(data, trailers=trailers, step=1) == scan(data, trailers=trailers)
    assert scan_chunk_header(data, step=1) == scan_chunk_header(data)
