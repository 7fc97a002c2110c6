"""The opening handshake: a request that asks for a WebSocket, and the answer that grants it.

Knows: RFC 6455 section 4.2 for HTTP/1.1, RFC 8441 section 5 for what came after it.
Must not know: connections (neither how requests are read nor how answers are written), frames, or
why an application takes a WebSocket or refuses it: any other answer than this one refuses it.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha1

from hypercorn_protocols.connection import Headers
from hypercorn_protocols.errors import LocalProtocolError, RemoteProtocolError
from hypercorn_protocols.events import RequestReceived
from hypercorn_protocols.semantics import TOKEN
from hypercorn_protocols.settings import WebSocketSettings
from hypercorn_protocols.websocket.deflate import Deflate, agree
from hypercorn_protocols.websocket.extensions import Extension, encode_extension, parse_extensions

__all__ = ["Acceptance", "Handshake", "HandshakeError", "is_websocket", "read_handshake"]

_PROTOCOL = b"websocket"
_VERSION = b"13"

_ACCEPT_FIELD = b"sec-websocket-accept"
_EXTENSIONS_FIELD = b"sec-websocket-extensions"
_KEY_FIELD = b"sec-websocket-key"
_PROTOCOL_FIELD = b"sec-websocket-protocol"
_VERSION_FIELD = b"sec-websocket-version"

# What an application does not get to say in its answer.
_OURS = frozenset((_ACCEPT_FIELD, _EXTENSIONS_FIELD, _KEY_FIELD, _VERSION_FIELD, b"upgrade"))

# RFC 6455 sections 1.3 and 4.2.1: 16 bytes in base64
_KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class HandshakeError(RemoteProtocolError):
    """The request asks for a WebSocket, but not as it should: answer it with ``status_hint``."""

    def __init__(
        self,
        message: str,
        status_hint: int = 400,
        headers: list[tuple[bytes, bytes]] | None = None,
    ) -> None:
        super().__init__(message, status_hint)
        self.headers = [] if headers is None else headers
        """What the answer has to say besides its status."""


@dataclass(slots=True)
class Acceptance:
    """The answer that opens a WebSocket, and what both sides have agreed on by it."""

    status: int
    """101, or 200 for an extended CONNECT."""
    headers: list[tuple[bytes, bytes]]
    """For ``send_response``, the application's own at the end."""
    deflate: Deflate | None
    """The codec of messages; None if they are not compressed."""


class Handshake:
    """A proper request for a WebSocket. Made by :func:`read_handshake`.

    Args:
        over_http1: whether it came by Upgrade, and not by an extended CONNECT.
        key: what the answer has to prove that it knows of WebSockets with; None if nothing.
        subprotocols: what is offered.
        extensions: what is offered.
        settings: what to compress with.
    """

    __slots__ = ("_extensions", "_key", "_over_http1", "_settings", "subprotocols")

    def __init__(
        self,
        over_http1: bool,
        key: bytes | None,
        subprotocols: list[str],
        extensions: list[Extension],
        settings: WebSocketSettings,
    ) -> None:
        self._over_http1 = over_http1
        self._key = key
        self._extensions = extensions
        self._settings = settings
        self.subprotocols = subprotocols
        """What the client would speak, in order of its preference; often nothing."""

    def accept(self, subprotocol: str | None, headers: Headers) -> Acceptance:
        """Say how to open the WebSocket (RFC 6455 section 4.2.2).

        Args:
            subprotocol: which of those offered is to be spoken, or None.
            headers: other fields of the application's. Sec-WebSocket-Protocol among them is the
                same as ``subprotocol``.

        Raises:
            LocalProtocolError: the subprotocol was not offered, or there are two; or a field is
                not the application's to set.
        """
        others, chosen = _split_fields(headers)
        if subprotocol is not None:
            chosen.append(subprotocol)
        fields = self._proof()
        if chosen:
            fields.append((_PROTOCOL_FIELD, self._check_subprotocol(chosen)))
        deflate = self._add_deflate(fields)
        return Acceptance(101 if self._over_http1 else 200, fields + others, deflate)

    def _proof(self) -> list[tuple[bytes, bytes]]:
        fields = [(b"upgrade", _PROTOCOL)] if self._over_http1 else []
        if self._key is not None:
            digest = sha1(self._key + _GUID, usedforsecurity=False).digest()
            fields.append((_ACCEPT_FIELD, b64encode(digest)))
        return fields

    def _check_subprotocol(self, chosen: list[str]) -> bytes:
        if len(chosen) > 1:
            raise LocalProtocolError(f"more than one subprotocol: {chosen!r}")
        if chosen[0] not in self.subprotocols:
            raise LocalProtocolError(
                f"{chosen[0]!r} is not one of the subprotocols offered: {self.subprotocols!r}"
            )
        return chosen[0].encode("ascii")

    def _add_deflate(self, fields: list[tuple[bytes, bytes]]) -> Deflate | None:
        agreement = agree(self._extensions, self._settings) if self._settings.deflate else None
        if agreement is None:
            return None
        extension, deflate = agreement
        fields.append((_EXTENSIONS_FIELD, encode_extension(extension)))
        return deflate


