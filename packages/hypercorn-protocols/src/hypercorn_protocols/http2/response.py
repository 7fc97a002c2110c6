"""An application's fields, checked and as they go into a header list.

Knows: which fields of an application are the server's business, and which HTTP/2 forbids
(RFC 9113 section 8.2).
Must not know: compression, streams or frames.
"""

from __future__ import annotations

from collections.abc import Iterable

from hypercorn_protocols.errors import LocalProtocolError
from hypercorn_protocols.semantics import CONTROLS, TOKEN, is_content_length

__all__ = ["Field", "ResponseFields", "read_fields"]

Field = tuple[bytes, bytes, bool]
"""Name in lower case, value, and whether it must never be indexed (RFC 7541 section 7.1.3)."""

_PLAIN, _LENGTH, _DROPPED, _DEFAULT, _PRIORITY = range(5)
_KINDS = {
    b"content-length": _LENGTH,
    # Section 8.2.2: they are about connections of HTTP/1.1
    b"connection": _DROPPED,
    b"keep-alive": _DROPPED,
    b"proxy-connection": _DROPPED,
    b"transfer-encoding": _DROPPED,
    b"upgrade": _DROPPED,
    b"date": _DEFAULT,
    b"server": _DEFAULT,
    b"alt-svc": _DEFAULT,
    b"priority": _PRIORITY,
}
_SENSITIVE = frozenset((b"set-cookie", b"authorization", b"proxy-authorization"))

# Applications repeat themselves: fields that were found valid are remembered.
_MAX_REMEMBERED = 1024
_MAX_REMEMBERED_SIZE = 256
_remembered: dict[tuple[bytes, bytes], tuple[Field, int, int]] = {}


class ResponseFields:
    """The fields of one section, and what they say to the server."""

    # Of the class and not of each instance: most are never set.
    content_length: int | None = None
    priority: bytes = b""
    defaults: tuple[bytes, ...] = ()
    """Names that the application set itself although the server would have."""

    def __init__(self) -> None:
        self.fields: list[Field] = []


def read_fields(headers: Iterable[tuple[bytes, bytes]]) -> ResponseFields:
    """Check fields.

    Raises:
        LocalProtocolError: they are not pairs of bytes, a name is not a token, or a value has a
            control character in it (RFC 9110 section 5.5).
    """
    read = ResponseFields()
    append = read.fields.append
    try:
        for field in headers:
            # Pairs need not be tuples, but those alone can be looked up.
            known = _remembered.get(field) if type(field) is tuple else None
            entry, kind, length = known if known is not None else _check(field)
            if kind == _PLAIN:
                append(entry)
            elif kind != _DROPPED:
                _take(read, entry, kind, length)
    except (AttributeError, TypeError, ValueError) as error:
        raise LocalProtocolError(f"headers must be pairs of bytes: {error}") from error
    return read


def _take(read: ResponseFields, entry: Field, kind: int, length: int) -> None:
    if kind == _LENGTH:
        if read.content_length not in (None, length):
            raise LocalProtocolError("two different Content-Length fields")
        if read.content_length == length:
            return
        read.content_length = length
    elif kind == _DEFAULT:
        read.defaults += (entry[0],)
    else:
        read.priority = read.priority + b", " + entry[1] if read.priority else entry[1]
    read.fields.append(entry)


def _check(field: tuple[bytes, bytes]) -> tuple[Field, int, int]:
    """Check one field and remember it; returns it, its kind, and the number if it is a length."""
    name, value = field
    if type(name) is not bytes or type(value) is not bytes:
        raise TypeError(f"{field!r} is not one")
    if TOKEN.fullmatch(name) is None:
        raise LocalProtocolError(f"{name!r} is not a header name")
    # Section 8.2.1: no white space around; here the application is spared the care.
    value = value.strip(b" \t")
    if len(value) != len(value.translate(None, CONTROLS)):
        raise LocalProtocolError(f"a control character in the value of {name!r}")
    lower = name.lower()
    kind = _KINDS.get(lower, _PLAIN)
    length = 0
    if kind == _LENGTH:
        if not is_content_length(value):
            raise LocalProtocolError(f"Content-Length cannot be {value!r}")
        length = int(value)
    known = ((lower, value, lower in _SENSITIVE), kind, length)
    if type(field) is tuple and len(name) + len(value) <= _MAX_REMEMBERED_SIZE:
        if len(_remembered) >= _MAX_REMEMBERED:
            _remembered.clear()
        _remembered[field] = known
    return known
