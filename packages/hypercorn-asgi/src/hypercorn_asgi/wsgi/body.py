"""The request's content as the blocking stream behind ``wsgi.input``.

Knows: ``http.request`` and ``http.disconnect``, and the limit of a request's content.
Must not know: lines and look-ahead; :class:`io.BufferedReader` makes those from this.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

from hypercorn_asgi.errors import BodyTooLargeError, ClientDisconnected
from hypercorn_asgi.typing import ASGIReceiveEvent

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["RequestBody"]


class RequestBody(io.RawIOBase):
    """A raw stream that takes the next message only when its reader wants more.

    So an upload flows at the pace of the application, and no more than one message of it is
    held here. Reads raise :class:`~hypercorn_asgi.errors.ClientDisconnected` if the content
    was cut short, and :class:`~hypercorn_asgi.errors.BodyTooLargeError` past *limit* bytes.
    Both are final: later reads raise the same.
    """

    def __init__(self, receive: Callable[[], ASGIReceiveEvent], limit: int) -> None:
        super().__init__()
        self._receive = receive
        self._limit = limit
        self._received = 0
        self._unread = memoryview(b"")
        self._more = True
        self._failure: OSError | None = None

    def check_size(self) -> None:
        """Raise the :class:`~hypercorn_asgi.errors.BodyTooLargeError` that a read met before.

        Frameworks make an error page of it like of any OSError; the server knows better.
        """
        if isinstance(self._failure, BodyTooLargeError):
            raise self._failure

    def readable(self) -> bool:
        """Return ``True``: this is what it is for."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill *buffer* as far as one message goes; 0 only at the end of the content."""
        if not self._fill():
            return 0
        target = memoryview(buffer).cast("B")
        count = min(len(target), len(self._unread))
        target[:count] = self._unread[:count]
        self._unread = self._unread[count:]
        return count

    def readall(self) -> bytes:
        """Return everything up to the end of the content."""
        parts = []
        while self._fill():
            parts.append(self._unread)
            self._unread = memoryview(b"")
        return b"".join(parts)

    def _fill(self) -> bool:
        """Wait for unread content; false if there will be none."""
        while not self._unread and self._more:
            if self._failure is not None:
                raise self._failure
            self._take(self._receive())
        return len(self._unread) > 0

    def _take(self, message: ASGIReceiveEvent) -> None:
        if message["type"] != "http.request":
            raise self._fail(ClientDisconnected("the client left before all content had come"))
        data = message.get("body", b"")
        self._received += len(data)
        if self._received > self._limit:
            raise self._fail(BodyTooLargeError(self._limit))
        self._unread = memoryview(data)
        self._more = message.get("more_body", False)

    def _fail(self, failure: OSError) -> OSError:
        self._failure = failure
        return failure
