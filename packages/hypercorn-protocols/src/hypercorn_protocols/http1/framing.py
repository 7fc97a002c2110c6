"""How the content of a response is delimited.

Knows: RFC 9112 section 6 and RFC 9110 section 8.6, from the sender's side.
Must not know: what was sent before, or what becomes of the connection.
"""

from __future__ import annotations

from hypercorn_protocols.events import RequestReceived
from hypercorn_protocols.http1.response import FieldLines
from hypercorn_protocols.semantics import check_length

__all__ = ["CHUNKED", "HIDDEN", "LENGTH", "UNTIL_CLOSE", "frame_response"]

LENGTH = 1  # of a length that was announced
CHUNKED = 2  # in chunks
UNTIL_CLOSE = 3  # ends with the connection
HIDDEN = 4  # not sent at all

# RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5
_WITHOUT_CONTENT = frozenset((204, 205, 304))

_CHUNKED_LINE = b"transfer-encoding: chunked\r\n"


def frame_response(
    request: RequestReceived, status: int, lines: FieldLines, size: int, ends: bool, trailers: bool
) -> tuple[int, int, bytes]:
    """Choose the framing of a response's content.

    Args:
        request: what it answers.
        status: a final status.
        lines: its fields.
        size: how much content is there at once, in bytes.
        ends: whether that is all of it.
        trailers: whether a trailer section follows.

    Returns:
        The framing; for :data:`LENGTH` the length, else 0; and the field line that tells the
        peer of it.

    Raises:
        LocalProtocolError: the content is not as long as Content-Length says.
    """
    length = lines.content_length
    if status in _WITHOUT_CONTENT or request.method == "HEAD":
        return HIDDEN, 0, _line_without_content(status, lines)
    if length is None:
        if ends and not trailers:
            return LENGTH, size, b"content-length: %d\r\n" % size
    else:
        if size > length or (ends and size < length):
            check_length(length, size, ends)
        if not trailers or request.http_version == "1.0":
            return LENGTH, length, lines.length_line
    if request.http_version == "1.0":
        return UNTIL_CLOSE, 0, b""
    return CHUNKED, 0, _CHUNKED_LINE


def _line_without_content(status: int, lines: FieldLines) -> bytes:
    if status == 205:
        return b"content-length: 0\r\n"  # the one of them that is framed like any other
    # RFC 9110 section 8.6: with HEAD and 304 that of the content which GET would have had, with
    # 204 there MUST NOT be one.
    return b"" if status == 204 else lines.length_line
