"""Requests as they stand in header lists, checked.

Knows: pseudo-header fields, which fields HTTP/2 forbids, and the grammar of those that it reads
(RFC 9113 sections 8.2 and 8.3; RFC 8441 for CONNECT).
Must not know: compression, streams or frames.

Whether a field is right depends on nothing but itself, so fields that were found right are
remembered, with what kind they are: clients repeat themselves.
"""

from __future__ import annotations

import re

from hypercorn_protocols.errors import RemoteProtocolError
from hypercorn_protocols.events import RequestReceived
from hypercorn_protocols.http2.faults import RequestRefusedError
from hypercorn_protocols.semantics import TCHAR, TOKEN, is_authority, is_content_length

__all__ = ["Head", "MalformedError", "read_head", "read_trailers"]

Fields = list[tuple[bytes, bytes]]

_METHOD, _SCHEME, _AUTHORITY, _PATH, _PROTOCOL = range(5)
_PLAIN, _HOST, _LENGTH, _EXPECT, _COOKIE, _PRIORITY = range(5, 11)

_PSEUDO = {
    b":method": _METHOD,
    b":scheme": _SCHEME,
    b":authority": _AUTHORITY,
    b":path": _PATH,
    b":protocol": _PROTOCOL,
}
_REGULAR = {
    b"host": _HOST,
    b"content-length": _LENGTH,
    b"expect": _EXPECT,
    b"cookie": _COOKIE,
    b"priority": _PRIORITY,
}
# Section 8.2.2
_CONNECTION_SPECIFIC = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade")
)

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
# Section 8.2.1, and the control characters of RFC 9110 section 5.5
_VALUE = re.compile(rb"(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?")
# RFC 9112 section 3.2.1: what HTTP/1.1 takes as well, but for fragments
_PATH_VALUE = re.compile(rb"/[\x21\x22\x24-\x7e]*|\*")
# RFC 9110 section 7.8: what Upgrade names, and RFC 8441 section 4 takes over
_PROTOCOL_VALUE = re.compile(rb"[" + TCHAR + rb"]+(?:/[" + TCHAR + rb"]+)?")

# What streams may be opened for by an extended CONNECT
_TUNNELLED = frozenset((b"websocket",))

_MAX_REMEMBERED = 2048
_MAX_REMEMBERED_SIZE = 512
_kinds: dict[tuple[bytes, bytes], int] = {}

_METHODS = {
    method.encode(): method
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")
}


class MalformedError(RemoteProtocolError):
    """The message breaks the rules of section 8: a stream error of type PROTOCOL_ERROR."""


class Head:
    """A request's header section, and what it says to the protocol."""

    __slots__ = ("authority", "content_length", "priority", "request", "scheme")

    def __init__(self, request: RequestReceived, scheme: bytes, authority: bytes) -> None:
        self.request = request
        self.scheme = scheme
        self.authority = authority
        self.content_length: int | None = None
        self.priority = b""
        """The values of Priority fields (RFC 9218 section 5), joined."""


def read_head(stream_id: int, fields: Fields, end_stream: bool) -> Head:
    """Make a request of a header list.

    Raises:
        MalformedError: it is none.
        RequestRefusedError: it asks for what is not served.
    """
    pseudo: list[bytes | None] = [None, None, None, None, None]
    headers: Fields = []
    noted: list[tuple[int, bytes]] = []
    for field in fields:
        kind = _kinds.get(field, -1)
        if kind < 0:
            kind = _classify(field)
        if kind == _PLAIN:
            headers.append(field)
        elif kind > _PLAIN:
            noted.append((kind, field[1]))
            headers.append(field)
        else:
            if headers:
                raise MalformedError("a pseudo-header field behind a regular one")
            if pseudo[kind] is not None:
                raise MalformedError("a pseudo-header field came twice")
            pseudo[kind] = field[1]
    method, scheme, authority, path, protocol = pseudo
    if method is None or scheme is None or path is None:
        raise _incomplete(pseudo)
    name = _METHODS.get(method) or _unusual_method(method, protocol)
    if path == b"*" and name != "OPTIONS":
        raise MalformedError("* is for OPTIONS")
    request = RequestReceived(stream_id, name, path, headers, "2", end_stream)
    head = Head(request, scheme, authority or b"")
    if noted:
        _note(head, noted)
    if authority is not None:
        # ASGI: the authority is the first of the headers, as Host
        headers.insert(0, (b"host", authority))
    elif not head.authority:
        raise MalformedError("neither :authority nor Host")  # section 8.3.1
    if end_stream and head.content_length:
        raise MalformedError("Content-Length without content")  # section 8.1.1
    if protocol is not None:
        _connect(head, protocol)
    return head


def read_trailers(fields: Fields) -> Fields:
    """Check a trailer section (section 8.1). Raises MalformedError."""
    for field in fields:
        if _kinds.get(field, -1) < 0:
            _classify(field)
        if field[0][:1] == b":":
            raise MalformedError("a pseudo-header field in a trailer section")
    return fields


def _classify(field: tuple[bytes, bytes]) -> int:
    """Check a field and say what kind it is."""
    name, value = field
    if name[:1] == b":":
        kind = _pseudo_kind(name, value)
    else:
        kind = _regular_kind(name, value)
    # Paths are of too many kinds: they would cost the fields that do repeat their place.
    if kind != _PATH and len(name) + len(value) <= _MAX_REMEMBERED_SIZE:
        if len(_kinds) >= _MAX_REMEMBERED:
            _kinds.clear()
        _kinds[field] = kind
    return kind


