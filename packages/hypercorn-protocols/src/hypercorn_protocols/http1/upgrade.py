"""Requests that ask for HTTP/2 on a connection without TLS.

Knows: ``Upgrade: h2c`` (RFC 7540 section 3.2, which RFC 9113 has given up and clients have not).
Must not know: what is said in HTTP/2, or when a connection may switch.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode

from hypercorn_protocols.events import RequestReceived
from hypercorn_protocols.http1.grammar import list_tokens

__all__ = ["decode_settings", "without_upgrade"]

# RFC 7540 section 3.2.1: base64url without padding. A setting has six bytes, which are eight
# characters: nothing is left that would need padding.
_SETTINGS = re.compile(rb"(?:[A-Za-z0-9_\-]{8})+")

# RFC 9113 section 8.2.2: these are about the connection that was left behind
_CONNECTION_FIELDS = frozenset(
    (b"connection", b"http2-settings", b"keep-alive", b"proxy-connection", b"upgrade")
)


def decode_settings(request: RequestReceived) -> bytes | None:
    """The SETTINGS that come with a request for h2c; None if it does not ask for that properly.

    RFC 7540 section 3.2.1: without HTTP2-Settings, or with more than one, nothing is upgraded, nor
    if Connection does not name it.
    """
    if request.upgrade is None or b"h2c" not in list_tokens(request.upgrade):
        return None
    values = _values(request, b"http2-settings")
    options = list_tokens(b",".join(_values(request, b"connection")))
    if len(values) != 1 or b"http2-settings" not in options:
        return None
    return None if _SETTINGS.fullmatch(values[0]) is None else urlsafe_b64decode(values[0])


def without_upgrade(request: RequestReceived) -> RequestReceived:
    """The request as it is answered over HTTP/2: names in lower case, no word of the upgrade."""
    fields = [(name.lower(), value) for name, value in request.headers]
    return RequestReceived(
        request.stream_id,
        request.method,
        request.target,
        [field for field in fields if field[0] not in _CONNECTION_FIELDS],
        request.http_version,
        request.end_stream,
    )


def _values(request: RequestReceived, wanted: bytes) -> list[bytes]:
    return [value for name, value in request.headers if name.lower() == wanted]
