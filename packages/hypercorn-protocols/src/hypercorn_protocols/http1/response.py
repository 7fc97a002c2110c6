"""The bytes of a response's head, checked.

Knows: status lines, field lines, and which fields of an application are the server's business.
Must not know: requests, connections or how content is framed.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

from hypercorn_protocols.errors import LocalProtocolError
from hypercorn_protocols.http1 import grammar

__all__ = ["FieldLines", "encode_error", "encode_fields", "encode_status"]

_PLAIN, _LENGTH, _CONNECTION, _DROPPED, _DEFAULT = range(5)
_KINDS = {
    b"content-length": _LENGTH,
    b"connection": _CONNECTION,
    # RFC 9112 sections 6.1 and 9: hop-by-hop fields are for the server alone to send
    b"transfer-encoding": _DROPPED,
    b"keep-alive": _DROPPED,
    b"proxy-connection": _DROPPED,
    b"date": _DEFAULT,
    b"server": _DEFAULT,
    b"alt-svc": _DEFAULT,
}

# Names that applications send, checked once. Bounded, for an application may make names up.
_MAX_KNOWN_NAMES = 1024
_MAX_KNOWN_NAME = 64
_known_names: dict[bytes, tuple[bytes, int]] = {}

_CONTROLS = bytes([*range(0x09), *range(0x0A, 0x20), 0x7F])

_STATUS_LINES = {
    status.value: b"HTTP/1.1 %d %b\r\n" % (status, status.phrase.encode()) for status in HTTPStatus
}


class FieldLines:
    """An application's fields as they go on the wire, and what they say to the server."""

    __slots__ = ("block", "close", "content_length", "defaults", "options")

    def __init__(self) -> None:
        self.block = b""
        self.content_length: int | None = None
        self.close = False
        """The application asked for ``connection: close``."""
        self.options: tuple[bytes, ...] = ()
        """Its other connection options, which are not in ``block``."""
        self.defaults: tuple[bytes, ...] = ()
        """Names that the application set itself although the server would have."""


def encode_status(status: int) -> bytes:
    """The status line (RFC 9112 section 4). Raises LocalProtocolError for no status code."""
    line = _STATUS_LINES.get(status)
    if line is None:
        if not isinstance(status, int) or not 100 <= status <= 999:
            raise LocalProtocolError(f"{status!r} is not a status code")
        # Clients exist that need a reason phrase, although RFC 9112 allows none.
        line = b"HTTP/1.1 %d Unknown\r\n" % status
    return line


def encode_fields(headers: Iterable[tuple[bytes, bytes]]) -> FieldLines:
    """Write field lines.

    Raises:
        LocalProtocolError: they are not pairs of bytes, a name is not a token, or a value has a
            control character in it (RFC 9110 section 5.5).
    """
    lines = FieldLines()
    parts: list[bytes] = []
    count = 0
    try:
        for name, value in headers:
            known = _known_names.get(name)
            start, kind = known if known is not None else _learn(name)
            if kind:
                if kind == _LENGTH:
                    _take_length(lines, value)
                    continue  # written with the framing
                if not _take(lines, kind, name, value):
                    continue
            parts += (start, value, b"\r\n")
            count += 1
        block = b"".join(parts)
    except (AttributeError, TypeError, ValueError) as error:
        raise LocalProtocolError(f"headers must be pairs of bytes: {error}") from error
    # Without control characters the block has to be shorter by the two that end each line.
    if len(block) - len(block.translate(None, _CONTROLS)) != 2 * count:
        raise LocalProtocolError("CR, LF, NUL or another control character in a header value")
    lines.block = block
    return lines


def encode_error(status: int, default_block: bytes, with_content: bool) -> bytes:
    """A whole response that says ``status``, and that the connection ends."""
    status_line = encode_status(status)
    content = status_line[len(b"HTTP/1.1 400 ") : -len(b"\r\n")] + b"\n"
    fields = b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n" % len(content)
    head = status_line + default_block + fields + b"connection: close\r\n\r\n"
    return head + content if with_content else head


def _learn(name: bytes) -> tuple[bytes, int]:
    if not isinstance(name, bytes) or grammar.TOKEN.fullmatch(name) is None:
        raise LocalProtocolError(f"{name!r} is not a header name")
    known = (name + b": ", _KINDS.get(name.lower(), _PLAIN))
    if len(_known_names) < _MAX_KNOWN_NAMES and len(name) <= _MAX_KNOWN_NAME:
        _known_names[name] = known
    return known


def _take(lines: FieldLines, kind: int, name: bytes, value: bytes) -> bool:
    """Heed another field that is the server's business; return whether it is sent as it is."""
    if kind == _CONNECTION:
        _take_options(lines, value)
        return False  # written with what the server has to say there
    if kind == _DEFAULT:
        lines.defaults += (name.lower(),)
        return True
    return False


def _take_length(lines: FieldLines, value: bytes) -> None:
    valid = isinstance(value, bytes) and value.isdigit()
    if not valid or len(value) > grammar.MAX_LENGTH_DIGITS:
        raise LocalProtocolError(f"Content-Length cannot be {value!r}")
    length = int(value)
    if lines.content_length not in (None, length):
        raise LocalProtocolError("two different Content-Length fields")
    lines.content_length = length


def _take_options(lines: FieldLines, value: bytes) -> None:
    for option in value.lower().split(b","):
        token = option.strip(b" \t")
        if grammar.TOKEN.fullmatch(token) is None:
            raise LocalProtocolError(f"Connection cannot be {value!r}")
        if token == b"close":
            lines.close = True
        elif token != b"keep-alive":
            lines.options += (token,)
