"""The opening handshake (RFC 6455 sections 4.2 and 11.3, RFC 8441 section 5)."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.typing import Subprotocol
from websockets.uri import parse_uri
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, RejectConnection, Request
from wsproto.extensions import PerMessageDeflate

from hypercorn_protocols.errors import LocalProtocolError, RemoteProtocolError
from hypercorn_protocols.events import RequestReceived
from hypercorn_protocols.settings import WebSocketSettings
from hypercorn_protocols.websocket.handshake import (
    Acceptance,
    Handshake,
    HandshakeError,
    is_websocket,
    read_handshake,
)
from tests.protocols.strategies import DETERMINISTIC
from tests.protocols.wire import Wire

SETTINGS = WebSocketSettings()
# RFC 6455 section 1.3
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

Fields = list[tuple[bytes, bytes]]

VERSION = (b"sec-websocket-version", b"13")
HTTP1 = [
    (b"host", b"server.example.com"),
    (b"upgrade", b"websocket"),
    (b"connection", b"Upgrade"),
    (b"sec-websocket-key", KEY),
    VERSION,
]
HTTP2 = [(b"host", b"server.example.com"), VERSION]


def http1(*fields: tuple[bytes, bytes], without: bytes = b"", **changes: Any) -> RequestReceived:
    """A request over HTTP/1.1."""
    kept = [field for field in HTTP1 if field[0] != without]
    request = RequestReceived(
        1, "GET", b"/chat", [*kept, *fields], "1.1", True, upgrade=b"websocket"
    )
    return replace(request, **changes)


def http2(*fields: tuple[bytes, bytes], without: bytes = b"", **changes: Any) -> RequestReceived:
    """A request over HTTP/2 (RFC 8441 section 5.1) or HTTP/3 (RFC 9220)."""
    kept = [field for field in HTTP2 if field[0] != without]
    request = RequestReceived(
        1, "CONNECT", b"/chat", [*kept, *fields], "2", False, protocol=b"websocket"
    )
    return replace(request, **changes)


VERSIONS = [http1, http2]


def refusal(request: RequestReceived) -> HandshakeError:
    assert is_websocket(request)
    with pytest.raises(HandshakeError) as caught:
        read_handshake(request, SETTINGS)
    return caught.value


def accepted(request: RequestReceived, subprotocol: str | None = None) -> Acceptance:
    assert is_websocket(request)
    return read_handshake(request, SETTINGS).accept(subprotocol, [])


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (http1(), True),
        (http1(upgrade=b"WebSocket"), True),
        (http1(upgrade=b"h2c, websocket"), True),
        (http1(upgrade=b"h2c\t,WEBSOCKET ,x/1"), True),
        (http1(upgrade=None), False),
        (http1(upgrade=b""), False),
        (http1(upgrade=b"h2c"), False),
        (http1(upgrade=b"websocket/13"), False),
        (http1(upgrade=b"websockets"), False),
        (http1(upgrade=b"web, socket"), False),
        (http2(), True),
        (http2(protocol=b"WebSocket"), True),
        (http2(protocol=None), False),
        (http2(protocol=b"connect-udp"), False),
        (http2(protocol=b"x, websocket"), False),
    ],
)
def test_is_websocket(request_: RequestReceived, expected: bool) -> None:
    assert is_websocket(request_) is expected


def test_answer_over_http1() -> None:
    acceptance = accepted(http1())

    assert acceptance == Acceptance(
        101, [(b"upgrade", b"websocket"), (b"sec-websocket-accept", ACCEPT)], None
    )


def test_answer_over_http2() -> None:
    assert accepted(http2()) == Acceptance(200, [], None)


def test_answer_in_whole() -> None:
    request = http1(
        (b"sec-websocket-protocol", b"chat, superchat"),
        (b"sec-websocket-extensions", b"permessage-deflate; server_max_window_bits=10"),
    )
    acceptance = read_handshake(request, SETTINGS).accept("superchat", [(b"Set-Cookie", b"a=b")])

    assert acceptance.status == 101
    assert acceptance.headers == [
        (b"upgrade", b"websocket"),
        (b"sec-websocket-accept", ACCEPT),
        (b"sec-websocket-protocol", b"superchat"),
        (b"sec-websocket-extensions", b"permessage-deflate; server_max_window_bits=10"),
        (b"Set-Cookie", b"a=b"),
    ]
    assert acceptance.deflate is not None


def test_names_in_any_case() -> None:
    request = http1((b"SEC-WebSocket-Protocol", b"chat"))
    request.headers = [(name.title(), value) for name, value in request.headers]
    acceptance = accepted(request, "chat")

    assert (b"sec-websocket-accept", ACCEPT) in acceptance.headers


# What the request has to be like.


@pytest.mark.parametrize("method", ["POST", "HEAD", "get", "CONNECT"])
def test_method(method: str) -> None:
    assert refusal(http1(method=method)).status_hint == 400


def test_no_content_over_http1() -> None:
    assert refusal(http1(end_stream=False)).status_hint == 400


def test_a_stream_that_is_open_after_http1() -> None:
    assert refusal(http2(end_stream=True)).status_hint == 400


@pytest.mark.parametrize(
    "key",
    [
        b"",
        b"=",
        KEY[:-1],
        KEY[:-2],
        KEY + b"=",
        KEY[4:],
        KEY + KEY,
        b"AAAA" + KEY,
        KEY.replace(b"Z", b"-"),
        KEY.replace(b"Z", b"_"),
        KEY.replace(b"Z", b" "),
        KEY.replace(b"Z", b"\xe4"),
        b64encode(bytes(15)),
        b64encode(bytes(17)),
        KEY + b", " + KEY,
        b"x",
    ],
)
def test_invalid_key(key: bytes) -> None:
    request = http1((b"sec-websocket-key", key), without=b"sec-websocket-key")
    error = refusal(request)

    assert (error.status_hint, error.headers) == (400, [])
    assert isinstance(error, RemoteProtocolError)


def test_no_key() -> None:
    assert refusal(http1(without=b"sec-websocket-key")).status_hint == 400


def test_two_keys() -> None:
    assert refusal(http1((b"sec-websocket-key", KEY))).status_hint == 400


@DETERMINISTIC
@given(st.binary(min_size=16, max_size=16))
def test_any_key(nonce: bytes) -> None:
    field = (b"sec-websocket-key", b64encode(nonce))

    assert accepted(http1(field, without=b"sec-websocket-key")).status == 101


def test_keys_do_not_matter_after_http1() -> None:
    """RFC 8441 section 5: they are not used."""
    assert accepted(http2((b"sec-websocket-key", b"?"))).headers == []


def test_a_key_that_came_after_http1_all_the_same_is_answered() -> None:
    """Clients of HTTP/2 exist that take no answer without."""
    acceptance = read_handshake(http2((b"sec-websocket-key", KEY)), SETTINGS).accept(None, [])

    assert acceptance.status == 200
    assert acceptance.headers == [(b"sec-websocket-accept", ACCEPT)]


@pytest.mark.parametrize("version", [b"", b"8", b"0", b"14", b"013", b"13.0", b"13, 8", b"8, 13"])
def test_another_version(version: bytes) -> None:
    field = (b"sec-websocket-version", version)
    error = refusal(http1(field, without=b"sec-websocket-version"))

    assert error.status_hint == 426
    assert error.headers == [VERSION, (b"upgrade", b"websocket"), (b"connection", b"upgrade")]


def test_another_version_over_http2() -> None:
    field = (b"sec-websocket-version", b"14")
    error = refusal(http2(field, without=b"sec-websocket-version"))

    assert (error.status_hint, error.headers) == (426, [VERSION])


@pytest.mark.parametrize("request_", [make(without=VERSION[0]) for make in VERSIONS])
def test_no_version(request_: RequestReceived) -> None:
    assert refusal(request_).status_hint == 426


@pytest.mark.parametrize("request_", [make(VERSION) for make in VERSIONS])
def test_two_versions(request_: RequestReceived) -> None:
    error = refusal(request_)

    assert (error.status_hint, error.headers) == (400, [])


def test_another_version_may_have_other_rules() -> None:
    """Whoever speaks one is told of ours before all."""
    request = http1((b"sec-websocket-extensions", b"?;"), without=b"sec-websocket-key")
    request.headers.remove(VERSION)

    assert refusal(request).status_hint == 426


# Subprotocols.


def subprotocols(make: Any, *values: bytes) -> Handshake:
    return read_handshake(
        make(*[(b"sec-websocket-protocol", value) for value in values]), SETTINGS
    )


@pytest.mark.parametrize("make", VERSIONS)
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], []),
        ([b"chat"], ["chat"]),
        ([b"chat, superchat"], ["chat", "superchat"]),
        ([b"b,a"], ["b", "a"]),
        ([b"b", b"a, c"], ["b", "a", "c"]),
        ([b" ,b,\t, a ,"], ["b", "a"]),
        ([b"", b"b"], ["b"]),
        ([b"Chat, chat"], ["Chat", "chat"]),
        ([b"v10.stomp, wamp.2.json"], ["v10.stomp", "wamp.2.json"]),
    ],
)
def test_subprotocols_offered(make: Any, values: list[bytes], expected: list[str]) -> None:
    assert subprotocols(make, *values).subprotocols == expected


@pytest.mark.parametrize("make", VERSIONS)
@pytest.mark.parametrize(
    "values",
    [
        [b""],
        [b","],
        [b"a b"],
        [b"a/b"],
        [b'"a"'],
        [b"a;b"],
        [b"a, b c"],
        [b"\xe4"],
        [b"a, a"],
        [b"a", b"a"],
        [b"a, b", b"c, a"],
    ],
)
def test_malformed_subprotocols(make: Any, values: list[bytes]) -> None:
    request = make(*[(b"sec-websocket-protocol", value) for value in values])

    assert refusal(request).status_hint == 400


@pytest.mark.parametrize("make", VERSIONS)
@pytest.mark.parametrize("chosen", ["chat", "superchat"])
def test_subprotocol_is_chosen(make: Any, chosen: str) -> None:
    handshake = subprotocols(make, b"chat, superchat")
    field = (b"sec-websocket-protocol", chosen.encode())

    assert field in handshake.accept(chosen, []).headers
    # An application may say the same by a field.
    assert handshake.accept(None, [field]).headers.count(field) == 1


def test_no_subprotocol_is_chosen() -> None:
    headers = subprotocols(http1, b"chat").accept(None, []).headers

    assert b"sec-websocket-protocol" not in dict(headers)


@pytest.mark.parametrize("make", VERSIONS)
@pytest.mark.parametrize("chosen", ["", "other", "Chat", "chat, superchat", "chat\r\nx: y", "é"])
def test_subprotocol_that_was_not_offered(make: Any, chosen: str) -> None:
    handshake = subprotocols(make, b"chat, superchat")
    with pytest.raises(LocalProtocolError, match="not one of the subprotocols"):
        handshake.accept(chosen, [])
    with pytest.raises(LocalProtocolError, match="not one of the subprotocols"):
        handshake.accept(None, [(b"sec-websocket-protocol", chosen.encode())])


def test_two_subprotocols() -> None:
    handshake = subprotocols(http1, b"chat, superchat")
    field = (b"sec-websocket-protocol", b"chat")
    with pytest.raises(LocalProtocolError, match="more than one subprotocol"):
        handshake.accept("chat", [field])
    with pytest.raises(LocalProtocolError, match="more than one subprotocol"):
        handshake.accept(None, [field, field])


# The application's fields.


@pytest.mark.parametrize("make", VERSIONS)
@pytest.mark.parametrize(
    "name",
    [
        b"sec-websocket-accept",
        b"sec-websocket-extensions",
        b"sec-websocket-key",
        b"Sec-WebSocket-Version",
        b"upgrade",
    ],
)
def test_fields_that_are_ours(make: Any, name: bytes) -> None:
    with pytest.raises(LocalProtocolError, match="not for the application"):
        read_handshake(make(), SETTINGS).accept(None, [(b"x", b"y"), (name, b"z")])


@pytest.mark.parametrize("headers", [[b"x"], [(b"x",)], [(b"x", b"y", b"z")], [(1, b"x")], 5])
def test_fields_that_are_none(headers: Any) -> None:
    with pytest.raises(LocalProtocolError):
        read_handshake(http1(), SETTINGS).accept(None, headers)


def test_fields_may_come_from_a_generator() -> None:
    pair = [b"x", b"y"]
    acceptance = read_handshake(http2(), SETTINGS).accept(None, (tuple(pair) for _ in "12"))  # type: ignore[misc]

    assert acceptance.headers == [(b"x", b"y")] * 2


# Extensions.


@pytest.mark.parametrize("make", VERSIONS)
@pytest.mark.parametrize(
    "values", [[b""], [b","], [b"a;"], [b"a b"], [b"permessage-deflate; x=", b"b"], [b"a", b"="]]
)
def test_malformed_extensions(make: Any, values: list[bytes]) -> None:
    request = make(*[(b"sec-websocket-extensions", value) for value in values])

    assert refusal(request).status_hint == 400


@pytest.mark.parametrize("make", VERSIONS)
def test_repeated_extensions_are_one_list(make: Any) -> None:
    acceptance = accepted(
        make(
            (b"sec-websocket-extensions", b"mux, permessage-deflate; x"),
            (b"sec-websocket-extensions", b"permessage-deflate; server_max_window_bits=9"),
        )
    )

    assert acceptance.deflate is not None
    assert dict(acceptance.headers)[b"sec-websocket-extensions"] == (
        b"permessage-deflate; server_max_window_bits=9"
    )


def test_deflate_can_be_switched_off() -> None:
    request = http1((b"sec-websocket-extensions", b"permessage-deflate"))
    acceptance = read_handshake(request, replace(SETTINGS, deflate=False)).accept(None, [])

    assert acceptance.deflate is None
    assert b"sec-websocket-extensions" not in dict(acceptance.headers)


# Clients that are not ours, through HTTP/1.1.


def answer(request: bytes, subprotocol: str | None) -> bytes:
    """What is sent to a client's request."""
    wire = Wire()
    received = wire.request(request)
    try:
        acceptance = read_handshake(received, SETTINGS).accept(subprotocol, [(b"x-a", b"b")])
    except HandshakeError as error:
        return wire.respond(status=error.status_hint, headers=error.headers)
    wire.switch(acceptance.headers)
    return wire.sent()


