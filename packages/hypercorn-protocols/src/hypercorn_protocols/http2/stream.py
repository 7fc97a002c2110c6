"""One stream: what has come in on it, what may go out, and which of its sides are open.

Knows: the states of RFC 9113 section 5.1 as two sides that close, and the stream's own windows.
Must not know: frames, other streams or the connection's window.
"""

from __future__ import annotations

from collections import deque
from math import inf

from hypercorn_protocols.http2.head import Head
from hypercorn_protocols.http2.priority import DEFAULT_PRIORITY, Priority
from hypercorn_protocols.http2.response import Field
from hypercorn_protocols.progress import TransferGuard

__all__ = ["RequestContent", "ResponseQueue", "Stream"]


class RequestContent:
    """The input side of a stream that has not ended.

    Args:
        window: bytes that the peer may send before any are consumed.
        length: what Content-Length says, or None.
        guard: judges how it comes.
        read_by: when it must have ended.
    """

    __slots__ = (
        "ahead",
        "continue_due",
        "credit",
        "guard",
        "left",
        "read_by",
        "received",
        "unconsumed",
        "window",
        "window_size",
    )

    def __init__(
        self, window: int, length: int | None, guard: TransferGuard, read_by: float
    ) -> None:
        self.left = length
        """What Content-Length says is still to come."""
        self.received = 0
        """Bytes that came."""
        self.window = window
        """Bytes that the peer may still send."""
        self.window_size = window
        """Bytes that it may send once the application has taken all."""
        self.unconsumed = 0
        """Bytes that the application has not taken."""
        self.credit = 0
        """Bytes that were taken, and that the peer has not been told of."""
        self.ahead = 0
        """Bytes of a frame that is not complete: they count as progress already."""
        self.continue_due = False
        """The client waits for 100 Continue."""
        self.guard = guard
        self.read_by = read_by

    @property
    def deadline(self) -> float:
        """When it will have become too slow."""
        return min(self.read_by, self.guard.deadline)

    def discard(self) -> None:
        """Nobody takes it any more."""
        self.continue_due = False
        self.credit += self.unconsumed
        self.unconsumed = 0


class ResponseQueue:
    """Content of a response that waits to be sent, and what follows it."""

    __slots__ = ("ends", "guard", "pieces", "size", "trailers")

    def __init__(self) -> None:
        self.pieces: deque[bytes | memoryview] = deque()
        self.size = 0
        """Bytes that wait."""
        self.ends = False
        """Nothing will be added."""
        self.trailers: list[Field] = []
        """The trailer section behind it."""
        self.guard: TransferGuard | None = None
        """Judges how the peer's windows let it go, while they are what it waits for."""

    def add(self, data: bytes) -> None:
        """Queue content; it must not change any more."""
        self.pieces.append(data)
        self.size += len(data)

    def take(self, size: int) -> list[bytes | memoryview]:
        """Take that much off the queue."""
        pieces = self.pieces
        taken: list[bytes | memoryview] = []
        self.size -= size
        while size:
            piece = pieces.popleft()
            if len(piece) > size:
                view = memoryview(piece)
                pieces.appendleft(view[size:])
                piece = view[:size]
            taken.append(piece)
            size -= len(piece)
        return taken

    @property
    def deadline(self) -> float:
        """When it will have waited too long for the peer."""
        return inf if self.guard is None else self.guard.deadline


class Stream:
    """What is known of a stream, from its header section until nobody needs it any more.

    Args:
        head: its request.
        send_window: bytes that the peer takes.
    """

    __slots__ = (
        "abandoned",
        "content",
        "head",
        "head_sent",
        "left",
        "output_open",
        "priority",
        "queue",
        "released",
        "send_window",
        "stream_id",
        "without_content",
    )

    def __init__(self, head: Head, send_window: int) -> None:
        self.head = head
        self.stream_id = head.request.stream_id
        self.priority: Priority = DEFAULT_PRIORITY
        self.content: RequestContent | None = None
        """The input side; None once it is closed."""
        self.output_open = True
        """END_STREAM or RST_STREAM has not been sent."""
        self.head_sent = False
        """The final response's header section has been sent."""
        self.without_content = False
        """Content is not sent although the application may think so: HEAD, 204, 304."""
        self.left: int | None = None
        """What Content-Length says is still to be handed in by the application."""
        self.send_window = send_window
        """Bytes that the peer takes; negative after it has made its windows smaller."""
        self.queue: ResponseQueue | None = None
        self.released = False
        """The application has ended."""
        self.abandoned = False
        """The application has been told that nobody waits for it."""

    @property
    def is_tunnel(self) -> bool:
        """It was opened by an extended CONNECT (RFC 8441): what comes in is no content."""
        return self.head.request.protocol is not None

    @property
    def is_closed(self) -> bool:
        """Neither side is open."""
        return self.content is None and not self.output_open

    @property
    def is_answered(self) -> bool:
        """The application, or the server in its place, has sent all that it will send."""
        return not self.output_open or (self.queue is not None and self.queue.ends)

    def close(self) -> None:
        """Both sides are over at once: RST_STREAM."""
        self.content = None
        self.output_open = False
        self.queue = None
