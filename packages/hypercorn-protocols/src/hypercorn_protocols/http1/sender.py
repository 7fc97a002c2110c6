"""The output side of a connection: one answer after another, as bytes.

Knows: what may be sent next, how the present answer is framed, and what it says of persistence.
Must not know: time, or what comes in. Heads are written in :mod:`response`, their framing is
chosen in :mod:`framing`.

What is sent while no answer is due is dropped.
"""

from __future__ import annotations

from hypercorn_protocols.connection import Headers
from hypercorn_protocols.defaults import DefaultHeaders
from hypercorn_protocols.errors import LocalProtocolError
from hypercorn_protocols.events import RequestReceived
from hypercorn_protocols.http1 import framing
from hypercorn_protocols.http1.response import (
    STATUS_LINES,
    encode_error,
    encode_fields,
    encode_status,
)
from hypercorn_protocols.semantics import check_length

__all__ = ["NO_RESPONSE", "RESPONSE_HEAD", "UNTIL_CLOSE", "Sender"]

# What may be sent next: one of these, or content in one of the framings.
NO_RESPONSE = -2  # nothing: no request is waiting for an answer
RESPONSE_HEAD = -1  # the head of an answer
_LENGTH = framing.LENGTH
_CHUNKED = framing.CHUNKED
UNTIL_CLOSE = framing.UNTIL_CLOSE

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Sender:
    """Writes answers.

    Args:
        defaults: the fields that every response gets.
    """

    __slots__ = (
        "_defaults",
        "_left",
        "_request",
        "continue_due",
        "finished",
        "keep_alive",
        "out",
        "state",
    )

    def __init__(self, defaults: DefaultHeaders) -> None:
        self._defaults = defaults
        self.out: list[bytes] = []
        """What is to be written."""
        self._request: RequestReceived | None = None
        self._left = 0  # of the content, in bytes, where its length was announced
        self.state = NO_RESPONSE
        self.finished = False
        """An answer is complete, and nobody has looked at what follows."""
        self.keep_alive = True
        """The connection persists after the present answer (RFC 9112 section 9.3)."""
        self.continue_due = False
        """The client waits for 100 Continue."""

    def expect(self, request: RequestReceived, keep_alive: bool) -> None:
        """From here on the answer to ``request`` may be sent."""
        self._request = request
        self.keep_alive = keep_alive
        self.continue_due = request.expects_continue
        self.state = RESPONSE_HEAD

    def drop(self) -> None:
        """Send no more, neither of this answer nor any other."""
        self._request = None
        self.state = NO_RESPONSE
        self.finished = False

    def send_continue(self) -> None:
        """Send 100 Continue if it is not too late (RFC 9110 section 10.1.1)."""
        self.continue_due = False
        if self.state == RESPONSE_HEAD:
            self.out.append(_CONTINUE)

    def send_informational(self, status: int, headers: Headers) -> None:
        """See :class:`~hypercorn_protocols.connection.ServerConnection`."""
        if self.state == NO_RESPONSE:
            return
        if self.state != RESPONSE_HEAD:
            raise LocalProtocolError("the final response has begun")
        status_line = encode_status(status)
        if status >= 200 or status in (100, 101):
            # 100 is sent when the content is asked for, 101 changes what follows.
            raise LocalProtocolError(f"{status} is not an interim status of the application's")
        lines = encode_fields(headers)
        request = self._request
        if request is not None and request.http_version != "1.0":
            self.out += (status_line, lines.block, b"\r\n")

    def send_switch(self, headers: Headers) -> None:
        """Send 101, the last of HTTP/1.1: what follows is another protocol's (RFC 9110 7.8).

        Raises:
            LocalProtocolError: the client did not ask for that, or Upgrade is missing.
        """
        if self.state != RESPONSE_HEAD:
            raise LocalProtocolError("the response has begun already")
        if self._request is None or self._request.upgrade is None:
            raise LocalProtocolError("the client did not ask for another protocol")
        lines = encode_fields(headers)
        if b"\nupgrade: " not in b"\n" + lines.block.lower():
            raise LocalProtocolError("101 without Upgrade")
        others = [option for option in lines.options if option != b"upgrade"]
        options = b"connection: " + b", ".join([*others, b"upgrade"]) + b"\r\n\r\n"
        self.out += (encode_status(101), lines.block, options)
        self.drop()

    def send_response(
        self, status: int, headers: Headers, body: bytes, end_stream: bool, trailers: bool
    ) -> None:
        """See :class:`~hypercorn_protocols.connection.ServerConnection`."""
        if self.state == NO_RESPONSE:
            return
        request = self._request
        if self.state != RESPONSE_HEAD or request is None:
            raise LocalProtocolError("the response has begun already")
        status_line = STATUS_LINES.get(status) or encode_status(status)
        if status < 200:
            raise LocalProtocolError(f"{status} is not a final status")
        lines = encode_fields(headers)
        state, length, framing_line = framing.frame_response(
            request, status, lines, len(body), end_stream, trailers
        )
        default_block = self._defaults.http1_block
        if lines.defaults:
            default_block = self._defaults.http1_block_without(lines.defaults)
        if lines.close or self.continue_due or state == UNTIL_CLOSE:
            self.keep_alive = False
        if self.keep_alive and request.http_version == "1.1" and not lines.options:
            end = b"\r\n"
        else:
            end = self._connection_line(lines.options)
        if end_stream and state == _LENGTH and not trailers:  # all of it at once, as mostly
            self.out += (status_line, lines.block, default_block, framing_line, end, body)
            self.state = NO_RESPONSE
            self.finished = True
            return
        self.out += (status_line, lines.block, default_block, framing_line, end)
        self.state = state
        self._left = length
        if body:
            self._write(body)
        if end_stream and not trailers:
            self._finish()

    def send_body(self, data: bytes, end_stream: bool) -> None:
        """See :class:`~hypercorn_protocols.connection.ServerConnection`."""
        if self.state == NO_RESPONSE:
            return
        if self.state == RESPONSE_HEAD:
            raise LocalProtocolError("content before the response's head")
        if self.state == _LENGTH:
            check_length(self._left, len(data), end_stream)
        if data:
            self._write(data)
        if end_stream:
            self._finish()

    def send_trailers(self, headers: Headers) -> None:
        """See :class:`~hypercorn_protocols.connection.ServerConnection`."""
        if self.state == NO_RESPONSE:
            return
        if self.state == RESPONSE_HEAD:
            raise LocalProtocolError("trailers before the response's head")
        lines = encode_fields(headers)
        if lines.content_length is not None:
            raise LocalProtocolError("Content-Length cannot be a trailer field")
        if self.state == _LENGTH:
            check_length(self._left, 0, ends=True)
        self._finish(lines.block)

    def send_error(self, status: int) -> None:
        """Send a whole answer of the server's own, the last one on the connection."""
        # What could not be read may have come after a request that was answered, whose method is
        # of no interest then.
        request = self._request if self.state == RESPONSE_HEAD else None
        with_content = request is None or request.method != "HEAD"
        self.out.append(encode_error(status, self._defaults.http1_block, with_content))
        self.drop()

    def _connection_line(self, options: tuple[bytes, ...]) -> bytes:
        # RFC 9112 section 9.3: 1.0 has to be told of persistence, 1.1 of its end
        persistence = b"keep-alive" if self.keep_alive else b"close"
        return b"connection: " + b", ".join([*options, persistence]) + b"\r\n\r\n"

    def _write(self, data: bytes) -> None:
        if self.state == _CHUNKED:
            self.out += (b"%x\r\n" % len(data), data, b"\r\n")
        elif self.state == _LENGTH:
            self._left -= len(data)
            self.out.append(data)
        elif self.state == UNTIL_CLOSE:
            self.out.append(data)

    def _finish(self, trailers: bytes = b"") -> None:
        """The answer is complete."""
        if self.state == _CHUNKED:
            self.out.append(b"0\r\n" + trailers + b"\r\n")
        self.state = NO_RESPONSE
        self.finished = True