def test_websockets_takes_the_answer() -> None:
    client = ClientProtocol(
        parse_uri("ws://example.com/chat"),
        extensions=[ClientPerMessageDeflateFactory()],
        subprotocols=[Subprotocol("chat"), Subprotocol("superchat")],
    )
    client.send_request(client.connect())
    client.receive_data(answer(client.data_to_send()[0], "superchat"))

    assert client.handshake_exc is None
    assert client.subprotocol == "superchat"
    assert [extension.name for extension in client.extensions] == ["permessage-deflate"]


def test_wsproto_takes_the_answer() -> None:
    client = WSConnection(ConnectionType.CLIENT)
    request = Request(
        host="example.com",
        target="/chat",
        subprotocols=["chat", "superchat"],
        extensions=[PerMessageDeflate()],
    )
    client.receive_data(answer(client.send(request), "chat"))
    (event,) = client.events()

    assert isinstance(event, AcceptConnection)
    assert event.subprotocol == "chat"
    assert len(event.extensions) == 1
    assert (b"x-a", b"b") in event.extra_headers


def test_wsproto_takes_a_refusal() -> None:
    client = WSConnection(ConnectionType.CLIENT)
    data = client.send(Request(host="example.com", target="/"))
    client.receive_data(answer(data.replace(b"Version: 13", b"Version: 99"), None))
    event = next(client.events())

    assert isinstance(event, RejectConnection)
    assert event.status_code == 426
    assert (b"sec-websocket-version", b"13") in event.headers
    assert (b"upgrade", b"websocket") in event.headers
    assert dict(event.headers)[b"connection"] == b"upgrade, keep-alive"
