"""From the bytes of a head to a request: what it asks for and how its content is framed.

Knows: RFC 9112 sections 3, 6 and 9.3 and RFC 9110 sections 5 to 10, as far as a server owes them.
Must not know: buffers, time, or what was received before.

Framing is decided here alone, for every engine. Where RFC 9112 leaves room for two readings of
where a request ends, the request is refused.
"""

from __future__ import annotations

from ipaddress import AddressValueError, IPv6Address

from hypercorn_protocols.errors import RemoteProtocolError
from hypercorn_protocols.events import RequestReceived
from hypercorn_protocols.http1 import grammar
from hypercorn_protocols.http1.engine import FieldSplitter
from hypercorn_protocols.http1.grammar import field_pairs
from hypercorn_protocols.http1.scanner import SectionScanner

__all__ = ["CHUNKED", "RequestHead", "parse_head"]

CHUNKED = -1
"""The content length of a request whose content is chunked."""

# One list of known methods saves decoding; any other token is as good (RFC 9110 section 9.1).
_METHODS = {
    method.encode(): method
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH")
}

_HOST, _LENGTH, _CODING, _CONNECTION, _EXPECT, _UPGRADE = range(6)
_FIELDS_OF_INTEREST = {
    b"host": _HOST,
    b"content-length": _LENGTH,
    b"transfer-encoding": _CODING,
    b"connection": _CONNECTION,
    b"expect": _EXPECT,
    b"upgrade": _UPGRADE,
}


class RequestHead:
    """A request's head, read and found valid."""

    __slots__ = (
        "content_length",
        "expects_continue",
        "headers",
        "http_version",
        "keep_alive",
        "method",
        "target",
        "upgrade",
    )

    def __init__(self, method: str, target: bytes, http_version: str) -> None:
        self.method = method
        self.target = target
        self.http_version = http_version
        self.headers: list[tuple[bytes, bytes]] = []
        self.content_length = 0
        self.keep_alive = http_version == "1.1"
        self.expects_continue = False
        self.upgrade: bytes | None = None

    def event(self, stream_id: int) -> RequestReceived:
        """The head as an event."""
        return RequestReceived(
            stream_id,
            self.method,
            self.target,
            self.headers,
            self.http_version,
            self.content_length == 0,
            self.expects_continue,
            self.upgrade,
        )


def parse_head(data: bytes, split_fields: FieldSplitter, keep_case: bool = False) -> RequestHead:
    """Read a head that ends in an empty line.

    Args:
        data: the head, and nothing else.
        split_fields: the engine.
        keep_case: hand out field names as they were sent.

    Raises:
        RemoteProtocolError: with the status that says what is wrong (RFC 9112 section 3).
    """
    match = grammar.HEAD.fullmatch(data)
    if match is None:
        SectionScanner(len(data), len(data)).scan(data)  # says what is wrong
        raise RemoteProtocolError("malformed head")
    method_token, target, major, minor, block = match.groups()
    if major != b"1":
        raise RemoteProtocolError("only HTTP/1 is understood here", 505)
    method = _METHODS.get(method_token)
    if method is None:
        method = _unusual_method(method_token)
    # RFC 9110 section 2.5: a minor version above ours is read as ours
    head = RequestHead(method, target, "1.0" if minor == b"0" else "1.1")
    try:
        head.headers = split_fields(data, match.start(5))
    except RemoteProtocolError:
        # Engines have opinions of their own on framing, which is decided here alone.
        head.headers = field_pairs(block)
    _interpret(head)
    if keep_case:
        head.headers = field_pairs(block, keep_case=True)
    if target[0] != 0x2F or b"#" in target:
        _resolve_target(head)
    return head


def _unusual_method(token: bytes) -> str:
    method = token.decode("ascii")
    if method != method.upper():
        # "get" is not GET, and ASGI scopes carry methods in upper case only.
        raise RemoteProtocolError(f"method {method!r} is not implemented", 501)
    if method == "CONNECT":
        # RFC 9110 section 9.3.6: for proxies; an origin server need not know it
        raise RemoteProtocolError("CONNECT is not implemented", 501)
    return method


