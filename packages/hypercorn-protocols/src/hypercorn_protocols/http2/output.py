"""What goes out on a connection, and when: frames in their order, as the peer's windows allow.

Knows: the peer's settings and windows, whose turn it is, and the compression of header sections
(RFC 9113 sections 4.3, 5.2 and 6.9).
Must not know: what comes in, or what a response is.

Header sections are compressed when they are handed in and must go out in that order, so they go
straight to ``out``. Content does too when nothing stands in its way; else it waits in its
stream's queue for :meth:`Output.data_to_send`, which hands out no more than a quantum at a time:
what waits here can still be overtaken by what is more urgent, what waits in the transport cannot.
"""

from __future__ import annotations

from math import inf

from hypercorn_protocols.http2 import frames
from hypercorn_protocols.http2.faults import HTTP2ConnectionError, HTTP2StreamError
from hypercorn_protocols.http2.frames import FRAME_HEADER, ErrorCode
from hypercorn_protocols.http2.headers.codec import HeaderEncoder
from hypercorn_protocols.http2.peer import PeerSettings
from hypercorn_protocols.http2.priority import Priority
from hypercorn_protocols.http2.response import Field
from hypercorn_protocols.http2.scheduler import Scheduler
from hypercorn_protocols.http2.stream import ResponseQueue, Stream
from hypercorn_protocols.progress import TransferGuard
from hypercorn_protocols.settings import HTTP2Settings

__all__ = ["Output"]

# Content that is handed out at once, in bytes.
_QUANTUM = 131_072

# Content of one DATA frame: what every peer takes. Larger ones could not be overtaken.
_FRAME_SIZE = frames.DEFAULT_FRAME_SIZE

_HEADERS = frames.HEADERS
_END_HEADERS = frames.END_HEADERS
_END_STREAM = frames.END_STREAM


