"""How far lines that are still coming in are right: the grammar, one byte after another.

Knows: the lines of :mod:`grammar`, as states and the bytes that lead from one to the next.
Must not know: what the lines mean, or when they came.

A peer that sends what can never become valid is told so at once, and not when its time is up.
Nothing is looked at twice, however small the pieces are in which it comes. An error is the first
one in the order of the bytes; so it is the same for every way of cutting them into pieces.
"""

from __future__ import annotations

import re

from hypercorn_protocols.errors import RemoteProtocolError
from hypercorn_protocols.http1 import grammar
from hypercorn_protocols.semantics import TCHAR, VALUE_CHAR

__all__ = ["CHUNK_LINE", "FIELD_LINES", "REQUEST_LINE", "LineScanner", "SectionScanner", "State"]


class State:
    """A place within a line."""

    __slots__ = ("begins_line", "follow", "run")

    def __init__(self, run: bytes = b"", begins_line: bool = False) -> None:
        # The bytes that stay here, if there are any: a run of them is one step.
        self.run = re.compile(rb"[" + run + rb"]*") if run else None
        self.begins_line = begins_line
        self.follow: dict[int, State] = {}

    def leads(self, characters: bytes, state: State) -> None:
        """From here the bytes of a character class lead to ``state``."""
        found = re.findall(rb"[" + characters + rb"]", bytes(range(256)))
        self.follow.update({byte[0]: state for byte in found})


def _ends_line(state: State) -> State:
    """The state between CR and LF, if ``state`` is what LF leads to."""
    carriage_return = State()
    carriage_return.leads(rb"\n", state)
    return carriage_return


def _field_lines() -> State:
    """``*( field-line CRLF ) CRLF``"""
    start, end = State(begins_line=True), State(begins_line=True)
    name, value = State(TCHAR), State(VALUE_CHAR)
    start.leads(TCHAR, name)
    start.leads(rb"\r", _ends_line(end))
    name.leads(rb":", value)
    value.leads(rb"\r", _ends_line(start))
    return start


def _request_line(fields: State) -> State:
    """``method SP request-target SP HTTP-version CRLF``"""
    start, method = State(), State(TCHAR)
    before_target, target = State(), State(grammar.VCHAR)
    start.leads(TCHAR, method)
    method.leads(rb" ", before_target)
    before_target.leads(grammar.VCHAR, target)
    state, separator = target, rb" "
    for characters in (rb"H", rb"T", rb"T", rb"P", rb"/", rb"0-9", rb"\.", rb"0-9"):
        following = State()
        state.leads(separator, following)
        state, separator = following, characters
    version = State()
    state.leads(separator, version)
    version.leads(rb"\r", _ends_line(fields))
    return start


def _chunk_line() -> State:
    """``chunk-size [ chunk-ext ] CRLF``"""
    start = State()
    size = start
    name_due, name, name_over = State(rb"\t "), State(TCHAR), State(rb"\t ")
    value_due, value, quotes = State(rb"\t "), State(TCHAR), State(grammar.QDTEXT)
    escape, over, blank = State(), State(), State(rb"\t ")
    line_end = _ends_line(State(begins_line=True))
    sizes = [State() for _ in range(grammar.MAX_CHUNK_DIGITS)]
    for following in sizes:
        size.leads(rb"0-9A-Fa-f", following)
        size = following
    for state in (*sizes, name, value, over):
        state.leads(rb"\r", line_end)
        state.leads(rb"\t ", blank)
    for state in (*sizes, name, name_over, value, over, blank):
        state.leads(rb";", name_due)
    name.leads(rb"\t ", name_over)
    name_due.leads(TCHAR, name)
    for state in (name, name_over):
        state.leads(rb"=", value_due)
    value_due.leads(TCHAR, value)
    value_due.leads(rb'"', quotes)
    quotes.leads(rb"\\", escape)
    quotes.leads(rb'"', over)
    escape.leads(grammar.QUOTED, quotes)
    return start


FIELD_LINES = _field_lines()
REQUEST_LINE = _request_line(FIELD_LINES)
CHUNK_LINE = _chunk_line()


class LineScanner:
    """Follows lines from a state on.

    Args:
        start: where the first of them begins.
    """

    __slots__ = ("_state", "at")

    def __init__(self, start: State) -> None:
        self._state = start
        self.at = 0
        """How much of the data has been looked at."""

    @property
    def ended(self) -> bool:
        """Nothing more belongs to these lines."""
        return not self._state.follow

    def next_line(self, data: bytes, end: int) -> bool:
        """Go on, up to ``end`` at most; return whether a line came to its end.

        Args:
            data: all that came from the start on, including what was looked at before.

        Raises:
            RemoteProtocolError: the line cannot become a valid one.
        """
        state, at = self._state, self.at
        end = min(end, len(data))
        while at < end:
            if state.run is not None:
                run = state.run.match(data, at, end)
                at = at if run is None else run.end()
                if at == end:
                    break
            following = state.follow.get(data[at])
            if following is None:
                raise RemoteProtocolError("malformed line")
            state = following
            at += 1
            if state.begins_line:
                self._state, self.at = state, at
                return True
        self._state, self.at = state, at
        return False


class SectionScanner:
    """Follows a request's head, or a trailer section.

    Args:
        max_size: of all of its lines, in bytes.
        max_fields: how many field lines it may have.
        trailers: it has no request line.
    """

    __slots__ = ("_fields", "_lines", "_max_fields", "_max_size", "_request_line_due")

    def __init__(self, max_size: int, max_fields: int, *, trailers: bool = False) -> None:
        self._max_size = max_size
        self._max_fields = max_fields
        self._request_line_due = not trailers
        self._fields = 0
        self._lines = LineScanner(FIELD_LINES if trailers else REQUEST_LINE)

    def scan(self, data: bytes) -> int:
        """Look at what is new in ``data``, which is all that came of the section.

        Returns:
            Where the section ends, or -1 if it is not complete.

        Raises:
            RemoteProtocolError: it cannot become a valid one, or is above the limits.
        """
        lines = self._lines
        while lines.next_line(data, self._max_size):
            if lines.ended:
                return lines.at
            if self._request_line_due:
                self._request_line_due = False
                if data[lines.at - len(b"1.1\r\n")] != ord("1"):
                    raise RemoteProtocolError("only HTTP/1 is understood here", 505)
                continue
            self._fields += 1
            if self._fields > self._max_fields:
                raise RemoteProtocolError("too many fields", 431)
        if len(data) > self._max_size:
            if self._request_line_due:
                raise RemoteProtocolError("the request line is too long", 414)
            raise RemoteProtocolError("the fields are too large", 431)
        return -1