def _interpret(head: RequestHead) -> None:
    """Find the fields that decide about framing, the connection and the host."""
    found: list[bytes | None] = [None, None, None, None, None, None]
    for name, value in head.headers:
        kind = _FIELDS_OF_INTEREST.get(name)
        if kind is not None:
            previous = found[kind]
            found[kind] = value if previous is None else _combine(kind, previous, value)
    host, length, coding, connection, expectation, upgrade = found
    if host is None:
        if head.http_version == "1.1":
            raise RemoteProtocolError("Host is missing")
    elif host and not _is_authority(host):  # empty: the target's URI has no authority
        raise RemoteProtocolError("malformed Host")
    if length is not None:
        head.content_length = _content_length(length)
    if coding is not None:
        if length is not None:
            raise RemoteProtocolError("Transfer-Encoding with Content-Length")
        _transfer_coding(head, coding)
    if connection is not None:
        _connection_options(head, connection, upgrade)
    if expectation is not None:
        _expectation(head, expectation)


def _combine(kind: int, first: bytes, second: bytes) -> bytes:
    """The value of a field that comes twice (RFC 9110 section 5.3)."""
    if kind == _HOST:
        raise RemoteProtocolError("more than one Host")  # RFC 9112 section 3.2
    if kind == _LENGTH:
        # RFC 9112 section 6.3 would allow equal ones; nobody honest sends them.
        raise RemoteProtocolError("more than one Content-Length")
    return first + b", " + second


def _is_authority(value: bytes) -> bool:
    match = grammar.AUTHORITY.fullmatch(value)
    return match is not None and (match[1] is None or _is_ipv6_address(match[1]))


def _is_ipv6_address(value: bytes) -> bool:
    try:
        IPv6Address(value.decode("ascii"))
    except AddressValueError:
        return False
    return True


def _content_length(value: bytes) -> int:
    # RFC 9110 section 8.6: 1*DIGIT, here no more than every reader can count
    if not value.isdigit() or len(value) > grammar.MAX_LENGTH_DIGITS:
        raise RemoteProtocolError("malformed Content-Length")
    return int(value)


def _transfer_coding(head: RequestHead, value: bytes) -> None:
    if head.http_version == "1.0":
        # RFC 9112 section 6.1: such a message's framing is faulty
        raise RemoteProtocolError("Transfer-Encoding in HTTP/1.0")
    *others, last = _tokens(value)
    if last != b"chunked" or b"chunked" in others:
        # RFC 9112 section 6.3: the length cannot be determined
        raise RemoteProtocolError("chunked is not the one final transfer coding")
    if others:
        if any(grammar.TOKEN.fullmatch(other) is None for other in others):
            raise RemoteProtocolError("malformed transfer coding")
        raise RemoteProtocolError("unknown transfer coding", 501)
    head.content_length = CHUNKED


def _connection_options(head: RequestHead, value: bytes, upgrade: bytes | None) -> None:
    if upgrade is None and value.lower() == b"keep-alive":  # what nearly all clients send
        head.keep_alive = True
        return
    options = _tokens(value)
    if b"close" in options:
        head.keep_alive = False  # RFC 9112 section 9.3: close wins
    elif b"keep-alive" in options:
        head.keep_alive = True
    # RFC 9110 section 7.8: needs the connection option, and HTTP/1.0 has none
    if upgrade and b"upgrade" in options and head.http_version != "1.0":
        head.upgrade = upgrade


def _expectation(head: RequestHead, value: bytes) -> None:
    if head.http_version == "1.0":
        return  # RFC 9110 section 10.1.1: MUST ignore
    if value.lower() != b"100-continue":
        raise RemoteProtocolError("unknown expectation", 417)
    head.expects_continue = head.content_length != 0


def _tokens(value: bytes) -> list[bytes]:
    return [token.strip(b" \t") for token in value.lower().split(b",")]


def _resolve_target(head: RequestHead) -> None:
    """Look at targets that are not plain origin-form (RFC 9112 section 3.2)."""
    target = head.target
    if b"#" in target:
        raise RemoteProtocolError("fragment in the request target")
    if target == b"*":
        if head.method != "OPTIONS":
            raise RemoteProtocolError("asterisk-form is for OPTIONS")
        return
    _resolve_absolute_form(head)


def _resolve_absolute_form(head: RequestHead) -> None:
    scheme, separator, rest = head.target.partition(b"://")
    if not separator or scheme.lower() not in (b"http", b"https"):
        raise RemoteProtocolError("malformed request target")
    end = min((at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0), default=len(rest))
    authority = rest[:end]
    if not _is_authority(authority):
        raise RemoteProtocolError("malformed authority in the request target")
    path = rest[end:]
    if not path and head.method == "OPTIONS":
        head.target = b"*"  # RFC 9112 section 3.2.4
    else:
        head.target = path if path[:1] == b"/" else b"/" + path
    # RFC 9112 section 3.2.2: the target's authority replaces Host
    others = [field for field in head.headers if field[0].lower() != b"host"]
    head.headers = [(b"host", authority), *others]