def _pseudo_kind(name: bytes, value: bytes) -> int:
    kind = _PSEUDO.get(name, -1)
    if kind < 0:
        raise MalformedError(f"unknown pseudo-header field {name!r}")
    if kind == _METHOD:
        valid = TOKEN.fullmatch(value) is not None
    elif kind == _SCHEME:
        valid = value in (b"http", b"https")
    elif kind == _AUTHORITY:
        valid = is_authority(value)
    elif kind == _PROTOCOL:
        valid = _PROTOCOL_VALUE.fullmatch(value) is not None
    else:
        valid = _PATH_VALUE.fullmatch(value) is not None
    if not valid:
        raise MalformedError(f"malformed {name.decode('ascii')}")
    return kind


def _regular_kind(name: bytes, value: bytes) -> int:
    if _NAME.fullmatch(name) is None:
        raise MalformedError("malformed field name")
    if _VALUE.fullmatch(value) is None:
        raise MalformedError("malformed field value")
    if name in _CONNECTION_SPECIFIC or (name == b"te" and value.lower() != b"trailers"):
        raise MalformedError(f"{name.decode('ascii')} in HTTP/2")
    kind = _REGULAR.get(name, _PLAIN)
    if kind == _LENGTH and not is_content_length(value):
        raise MalformedError("malformed Content-Length")
    if kind == _HOST and not is_authority(value):
        raise MalformedError("malformed Host")
    return kind


def _incomplete(pseudo: list[bytes | None]) -> RemoteProtocolError:
    """What is wrong with a request that lacks pseudo-header fields."""
    method, scheme, authority, path, protocol = pseudo
    plain = scheme is None and path is None and protocol is None
    if method == b"CONNECT" and authority is not None and plain:
        # RFC 9110 section 9.3.6: for proxies; an origin server need not know it
        return RequestRefusedError("CONNECT is not implemented", 501)
    return MalformedError("a pseudo-header field is missing")


def _unusual_method(token: bytes, protocol: bytes | None) -> str:
    method = token.decode("ascii")
    if method == "CONNECT" and protocol is None:
        raise MalformedError("CONNECT with :scheme or :path")  # section 8.5
    if method != method.upper():
        # "get" is not GET, and ASGI scopes carry methods in upper case only.
        raise RequestRefusedError(f"method {method!r} is not implemented", 501)
    return method


def _connect(head: Head, protocol: bytes) -> None:
    """Make an extended CONNECT of a request that names a protocol (RFC 8441 section 4)."""
    request = head.request
    if request.method != "CONNECT":
        raise MalformedError(":protocol without CONNECT")
    if head.content_length is not None:
        # RFC 9110 section 9.3.6: CONNECT has no content, and what a tunnel carries has no length
        raise MalformedError("Content-Length with CONNECT")
    request.protocol = protocol.lower()  # RFC 9110 section 7.8: to be compared without case
    if request.protocol not in _TUNNELLED:
        raise RequestRefusedError(f"{protocol!r} is not spoken here", 501)  # RFC 9220 section 3
    request.expects_continue = False  # there is no content to wait with
    # RFC 9218 section 11: tunnels shall not hold each other up, unless the client wants just that
    head.priority = b"i, " + head.priority if head.priority else b"i"


def _note(head: Head, noted: list[tuple[int, bytes]]) -> None:
    """Look at the fields that say something to the protocol."""
    request = head.request
    hosts: list[bytes] = []
    crumbs: list[bytes] = []
    for kind, value in noted:
        if kind == _COOKIE:
            crumbs.append(value)
        elif kind == _HOST:
            hosts.append(value)
        elif kind == _LENGTH:
            if head.content_length not in (None, int(value)):
                raise MalformedError("two different Content-Length fields")
            head.content_length = int(value)
        elif kind == _PRIORITY:
            head.priority = head.priority + b", " + value if head.priority else value
        elif value.lower() != b"100-continue":
            raise RequestRefusedError("unknown expectation", 417)
        else:
            request.expects_continue = not request.end_stream
    if hosts:
        _take_host(head, hosts)
    if len(crumbs) > 1:
        _join_cookies(request.headers, crumbs)


def _take_host(head: Head, hosts: list[bytes]) -> None:
    """Section 8.3.1: Host must not say anything else than :authority, which replaces it."""
    if len(hosts) > 1:
        raise MalformedError("more than one Host")
    if not head.authority:
        head.authority = hosts[0]
    elif head.authority.lower() != hosts[0].lower():
        raise MalformedError("Host differs from :authority")
    else:
        headers = head.request.headers
        headers[:] = [field for field in headers if field[0] != b"host"]


def _join_cookies(headers: Fields, crumbs: list[bytes]) -> None:
    """Section 8.2.3: cookies may come in pieces, and are one field to everybody else."""
    first = next(at for at, field in enumerate(headers) if field[0] == b"cookie")
    others = [field for field in headers[first:] if field[0] != b"cookie"]
    headers[first:] = [(b"cookie", b"; ".join(crumbs)), *others]
