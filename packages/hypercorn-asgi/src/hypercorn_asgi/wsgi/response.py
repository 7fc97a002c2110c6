"""What a WSGI application says, ``start_response`` first, turned into ASGI messages.

Knows: PEP 3333's rules of when a header section may be set, replaced and sent, and that
``Content-Length`` bounds the content.
Must not know: how HTTP frames a response; that the answer to HEAD has no content.

Errors raised here are the application's fault unless they come from the server's ``send``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from types import TracebackType

from hypercorn_asgi.typing import ASGISendEvent, HTTPResponseStartEvent

__all__ = ["Response"]

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None]

_CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_STATUS = re.compile(r"([1-9][0-9]{2})(?: .*)?")

# PEP 3333, "Other HTTP Features": hop-by-hop fields are the server's alone. Applications that
# pass on what they got from elsewhere send them all the same, so they are left out quietly.
_SERVER_ONLY = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"transfer-encoding", b"upgrade"}
)


class Response:
    """One response: set by :meth:`start_response`, sent piece by piece.

    *send* transmits messages and blocks meanwhile; *may_start* is called just before the
    header section leaves and can prevent that by raising.
    """

    def __init__(
        self, send: Callable[..., None], may_start: Callable[[], None] | None = None
    ) -> None:
        self._send = send
        self._may_start = may_start
        self._head: HTTPResponseStartEvent | None = None
        self._remaining: int | None = None
        self.headers_sent = False
        self.complete = False

    def start_response(
        self,
        status: str,
        headers: Sequence[tuple[str, str]],
        exc_info: ExceptionInfo | None = None,
        /,
    ) -> Callable[[bytes], None]:
        """Set status and header section, or replace them after an error; give ``write()``.

        Nothing is sent yet. With *exc_info* and a header section that has been sent, the
        exception is raised again: it is too late for an error page. Raises RuntimeError for a
        second call without *exc_info*, TypeError and ValueError for what cannot be sent.
        """
        if exc_info is not None:
            try:
                if self.headers_sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # a traceback that holds this frame is a reference cycle
        elif self._head is not None:
            raise RuntimeError("start_response() was called twice without exc_info")
        fields = _encode_headers(headers)
        self._head = {
            "type": "http.response.start",
            "status": _parse_status(status),
            "headers": fields,
        }
        self._remaining = _content_length(fields)
        return self.write

    def write(self, data: bytes) -> None:
        """Send *data* at once; the callable that :meth:`start_response` gives.

        Raises ValueError if *data* is more than ``Content-Length`` allows, and what the
        server's ``send`` raises: an OSError when the client has left.
        """
        _check_bytes(data)
        if self._remaining is not None and len(data) > self._remaining:
            raise ValueError("write() was given more than Content-Length bytes")
        self._transmit(data, more_body=True)

    def send_chunk(self, data: bytes, *, last: bool = False) -> None:
        """Send an element of the application's result; *last* if no other can follow.

        An element that goes past ``Content-Length`` is cut off there, and the one that
        reaches it is the last. An empty element sends nothing, not even the header section.
        """
        _check_bytes(data)
        if self._remaining is not None:
            data = data[: self._remaining]
            last = last or len(data) == self._remaining
        if data:
            self._transmit(data, more_body=not last)

    def finish(self) -> None:
        """Send what is left to send: the end, with the header section if there was no content.

        Raises RuntimeError if the application never called :meth:`start_response`.
        """
        if not self.complete:
            self._transmit(b"", more_body=False)

    def _transmit(self, data: bytes, *, more_body: bool) -> None:
        messages: list[ASGISendEvent] = []
        if not self.headers_sent:
            messages.append(self._take_head())
        messages.append({"type": "http.response.body", "body": data, "more_body": more_body})
        if self._remaining is not None:
            self._remaining -= len(data)
        self.complete = not more_body
        self._send(*messages)

    def _take_head(self) -> HTTPResponseStartEvent:
        if self._head is None:
            raise RuntimeError("the application sent content before calling start_response()")
        if self._may_start is not None:
            self._may_start()
        self.headers_sent = True
        return self._head


def _check_bytes(data: object) -> None:
    if not isinstance(data, bytes):
        raise TypeError(f"content must be bytes, not {type(data).__name__}")


def _parse_status(status: str) -> int:
    if not isinstance(status, str):
        raise TypeError(f"the status must be a str, not {type(status).__name__}")
    match = _STATUS.fullmatch(status)
    if match is None or _CONTROL_CHARACTER.search(status):
        raise ValueError(f"the status must be like '200 OK', not {status!r}")
    return int(match.group(1))


def _encode_headers(headers: Sequence[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    fields = []
    for name, value in headers:
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError(f"names and values of headers must be str: {name!r}: {value!r}")
        if _CONTROL_CHARACTER.search(name) or _CONTROL_CHARACTER.search(value):
            raise ValueError(f"control character in a header: {name!r}: {value!r}")
        field = (name.lower().encode("latin-1"), value.encode("latin-1"))
        if field[0] not in _SERVER_ONLY:
            fields.append(field)
    return fields


def _content_length(fields: list[tuple[bytes, bytes]]) -> int | None:
    for name, value in fields:
        if name == b"content-length":
            if not value.isdigit():
                raise ValueError(f"Content-Length must be a number, not {value!r}")
            return int(value)
    return None
