"""The bytes of a response's head, checked.

Knows: status lines, field lines, and which fields of an application are the server's business.
Must not know: requests, connections or how content is framed.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

from hypercorn_protocols.errors import LocalProtocolError
from hypercorn_protocols.semantics import CONTROLS, TOKEN, is_content_length

__all__ = ["STATUS_LINES", "FieldLines", "encode_error", "encode_fields", "encode_status"]

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

# Applications repeat themselves: the lines of fields that were found valid are remembered, as many
# and as long (in bytes, name and value together) as this.
_MAX_REMEMBERED = 1024
_MAX_REMEMBERED_SIZE = 256
_remembered: dict[tuple[bytes, bytes], tuple[bytes, int, int]] = {}

STATUS_LINES = {
    status.value: b"HTTP/1.1 %d %b\r\n" % (status, status.phrase.encode()) for status in HTTPStatus
}


class FieldLines:
    """An application's fields as they go on the wire, and what they say to the server."""

    # Of the class and not of each instance: most are never set.
    block: bytes = b""
    content_length: int | None = None
    length_line: bytes = b""
    """Content-Length as a line; it is not in ``block``."""
    close: bool = False
    """The application asked for ``connection: close``."""
    options: tuple[bytes, ...] = ()
    """Its other connection options, which are not in ``block``."""
    defaults: tuple[bytes, ...] = ()
    """Names that the application set itself although the server would have."""


def encode_status(status: int) -> bytes:
    """The status line (RFC 9112 section 4). Raises LocalProtocolError for no status code."""
    line = STATUS_LINES.get(status)
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
    block: list[bytes] = []
    try:
        for field in headers:
            # Pairs need not be tuples, but those alone can be looked up.
            known = _remembered.get(field) if type(field) is tuple else None
            line, kind, length = known if known is not None else _encode(field)
            if kind == _PLAIN:
                block.append(line)
            elif kind == _LENGTH:  # written with the framing
                if lines.content_length not in (None, length):
                    raise LocalProtocolError("two different Content-Length fields")
                lines.content_length = length
                lines.length_line = line
            elif kind == _DEFAULT:
                block.append(line)
                lines.defaults += (line.partition(b":")[0].lower(),)
            elif kind == _CONNECTION:  # written with what the server has to say there
                _take_options(lines, line)
    except (AttributeError, TypeError, ValueError) as error:
        raise LocalProtocolError(f"headers must be pairs of bytes: {error}") from error
    lines.block = b"".join(block)
    return lines


def encode_error(status: int, default_block: bytes, with_content: bool) -> bytes:
    """A whole response that says ``status``, and that the connection ends."""
    status_line = encode_status(status)
    content = status_line[len(b"HTTP/1.1 400 ") : -len(b"\r\n")] + b"\n"
    fields = b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n" % len(content)
    head = status_line + default_block + fields + b"connection: close\r\n\r\n"
    return head + content if with_content else head


def _encode(field: tuple[bytes, bytes]) -> tuple[bytes, int, int]:
    """Write one line and remember it; returns it, its kind, and the number if that is a length."""
    name, value = field
    line = b"%b: %b\r\n" % (name, value)
    if not isinstance(name, bytes) or TOKEN.fullmatch(name) is None:
        raise LocalProtocolError(f"{name!r} is not a header name")
    # Without control characters the line has to be shorter by the two that end it.
    if len(line) - len(line.translate(None, CONTROLS)) != 2:
        raise LocalProtocolError(f"a control character in the value of {name!r}")
    kind = _KINDS.get(name.lower(), _PLAIN)
    length = 0
    if kind == _LENGTH:
        length = _length(value)
        line = b"%b: %d\r\n" % (name, length)
    known = (line, kind, length)
    if type(field) is tuple and type(value) is bytes and len(line) <= _MAX_REMEMBERED_SIZE:
        if len(_remembered) >= _MAX_REMEMBERED:
            _remembered.clear()
        _remembered[field] = known
    return known


def _length(value: bytes) -> int:
    if not is_content_length(value):
        raise LocalProtocolError(f"Content-Length cannot be {value!r}")
    return int(value)


def _take_options(lines: FieldLines, line: bytes) -> None:
    value = line.partition(b":")[2].strip()
    for option in value.lower().split(b","):
        token = option.strip(b" \t")
        if TOKEN.fullmatch(token) is None:
            raise LocalProtocolError(f"Connection cannot be {value!r}")
        if token == b"close":
            lines.close = True
        elif token != b"keep-alive":
            lines.options += (token,)