class Output:
    """Frames that wait to be written.

    Args:
        settings: timers.
        encoder: compresses header sections.
        streams: the connection's, by identifier.
    """

    __slots__ = (
        "_blocked",
        "_data_out",
        "_guarded",
        "_scheduler",
        "_settings",
        "_streams",
        "_unguarded",
        "encoder",
        "ended",
        "frames_sent",
        "out",
        "peer",
        "waits_for_preface",
        "window",
        "write_deadline",
    )

    def __init__(
        self, settings: HTTP2Settings, encoder: HeaderEncoder, streams: dict[int, Stream]
    ) -> None:
        self._settings = settings
        self.encoder = encoder
        self._streams = streams
        self._scheduler: Scheduler | None = None  # most connections never need one
        self._data_out = 0  # bytes of content in `out`
        # Streams that wait for their own windows, and whether their guards run.
        self._blocked: dict[int, bool] = {}
        # The guards run of those that wait for the connection's window; others have come since.
        self._guarded = False
        self._unguarded = False
        self.peer = PeerSettings()
        self.out: list[bytes | memoryview] = []
        """What is to be written."""
        self.ended: list[Stream] = []
        """Streams whose END_STREAM went out of a queue, for the connection to look at."""
        self.frames_sent = 0
        """HEADERS and DATA, as a measure of work that was asked for."""
        self.waits_for_preface = False
        """Content is held back: clients exist that take but little of it behind their upgrade."""
        self.window = frames.DEFAULT_WINDOW
        """Bytes that the peer takes on all streams together."""
        self.write_deadline = inf
        """No later than the first deadline of a queue."""

    # What is handed in.

    def send_section(self, stream: Stream, fields: list[Field], flags: int) -> None:
        """Send a header section; ``flags``: END_STREAM or none."""
        self.send_block(stream, self.encoder.encode(fields), flags)

    def send_block(self, stream: Stream, block: bytes, flags: int) -> None:
        """Send a header section that the encoder has just made, or would make just so."""
        size = len(block)
        self.frames_sent += 1
        if size > self.peer.max_frame_size:
            limit = self.peer.max_frame_size
            section = frames.header_frames(_HEADERS, flags, stream.stream_id, block, limit)
        else:
            kind, flags = size << 8 | _HEADERS, flags | _END_HEADERS
            section = FRAME_HEADER.pack(kind, flags, stream.stream_id) + block
        self.out.append(section)

    def send_promise(self, parent: Stream, promised_id: int, fields: list[Field]) -> None:
        """Send PUSH_PROMISE (section 6.6)."""
        payload = promised_id.to_bytes(4, "big") + self.encoder.encode(fields)
        limit = self.peer.max_frame_size
        self.out.append(
            frames.header_frames(frames.PUSH_PROMISE, 0, parent.stream_id, payload, limit)
        )

    def end_with(self, stream: Stream, trailers: list[Field]) -> None:
        """Send a trailer section behind the content."""
        if stream.queue is not None:
            stream.queue.ends = True
            stream.queue.trailers = trailers
        else:
            self.send_section(stream, trailers, _END_STREAM)
            stream.output_open = False

    def write(self, stream: Stream, data: bytes, ends: bool) -> None:
        """Send content, now or when its turn comes; ``ends``: with END_STREAM."""
        if stream.without_content:
            data = b""
        size = len(data)
        queue = stream.queue
        if queue is None and self._is_free(stream, size):
            if size or ends:
                self._write_now(stream, data, ends)
            return
        if queue is None:
            queue = stream.queue = ResponseQueue()
            self._line_up(stream)
        if size:
            queue.add(data)
        queue.ends = ends

    def _is_free(self, stream: Stream, size: int) -> bool:
        """Nothing stands in the way of so much content."""
        if not size:
            return True
        return (
            size <= stream.send_window
            and size <= self.window
            and size <= _FRAME_SIZE
            and self._data_out + size <= _QUANTUM
            and not self._scheduler
            and not self.waits_for_preface
        )

    def _write_now(self, stream: Stream, data: bytes, ends: bool) -> None:
        size = len(data)
        stream.send_window -= size
        self.window -= size
        self._data_out += size
        self.frames_sent += 1
        header = FRAME_HEADER.pack(size << 8, _END_STREAM if ends else 0, stream.stream_id)
        self.out.append(header)
        self.out.append(data)
        if ends:
            stream.output_open = False

    # Whose turn it is.

    @property
    def has_more(self) -> bool:
        """More could go out at once."""
        return bool(self._scheduler) and self.window > 0 and not self.waits_for_preface

    def data_to_send(self, now: float) -> bytes:
        """Hand out and forget what is to be written."""
        if self._scheduler and not self.waits_for_preface:
            self._serve(self._scheduler, now)
        if self._blocked or self._scheduler:
            self._watch(now)
        return self.flush()

    def flush(self) -> bytes:
        """Hand out and forget what is in ``out``, and nothing of what is queued."""
        out = self.out
        if not out:
            return b""
        data = b"".join(out)
        out.clear()
        self._data_out = 0
        return data

    def _serve(self, scheduler: Scheduler, now: float) -> None:
        """Take content out of queues up to the quantum."""
        while scheduler and self.window > 0 and self._data_out < _QUANTUM:
            stream = self._streams[scheduler.next()]
            queue = stream.queue
            assert queue is not None
            size = min(queue.size, stream.send_window, self.window, _FRAME_SIZE)
            self._send_queued(stream, queue, size, now)

    def _send_queued(self, stream: Stream, queue: ResponseQueue, size: int, now: float) -> None:
        pieces = queue.take(size)
        ends = queue.ends and not queue.size
        flags = _END_STREAM if ends and not queue.trailers else 0
        self.out.append(FRAME_HEADER.pack(size << 8, flags, stream.stream_id))
        self.out += pieces
        stream.send_window -= size
        self.window -= size
        self._data_out += size
        self.frames_sent += 1
        if queue.guard is not None:
            queue.guard.progress(size, now)
        assert self._scheduler is not None
        self._scheduler.sent(stream.stream_id, size)
        if not queue.size:
            self._leave(stream)
            if ends:
                self._end_queued(stream, queue)
        elif stream.send_window <= 0:
            self._leave(stream)
            self._blocked[stream.stream_id] = False

    def _end_queued(self, stream: Stream, queue: ResponseQueue) -> None:
        if queue.trailers:
            self.send_section(stream, queue.trailers, _END_STREAM)
        stream.output_open = False
        self.ended.append(stream)

    def _line_up(self, stream: Stream) -> None:
        """A queue has something to send: when its window lets it, by its priority."""
        if stream.send_window > 0:
            if self._scheduler is None:
                self._scheduler = Scheduler()
            self._scheduler.add(stream.stream_id, stream.priority)
            self._unguarded = True
        else:
            self._blocked[stream.stream_id] = False

    def _leave(self, stream: Stream) -> None:
        assert self._scheduler is not None
        self._scheduler.remove(stream.stream_id)
        if stream.queue is not None and not stream.queue.size:
            stream.queue = None

    def reprioritize(self, stream: Stream, priority: Priority) -> None:
        """Change a stream's priority (RFC 9218)."""
        stream.priority = priority
        if self._scheduler:
            self._scheduler.reprioritize(stream.stream_id, priority)

    def forget(self, stream: Stream) -> None:
        """The stream has been reset: nothing more is sent on it."""
        self._blocked.pop(stream.stream_id, None)
        if self._scheduler is not None:
            self._scheduler.remove(stream.stream_id)

    # The peer's windows and settings.

    def open_window(self, increment: int, now: float) -> None:
        """The peer takes more on the connection. Raises HTTP2ConnectionError."""
        if self.window + increment > frames.MAX_WINDOW:
            raise HTTP2ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, "window too large")
        self.window += increment
        if self._guarded and self.window > 0:
            self._guarded = False
            for stream in self._streams.values():
                if stream.queue is not None and stream.stream_id not in self._blocked:
                    _pause(stream.queue, now)

    def open_stream_window(self, stream: Stream, increment: int, now: float) -> None:
        """The peer takes more on a stream, or, after new settings, less.

        Raises HTTP2StreamError for more than there can be."""
        stream.send_window += increment
        if stream.send_window > frames.MAX_WINDOW:
            raise HTTP2StreamError(
                stream.stream_id, ErrorCode.FLOW_CONTROL_ERROR, "window too large"
            )
        queue = stream.queue
        if queue is None:
            return
        blocked = stream.stream_id in self._blocked
        if stream.send_window <= 0 and not blocked:
            self._leave(stream)
            self._blocked[stream.stream_id] = False
        elif stream.send_window > 0 and blocked:
            del self._blocked[stream.stream_id]
            _pause(queue, now)
            self._line_up(stream)

    def apply_settings(self, payload: bytes, now: float) -> None:
        """Take the peer's SETTINGS. Raises HTTP2ConnectionError."""
        peer = self.peer
        former_window = peer.initial_window
        for table_size in peer.apply(payload):
            self.encoder.set_max_table_size(table_size)
        change = peer.initial_window - former_window
        if not change:
            return
        for stream in list(self._streams.values()):
            if not stream.output_open:
                continue
            try:  # section 6.9.2
                self.open_stream_window(stream, change, now)
            except HTTP2StreamError as fault:
                raise HTTP2ConnectionError(fault.code, str(fault)) from None

    # How long the peer takes.

    def _watch(self, now: float) -> None:
        """Start the guards of queues that wait for the peer and whose guards do not run."""
        for stream_id, watched in self._blocked.items():
            if not watched:
                self._blocked[stream_id] = True
                self._guard(self._streams[stream_id], now)
        if self.window <= 0 and (self._unguarded or not self._guarded):
            self._guarded, self._unguarded = True, False
            for stream in self._streams.values():
                self._guard(stream, now)

    def _guard(self, stream: Stream, now: float) -> None:
        queue = stream.queue
        if queue is None:
            return
        if queue.guard is None:
            settings = self._settings
            queue.guard = TransferGuard(
                now,
                idle=settings.write_idle_timeout,
                rate=settings.write_min_rate,
                grace=settings.rate_grace,
            )
        else:
            queue.guard.resume(now)
        self.write_deadline = min(self.write_deadline, queue.guard.deadline)


def _pause(queue: ResponseQueue, now: float) -> None:
    if queue.guard is not None:
        queue.guard.pause(now)
