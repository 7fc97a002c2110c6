"""The times that a connection keeps: when the peer is too late, and with what.

Knows: which timer runs when, as one deadline.
Must not know: clocks, or how a connection ends.
"""

from __future__ import annotations

from math import inf

from hypercorn_protocols.http2.faults import HTTP2ConnectionError
from hypercorn_protocols.http2.frames import ErrorCode
from hypercorn_protocols.http2.lifecycle import Lifecycle
from hypercorn_protocols.http2.output import Output
from hypercorn_protocols.http2.receiver import Receiver
from hypercorn_protocols.http2.stream import Stream
from hypercorn_protocols.http2.table import StreamTable
from hypercorn_protocols.settings import HTTP2Settings

__all__ = ["Timers"]


class Timers:
    """Judges the peer by the time.

    Args:
        settings: the timers.
        table: the connection's streams.
        output: what waits for the peer's windows.
        lifecycle: what is done about streams that are late.
        receiver: how far the peer is.
        now: when it connected, in seconds.
    """

    __slots__ = (
        "_lifecycle",
        "_output",
        "_receiver",
        "_settings",
        "_since",
        "_table",
        "idle_since",
    )

    def __init__(
        self,
        settings: HTTP2Settings,
        table: StreamTable,
        output: Output,
        lifecycle: Lifecycle,
        receiver: Receiver,
        now: float,
    ) -> None:
        self._settings = settings
        self._table = table
        self._output = output
        self._lifecycle = lifecycle
        self._receiver = receiver
        self._since = now
        self.idle_since = now
        """When the last stream was closed."""

    @property
    def idle_deadline(self) -> float:
        """When the connection has been without a request for too long."""
        timeout = self._settings.keep_alive_timeout
        return inf if timeout is None or self._table.open else self.idle_since + timeout

    @property
    def streams_deadline(self) -> float:
        """No later than the first deadline of a stream."""
        return min(self._lifecycle.read_deadline, self._output.write_deadline)

    @property
    def setup_deadline(self) -> float:
        """When the preface and its acknowledgement, or a header section, must have come."""
        settings, receiver = self._settings, self._receiver
        deadline = inf
        if settings.head_timeout is not None:
            begun = receiver.block_begun if receiver.settings_received else self._since
            deadline = begun + settings.head_timeout
        if settings.settings_timeout is not None and not receiver.settings_acknowledged:
            deadline = min(deadline, self._since + settings.settings_timeout)
        return deadline

    def judge(self, now: float) -> None:
        """Give up on what is late. Raises HTTP2ConnectionError if it is the connection."""
        if now >= self.setup_deadline:
            if not self._receiver.settings_received:
                raise HTTP2ConnectionError(ErrorCode.SETTINGS_TIMEOUT, "no preface")
            if self._receiver.block_begun != inf:
                raise HTTP2ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, "endless header section")
            raise HTTP2ConnectionError(ErrorCode.SETTINGS_TIMEOUT, "SETTINGS not acknowledged")
        if now >= self.streams_deadline:
            self._lifecycle.read_deadline = self._output.write_deadline = inf
            for stream in list(self._table.streams.values()):
                self._judge_stream(stream, now)

    def _judge_stream(self, stream: Stream, now: float) -> None:
        queue, content = stream.queue, stream.content
        if queue is not None:
            if now >= queue.deadline:
                self._lifecycle.abandon(stream, ErrorCode.CANCEL, "the answer is not taken")
                return
            self._output.write_deadline = min(self._output.write_deadline, queue.deadline)
        if content is not None:
            if now < content.deadline:
                self._lifecycle.watch(content)
            elif not stream.is_answered:
                self._lifecycle.give_up_on(stream, 408, "the content took too long")
            elif not stream.output_open:
                self._lifecycle.give_up_on_rest(stream)
            else:  # it is the answer's turn to be too slow
                content.read_by = inf
                content.guard.pause(now)
