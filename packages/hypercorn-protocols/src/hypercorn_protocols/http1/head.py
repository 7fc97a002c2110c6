"""From the bytes of a head to a request: what it asks for and how its content is framed.

Knows: RFC 9112 sections 3, 6 and 9.3 and RFC 9110 sections 5 to 10, as far as a server owes them.
Must not know: buffers, time, or what was received before.

Framing is decided here alone, for every engine. Where RFC 9112 leaves room for two readings of
where a request ends, the request is refused.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NoReturn, TypeVar

from hypercorn_protocols.errors import RemoteProtocolError
from hypercorn_protocols.events import RequestReceived
from hypercorn_protocols.http1 import grammar
from hypercorn_protocols.http1.engine import FieldSplitter, select_engine
from hypercorn_protocols.http1.scanner import SectionScanner
from hypercorn_protocols.semantics import TOKEN, is_authority, is_content_length
from hypercorn_protocols.settings import HTTP1EngineName

__all__ = ["CHUNKED", "HeadParser", "Section", "head_parser"]

CHUNKED = -1
"""The content length of a request whose content is chunked."""

# One list of known methods saves decoding; any other token is as good (RFC 9110 section 9.1).
_METHODS = {
    method.encode(): method
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH")
}

# What is remembered: how many of each, and of which size in bytes.
_MAX_REMEMBERED = 512
_MAX_REMEMBERED_SIZE = 1024
_MAX_REMEMBERED_LINE = 256

_NOT_YET = (b"", b"")  # in the place of a field that is still to be split

_Remembered = TypeVar("_Remembered")

_HOST, _LENGTH, _CODING, _CONNECTION, _EXPECT, _UPGRADE = range(6)
_FIELDS_OF_INTEREST = {
    b"host": _HOST,
    b"content-length": _LENGTH,
    b"transfer-encoding": _CODING,
    b"connection": _CONNECTION,
    b"expect": _EXPECT,
    b"upgrade": _UPGRADE,
}


class Section:
    """What a request's header section says, found valid.

    Sections are shared between requests and do not change.
    """

    __slots__ = ("content_length", "expects_continue", "fields", "keep_alive", "upgrade")

    def __init__(self, fields: list[tuple[bytes, bytes]], http_version: str) -> None:
        self.fields = fields
        self.content_length = 0
        """In bytes, or :data:`CHUNKED`."""
        self.keep_alive = http_version == "1.1"
        self.expects_continue = False
        self.upgrade: bytes | None = None


class HeadParser:
    """Reads heads with one engine, and remembers what comes again and again.

    Clients repeat themselves: most requests have the header section of another, and of those that
    have not, most lines are the same. Request lines, sections and field lines that were found
    valid are remembered, in bounded tables; a hit gives what reading them anew would give.
    """

    __slots__ = ("_fields", "_request_lines", "_sections", "_split_fields")

    def __init__(self, split_fields: FieldSplitter) -> None:
        self._split_fields = split_fields
        # Only those of HTTP/1.1: its predecessor reads some fields differently, and is rare.
        self._request_lines: dict[bytes, tuple[str, bytes, str]] = {}
        self._sections: dict[bytes, Section] = {}
        self._fields: dict[bytes, tuple[bytes, bytes]] = {}

    def parse(
        self, data: bytes, stream_id: int, max_fields: int, keep_case: bool
    ) -> tuple[RequestReceived, Section]:
        """Read a head that ends in an empty line.

        Args:
            data: the head, and nothing else.
            stream_id: of the event.
            max_fields: how many field lines there may be.
            keep_case: hand out field names as they were sent.

        Raises:
            RemoteProtocolError: with the status that says what is wrong (RFC 9112 section 3).
        """
        line, _, rest = data.partition(b"\r\n")
        request_line = self._request_lines.get(line)
        section = self._sections.get(rest)
        if request_line is None or section is None or len(section.fields) > max_fields:
            request_line, section = self._read(data, line, rest, max_fields)
        method, target, http_version = request_line
        event = RequestReceived(
            stream_id,
            method,
            target,
            section.fields.copy(),
            http_version,
            section.content_length == 0,
            section.expects_continue,
            section.upgrade,
        )
        if keep_case:
            event.headers = grammar.field_pairs(rest[:-2], keep_case=True)
        # "/" and "#": looking for a number is much faster than for bytes
        if target[0] != 0x2F or 0x23 in target:
            _resolve_target(event)
        return event, section

    def _read(
        self, data: bytes, line: bytes, rest: bytes, max_fields: int
    ) -> tuple[tuple[str, bytes, str], Section]:
        """Read what is not remembered: first the grammar of all of it, then what it means."""
        request_line = self._request_lines.get(line)
        match = None if request_line is not None else grammar.REQUEST_LINE.fullmatch(line)
        if request_line is None and match is None:
            _refuse(data, max_fields)
        section = self._sections.get(rest)
        fields = self._split(rest) if section is None else section.fields
        if fields is None or len(fields) > max_fields:
            _refuse(data, max_fields)
        if match is not None:
            request_line = self._read_request_line(line, match)
        assert request_line is not None
        if section is None or request_line[2] == "1.0":
            section = _interpret(fields, request_line[2])
            if request_line[2] == "1.1":
                _remember(self._sections, rest, section)
        return request_line, section

    def _read_request_line(self, line: bytes, match: re.Match[bytes]) -> tuple[str, bytes, str]:
        method_token, target, major, minor = match.groups()
        if major != b"1":
            raise RemoteProtocolError("only HTTP/1 is understood here", 505)
        method = _METHODS.get(method_token) or _unusual_method(method_token)
        # RFC 9110 section 2.5: a minor version above ours is read as ours
        request_line = (method, target, "1.0" if minor == b"0" else "1.1")
        if minor != b"0":
            _remember(self._request_lines, line, request_line)
        return request_line

    def _split(self, section: bytes) -> list[tuple[bytes, bytes]] | None:
        """Split a section into fields; None if it does not match the grammar."""
        lines = section.split(b"\r\n")
        del lines[-2:]  # the empty line, and what stands behind it: nothing
        known = self._fields
        fields: list[tuple[bytes, bytes]] = []
        new: list[int] = []
        for line in lines:
            field = known.get(line)
            if field is None:
                new.append(len(fields))
                field = _NOT_YET
            fields.append(field)
        return fields if not new or self._learn(lines, fields, new) else None

    def _learn(
        self, lines: list[bytes], fields: list[tuple[bytes, bytes]], new: list[int]
    ) -> bool:
        """Fill in the fields of new lines; False if they do not match the grammar."""
        split = self._split_new(b"\r\n".join([lines[at] for at in new]) + b"\r\n\r\n")
        if split is None:
            return False
        for at, field in zip(new, split, strict=True):
            fields[at] = field
            if len(lines[at]) <= _MAX_REMEMBERED_LINE:
                _remember(self._fields, lines[at], field)
        return True

    def _split_new(self, section: bytes) -> list[tuple[bytes, bytes]] | None:
        """Have the engine split lines; None if they do not match the grammar."""
        if grammar.SECTION.fullmatch(section) is None:
            return None
        try:
            return self._split_fields(section)
        except RemoteProtocolError:
            # Engines have opinions of their own on framing, which is decided here alone.
            return grammar.field_pairs(section[:-2])


def _refuse(data: bytes, max_fields: int) -> NoReturn:
    """Say what is wrong with a head that does not match the grammar, or has too many fields."""
    SectionScanner(len(data), max_fields).scan(data)
    raise RemoteProtocolError("malformed head")


def _remember(memory: dict[bytes, _Remembered], key: bytes, value: _Remembered) -> None:
    if len(key) <= _MAX_REMEMBERED_SIZE:
        if len(memory) >= _MAX_REMEMBERED:
            memory.clear()
        memory[key] = value


@cache
def head_parser(engine: HTTP1EngineName) -> HeadParser:
    """The parser that all connections with this engine share.

    Raises:
        ImportError: its library is not installed.
        ValueError: there is no engine of that name.
    """
    return HeadParser(select_engine(engine))


def _unusual_method(token: bytes) -> str:
    method = token.decode("ascii")
    if method != method.upper():
        # "get" is not GET, and ASGI scopes carry methods in upper case only.
        raise RemoteProtocolError(f"method {method!r} is not implemented", 501)
    if method == "CONNECT":
        # RFC 9110 section 9.3.6: for proxies; an origin server need not know it
        raise RemoteProtocolError("CONNECT is not implemented", 501)
    return method


def _interpret(fields: list[tuple[bytes, bytes]], http_version: str) -> Section:
    """Find the fields that decide about framing, the connection and the host."""
    found: list[bytes | None] = [None, None, None, None, None, None]
    for name, value in fields:
        kind = _FIELDS_OF_INTEREST.get(name)
        if kind is not None:
            previous = found[kind]
            found[kind] = value if previous is None else _combine(kind, previous, value)
    host, length, coding, connection, expectation, upgrade = found
    if host is None:
        if http_version == "1.1":
            raise RemoteProtocolError("Host is missing")
    elif host and not is_authority(host):  # empty: the target's URI has no authority
        raise RemoteProtocolError("malformed Host")
    section = Section(fields, http_version)
    if length is not None:
        section.content_length = _content_length(length)
    if coding is not None:
        if length is not None:
            raise RemoteProtocolError("Transfer-Encoding with Content-Length")
        section.content_length = _transfer_coding(coding, http_version)
    if connection is not None:
        _connection_options(section, connection, upgrade, http_version)
    if expectation is not None and http_version != "1.0":  # RFC 9110 section 10.1.1: MUST ignore
        _expectation(section, expectation)
    return section


def _combine(kind: int, first: bytes, second: bytes) -> bytes:
    """The value of a field that comes twice (RFC 9110 section 5.3)."""
    if kind == _HOST:
        raise RemoteProtocolError("more than one Host")  # RFC 9112 section 3.2
    if kind == _LENGTH:
        # RFC 9112 section 6.3 would allow equal ones; nobody honest sends them.
        raise RemoteProtocolError("more than one Content-Length")
    return first + b", " + second


def _content_length(value: bytes) -> int:
    if not is_content_length(value):
        raise RemoteProtocolError("malformed Content-Length")
    return int(value)


def _transfer_coding(value: bytes, http_version: str) -> int:
    if http_version == "1.0":
        # RFC 9112 section 6.1: such a message's framing is faulty
        raise RemoteProtocolError("Transfer-Encoding in HTTP/1.0")
    *others, last = grammar.list_tokens(value)
    if last != b"chunked" or b"chunked" in others:
        # RFC 9112 section 6.3: the length cannot be determined
        raise RemoteProtocolError("chunked is not the one final transfer coding")
    if others:
        if any(TOKEN.fullmatch(other) is None for other in others):
            raise RemoteProtocolError("malformed transfer coding")
        raise RemoteProtocolError("unknown transfer coding", 501)
    return CHUNKED


def _connection_options(
    section: Section, value: bytes, upgrade: bytes | None, http_version: str
) -> None:
    if upgrade is None and value.lower() == b"keep-alive":  # what nearly all clients send
        section.keep_alive = True
        return
    options = grammar.list_tokens(value)
    if b"close" in options:
        section.keep_alive = False  # RFC 9112 section 9.3: close wins
    elif b"keep-alive" in options:
        section.keep_alive = True
    # RFC 9110 section 7.8: needs the connection option, and HTTP/1.0 has none
    if upgrade and b"upgrade" in options and http_version != "1.0":
        section.upgrade = upgrade


def _expectation(section: Section, value: bytes) -> None:
    if value.lower() != b"100-continue":
        raise RemoteProtocolError("unknown expectation", 417)
    section.expects_continue = section.content_length != 0


def _resolve_target(event: RequestReceived) -> None:
    """Look at targets that are not plain origin-form (RFC 9112 section 3.2)."""
    target = event.target
    if b"#" in target:
        raise RemoteProtocolError("fragment in the request target")
    if target == b"*":
        if event.method != "OPTIONS":
            raise RemoteProtocolError("asterisk-form is for OPTIONS")
        return
    _resolve_absolute_form(event)


def _resolve_absolute_form(event: RequestReceived) -> None:
    scheme, separator, rest = event.target.partition(b"://")
    if not separator or scheme.lower() not in (b"http", b"https"):
        raise RemoteProtocolError("malformed request target")
    end = min((at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0), default=len(rest))
    authority = rest[:end]
    if not is_authority(authority):
        raise RemoteProtocolError("malformed authority in the request target")
    path = rest[end:]
    if not path and event.method == "OPTIONS":
        event.target = b"*"  # RFC 9112 section 3.2.4
    else:
        event.target = path if path[:1] == b"/" else b"/" + path
    # RFC 9112 section 3.2.2: the target's authority replaces Host
    others = [field for field in event.headers if field[0].lower() != b"host"]
    event.headers = [(b"host", authority), *others]