def is_websocket(request: RequestReceived) -> bool:
    """Does the request ask for a WebSocket, properly or not?"""
    if request.protocol is not None:
        return request.protocol.lower() == _PROTOCOL
    return request.upgrade is not None and _PROTOCOL in _elements(request.upgrade.lower())


def read_handshake(request: RequestReceived, settings: WebSocketSettings) -> Handshake:
    """Read a request of which :func:`is_websocket` is true.

    Raises:
        HandshakeError: it is not as it should be, and to be answered with 400 or 426.
    """
    fields = _websocket_fields(request)
    over_http1 = request.protocol is None
    if over_http1 and request.method != "GET":
        raise HandshakeError(f"a WebSocket cannot be had by {request.method}")
    _check_version(fields[_VERSION_FIELD], over_http1)
    if over_http1 and not request.end_stream:
        raise HandshakeError("a request for a WebSocket with content")
    if not over_http1 and request.end_stream:
        raise HandshakeError("a request for a WebSocket on a stream that the client has ended")
    return Handshake(
        over_http1,
        _read_key(fields[_KEY_FIELD], over_http1),
        _read_subprotocols(fields[_PROTOCOL_FIELD]),
        _read_extensions(fields[_EXTENSIONS_FIELD]),
        settings,
    )


def _websocket_fields(request: RequestReceived) -> dict[bytes, list[bytes]]:
    """The values of each field that matters here, in the order they came."""
    fields: dict[bytes, list[bytes]] = {
        _VERSION_FIELD: [],
        _KEY_FIELD: [],
        _PROTOCOL_FIELD: [],
        _EXTENSIONS_FIELD: [],
    }
    for name, value in request.headers:
        values = fields.get(name.lower())
        if values is not None:
            values.append(value)
    return fields


def _check_version(values: list[bytes], over_http1: bool) -> None:
    if values == [_VERSION]:
        return
    if len(values) > 1:
        raise HandshakeError("more than one Sec-WebSocket-Version")
    headers = [(_VERSION_FIELD, _VERSION)]
    if over_http1:  # RFC 9110 section 15.5.22, which HTTP/2 and later have no use for
        headers += [(b"upgrade", _PROTOCOL), (b"connection", b"upgrade")]
    raise HandshakeError("another version of WebSocket than 13", 426, headers)


def _read_key(values: list[bytes], over_http1: bool) -> bytes | None:
    if len(values) == 1 and _KEY.fullmatch(values[0]) is not None:
        # RFC 8441 section 5 does without, and yet clients of HTTP/2 exist (undici, niquests) that
        # send a key, and take no answer that does not prove anything.
        return values[0]
    if over_http1:
        raise HandshakeError("Sec-WebSocket-Key has to be 16 bytes in base64")
    return None


def _read_subprotocols(values: list[bytes]) -> list[str]:
    if not values:
        return []
    names = _elements(b",".join(values))
    if not names or any(TOKEN.fullmatch(name) is None for name in names):
        raise HandshakeError("Sec-WebSocket-Protocol is not a list of subprotocols")
    if len(set(names)) < len(names):
        raise HandshakeError("a subprotocol is offered twice")
    return [name.decode("ascii") for name in names]


def _read_extensions(values: list[bytes]) -> list[Extension]:
    if not values:
        return []
    try:
        return parse_extensions(b",".join(values))
    except ValueError as error:
        raise HandshakeError(str(error)) from error


def _split_fields(headers: Headers) -> tuple[list[tuple[bytes, bytes]], list[str]]:
    """Divide an application's fields: those to be sent as they are, and names of subprotocols."""
    others: list[tuple[bytes, bytes]] = []
    subprotocols: list[str] = []
    try:
        for name, value in headers:
            lower_name = name.lower()
            if lower_name in _OURS:
                raise LocalProtocolError(f"{name!r} is not for the application to set")
            if lower_name == _PROTOCOL_FIELD:
                subprotocols.append(value.decode("latin-1"))
            else:
                others.append((name, value))
    except (AttributeError, TypeError, ValueError) as error:
        raise LocalProtocolError(f"headers must be pairs of bytes: {error}") from error
    return others, subprotocols


def _elements(value: bytes) -> list[bytes]:
    """Split a list, whose empty elements do not count (RFC 9110 section 5.6.1.2)."""
    elements = [element.strip(b" \t") for element in value.split(b",")]
    return [element for element in elements if element]
