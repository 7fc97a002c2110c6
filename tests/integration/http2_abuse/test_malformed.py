"""Requests that are none (RFC 9113 sections 8.1.1 to 8.5): refused by themselves.

No application sees them, and the other requests of their connection are none the worse.
"""

from __future__ import annotations

import pytest

from tests.integration.http2_abuse.attacks import Attacker, attacker, literal, request_block
from tests.integration.serving import Endpoint
from tests.protocols.http2 import frames
from tests.protocols.http2.frames import Code, Type

FIELDS = {b":method": b"GET", b":scheme": b"http", b":authority": b"localhost", b":path": b"/"}

HEAD = [*FIELDS.items()]


def instead(**fields: bytes) -> list[tuple[bytes, bytes]]:
    """A request with other pseudo-header fields than usual."""
    changed = {b":" + name.encode(): value for name, value in fields.items()}
    return [*{**FIELDS, **changed}.items()]


def without(name: bytes) -> list[tuple[bytes, bytes]]:
    """A request without a pseudo-header field."""
    return [field for field in HEAD if field[0] != name]


HEADS = {
    "path without slash": instead(path=b"path"),
    "path with a space": instead(path=b"/a b"),
    "path with a control character": instead(path=b"/a\tb"),
    "path with a line break": instead(path=b"/ HTTP/1.1\r\nx: y"),
    "asterisk": instead(path=b"*"),
    "absolute path": instead(path=b"http://localhost/"),
    "fragment": instead(path=b"/#fragment"),
    "empty path": instead(path=b""),
    "no path": without(b":path"),
    "empty method": instead(method=b""),
    "method with a space": instead(method=b"GE T"),
    "no method": without(b":method"),
    "bad scheme": instead(scheme=b"ht tp"),
    "empty scheme": instead(scheme=b""),
    "no scheme": without(b":scheme"),
    "userinfo": instead(authority=b"user@localhost"),
    "authority with a slash": instead(authority=b"localhost/path"),
    "authority with a space": instead(authority=b"local host"),
    "empty authority": instead(authority=b""),
    "another host": [*HEAD, (b"host", b"example.org")],
    "two hosts": [*without(b":authority"), (b"host", b"a"), (b"host", b"b")],
    "two paths": [*HEAD, (b":path", b"/")],
    "pseudo-header field behind others": [(b"x", b"y"), *HEAD],
    "pseudo-header field of answers": [*HEAD, (b":status", b"200")],
    "unknown pseudo-header field": [*HEAD, (b":unknown", b"")],
    "upper case": [*HEAD, (b"X-Upper", b"y")],
    "empty name": [*HEAD, (b"", b"y")],
    "name with a colon": [*HEAD, (b"x:y", b"z")],
    "name with a space": [*HEAD, (b"x y", b"z")],
    "value with a line break": [*HEAD, (b"x", b"y\r\nz: 1")],
    "value with NUL": [*HEAD, (b"x", b"y\0")],
    "value with spaces around": [*HEAD, (b"x", b" y ")],
    "connection": [*HEAD, (b"connection", b"keep-alive")],
    "transfer-encoding": [*HEAD, (b"transfer-encoding", b"chunked")],
    "upgrade": [*HEAD, (b"upgrade", b"websocket")],
    "te": [*HEAD, (b"te", b"gzip")],
    "content-length of no content": [*HEAD, (b"content-length", b"5")],
    "content-length that is no number": [*HEAD, (b"content-length", b"+0")],
    "two content-lengths": [*HEAD, (b"content-length", b"0"), (b"content-length", b"1")],
    "CONNECT": [(b":method", b"CONNECT"), (b":authority", b"localhost:80")],
    "CONNECT with a path": instead(method=b"CONNECT"),
    "protocol without CONNECT": [*HEAD, (b":protocol", b"websocket")],
}


@pytest.mark.parametrize("name", list(HEADS))
def test_head(endpoint: Endpoint, name: str) -> None:
    block = b"".join(literal(*field) for field in HEADS[name])
    with attacker(endpoint) as client:
        client.send(frames.headers(1, block))

        assert_refused(client)


CONTENTS = {
    "more than content-length": [frames.data(1, bytes(6))],
    "more than content-length, later": [frames.data(1, bytes(3)), frames.data(1, bytes(3))],
    "less than content-length": [frames.data(1, bytes(4), end=True)],
    "none": [frames.data(1, end=True)],
    "trailers too early": [frames.headers(1, literal(b"x", b"y"))],
    "trailers that do not end": [
        frames.data(1, bytes(5)),
        frames.headers(1, literal(b"x", b"y"), end=False),
    ],
    "pseudo-header fields in trailers": [frames.data(1, bytes(5)), frames.headers(1, b"\x84")],
    "upper case in trailers": [
        frames.data(1, bytes(5)),
        frames.headers(1, literal(b"X", b"y")),
    ],
}


@pytest.mark.parametrize("name", list(CONTENTS))
def test_content(endpoint: Endpoint, name: str) -> None:
    block = request_block("/digest", (b"content-length", b"5"), method="POST")
    with attacker(endpoint) as client:
        client.send(frames.headers(1, block, end=False), *CONTENTS[name])

        assert_refused(client)


def assert_refused(client: Attacker) -> None:
    """The first request is, and the second one is answered."""
    client.send(frames.headers(3, request_block("/")))
    client.read_until(lambda: 3 in client.statuses())
    client.settle()
    statuses = client.statuses()
    codes = {frame.stream_id: frame.code for frame in client.of(Type.RST_STREAM)}

    assert statuses.pop(3) == 200
    if statuses:
        assert statuses[1] in (400, 404, 421, 501)
        assert codes == {}
    else:
        assert codes == {1: Code.PROTOCOL_ERROR}
