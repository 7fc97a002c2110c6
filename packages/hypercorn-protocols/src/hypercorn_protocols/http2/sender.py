"""Responses as frames.

Knows: what a response may look like and how its content is delimited (RFC 9113 section 8.1,
RFC 9110 section 8.6).
Must not know: windows, priorities, or when a frame goes out: :mod:`output` does.
"""

from __future__ import annotations

from hypercorn_protocols.connection import Headers
from hypercorn_protocols.defaults import DefaultHeaders
from hypercorn_protocols.errors import LocalProtocolError
from hypercorn_protocols.http2 import frames
from hypercorn_protocols.http2.memory import ResponseKey, ResponseMemory
from hypercorn_protocols.http2.output import Output
from hypercorn_protocols.http2.priority import parse_priority
from hypercorn_protocols.http2.response import ResponseFields, read_fields
from hypercorn_protocols.http2.stream import Stream
from hypercorn_protocols.semantics import check_length

__all__ = ["Sender"]

_END_STREAM = frames.END_STREAM

# Methods that are answered with other fields than the rest
_APART = frozenset(("HEAD", "CONNECT"))

# RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5
_WITHOUT_CONTENT = frozenset((204, 205, 304))

_STATUSES = {status: (b":status", b"%d" % status, False) for status in range(100, 1000)}
_LENGTHS = {size: (b"content-length", b"%d" % size, False) for size in range(2048)}


class Sender:
    """Writes responses.

    Args:
        defaults: the fields that every response gets.
        output: takes the frames.
    """

    __slots__ = ("_defaults", "_memory", "_output")

    def __init__(self, defaults: DefaultHeaders, output: Output) -> None:
        self._defaults = defaults
        self._output = output
        self._memory = ResponseMemory(output.encoder, defaults)

    def send_informational(self, stream: Stream, status: int, headers: Headers) -> None:
        """See :class:`~hypercorn_protocols.connection.ServerConnection`."""
        if stream.head_sent:
            raise LocalProtocolError("the final response has begun")
        if status not in _STATUSES or status >= 200 or status in (100, 101):
            # 100 is sent when the content is asked for; RFC 9113 section 8.6: there is no 101.
            raise LocalProtocolError(f"{status!r} is not an interim status of the application's")
        fields = read_fields(headers).fields
        self._output.send_section(stream, [_STATUSES[status], *fields], 0)

    def send_continue(self, stream: Stream) -> None:
        """Send 100 Continue (RFC 9110 section 10.1.1)."""
        self._output.send_section(stream, [_STATUSES[100]], 0)

    def send_response(
        self,
        stream: Stream,
        status: int,
        headers: Headers,
        body: bytes,
        end_stream: bool,
        trailers: bool,
    ) -> None:
        """See :class:`~hypercorn_protocols.connection.ServerConnection`."""
        if stream.head_sent:
            raise LocalProtocolError("the response has begun already")
        ends = end_stream and not trailers
        key = _key(status, headers, len(body) if ends else -1)
        known = None if key is None else self._memory.recall(key)
        if known is not None and stream.head.request.method not in _APART:
            block, length = known
            if length is not None:
                check_length(length, len(body), end_stream)
                stream.left = length - len(body)
        else:
            block = self._encode(stream, status, headers, body, end_stream, trailers)
        stream.head_sent = True
        # What has no content ends here, whatever the application goes on to send.
        if (ends and not body) or (stream.without_content and not trailers):
            self._output.send_block(stream, block, _END_STREAM)
            stream.output_open = False
        else:
            self._output.send_block(stream, block, 0)
            self._output.write(stream, body, ends)

    def _encode(
        self,
        stream: Stream,
        status: int,
        headers: Headers,
        body: bytes,
        end_stream: bool,
        trailers: bool,
    ) -> bytes:
        """The header section of a response, which is sent next."""
        if status not in _STATUSES or status < 200:
            raise LocalProtocolError(f"{status!r} is not a final status")
        headers = list(headers)
        read = read_fields(headers)
        fields = read.fields
        length = read.content_length
        size = len(body)
        method = stream.head.request.method
        if method == "CONNECT" and status < 300:
            _open_tunnel(read, trailers)
        elif status in _WITHOUT_CONTENT or method == "HEAD":
            stream.without_content = True
            _fit_without_content(status, read)
        elif length is not None:
            check_length(length, size, end_stream)
            stream.left = length - size
        elif end_stream and not trailers:
            fields.append(_LENGTHS.get(size) or (b"content-length", b"%d" % size, False))
        if read.priority:
            # RFC 9218 section 8: what the application says overrides what the client said
            self._output.reprioritize(stream, parse_priority(read.priority, stream.priority))
        defaults = self._defaults.http2_fields
        if read.defaults:
            defaults = [field for field in defaults if field[0] not in read.defaults]
        section = [_STATUSES[status], *fields, *defaults]
        encoder = self._output.encoder
        changes = encoder.changes
        block = encoder.encode(section)
        key = _key(status, headers, size if end_stream and not trailers else -1)
        apart = stream.without_content or method in _APART or read.priority
        if key is not None and not apart:
            self._memory.keep(key, section, block, length, changes)
        return block

    def send_body(self, stream: Stream, data: bytes, end_stream: bool) -> None:
        """See :class:`~hypercorn_protocols.connection.ServerConnection`."""
        if not stream.head_sent:
            raise LocalProtocolError("content before the response's head")
        if stream.left is not None:
            check_length(stream.left, len(data), end_stream)
            stream.left -= len(data)
        self._output.write(stream, data, end_stream)

    def send_trailers(self, stream: Stream, headers: Headers) -> None:
        """See :class:`~hypercorn_protocols.connection.ServerConnection`."""
        if not stream.head_sent:
            raise LocalProtocolError("trailers before the response's head")
        if stream.is_tunnel:
            raise LocalProtocolError("a tunnel has no trailers")
        read = read_fields(headers)
        if read.content_length is not None:
            raise LocalProtocolError("Content-Length cannot be a trailer field")
        if stream.left is not None:
            check_length(stream.left, 0, ends=True)
        if read.fields:
            self._output.end_with(stream, read.fields)
        else:
            self._output.write(stream, b"", True)


def _key(status: int, headers: Headers, size: int) -> ResponseKey | None:
    """What a header section depends on; None if that cannot be told of what it is made of.

    ``size``: of the whole content, which becomes Content-Length where there is none; else -1."""
    if type(headers) is not list and type(headers) is not tuple:
        return None  # it may be good for going through once
    for field in headers:
        if type(field) is not tuple:
            return None
    return (status, size, *headers)


def _open_tunnel(read: ResponseFields, trailers: bool) -> None:
    """RFC 9110 section 9.3.6: what follows a 2xx to CONNECT is no content and has no length."""
    if trailers:
        raise LocalProtocolError("a tunnel has no trailers")
    read.fields[:] = [field for field in read.fields if field[0] != b"content-length"]


def _fit_without_content(status: int, read: ResponseFields) -> None:
    """RFC 9110 section 8.6: what Content-Length says where there is no content."""
    if status == 304 or (status not in _WITHOUT_CONTENT):
        return  # that of the content which GET would have had
    read.fields[:] = [field for field in read.fields if field[0] != b"content-length"]
    if status == 205:
        read.fields.append(_LENGTHS[0])
