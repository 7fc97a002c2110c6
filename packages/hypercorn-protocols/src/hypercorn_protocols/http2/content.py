"""DATA: the content of requests, and the windows that it comes through.

Knows: flow control from the receiver's side (RFC 9113 sections 5.2 and 6.9), and how much
content a request may have.
Must not know: frames other than what they carry, or what is done with content.

The connection's window is as large as all streams' windows together, and is given back as soon
as something comes: so no stream can be held up by another one that nobody reads. What waits for
applications is bounded by the streams' windows, which are given back as it is consumed. A stream
whose application keeps up while its client runs into the window gets a larger one, out of a
growth that all streams of the connection share: a fast upload over a long way needs that.
"""

from __future__ import annotations

from hypercorn_protocols.events import BodyEnded, BodyReceived
from hypercorn_protocols.http2 import frames
from hypercorn_protocols.http2.faults import HTTP2ConnectionError, HTTP2StreamError
from hypercorn_protocols.http2.frames import ErrorCode
from hypercorn_protocols.http2.lifecycle import Lifecycle
from hypercorn_protocols.http2.output import Output
from hypercorn_protocols.http2.sender import Sender
from hypercorn_protocols.http2.stream import RequestContent, Stream
from hypercorn_protocols.http2.table import Ending, StreamTable
from hypercorn_protocols.settings import HTTP2Settings

__all__ = ["ContentReceiver"]


class ContentReceiver:
    """Takes DATA and gives credit.

    Args:
        settings: limits.
        table: the connection's streams.
        output: what sends WINDOW_UPDATE.
        sender: what sends 100 Continue.
        lifecycle: what opens and closes streams.
    """

    __slots__ = (
        "_connection_size",
        "_lifecycle",
        "_output",
        "_sender",
        "_settings",
        "_table",
        "_window",
        "initial_window",
    )

    def __init__(
        self,
        settings: HTTP2Settings,
        table: StreamTable,
        output: Output,
        sender: Sender,
        lifecycle: Lifecycle,
    ) -> None:
        self._settings = settings
        self._table = table
        self._output = output
        self._sender = sender
        self._lifecycle = lifecycle
        wanted = settings.max_body_buffer * settings.max_concurrent_streams
        wanted += settings.max_window_growth
        self._connection_size = max(frames.DEFAULT_WINDOW, min(wanted, frames.MAX_WINDOW))
        self._window = frames.DEFAULT_WINDOW
        # Section 6.9.2: until the client has our settings it goes by the default
        self.initial_window = max(settings.max_body_buffer, frames.DEFAULT_WINDOW)
        """What a new stream's client may send."""

    def start(self) -> None:
        """Open the connection's window."""
        self._give_back()

    def settings_acknowledged(self) -> None:
        """The client knows our initial window (section 6.9.2)."""
        change = self._settings.max_body_buffer - self.initial_window
        self.initial_window += change
        for stream in self._table.streams.values():
            if stream.content is not None:
                stream.content.window += change
                stream.content.window_size += change

    def data(
        self, stream_id: int, data: bytes, frame_size: int, end_stream: bool, now: float
    ) -> None:
        """DATA has come, ``frame_size`` with its padding. Raises both kinds of fault."""
        self._window -= frame_size
        if self._window < 0:
            raise HTTP2ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, "more DATA than the window")
        if self._window * 2 < self._connection_size:
            self._give_back()
        stream = self._table.streams.get(stream_id)
        if stream is None or stream.is_closed:
            self._late_data(stream_id)
            return
        content = stream.content
        if content is None:
            raise HTTP2StreamError(stream_id, ErrorCode.STREAM_CLOSED, "DATA after END_STREAM")
        content.window -= frame_size
        if content.window < 0:
            raise HTTP2StreamError(stream_id, ErrorCode.FLOW_CONTROL_ERROR, "more than the window")
        content.credit += frame_size - len(data)  # nobody else takes padding
        self._take(stream, content, data, now)
        if stream.content is not content:
            return
        if end_stream:
            self.end(stream, [])
        else:
            self.give_credit(stream, content)

    def give_credit(self, stream: Stream, content: RequestContent) -> None:
        """Let the peer send more on a stream, if it is worth a frame."""
        if content.credit * 2 >= content.window_size:
            increment, content.credit = content.credit, 0
            content.window += increment
            self._output.out.append(frames.window_update_frame(stream.stream_id, increment))

    def partial_data(self, stream_id: int, size: int, now: float) -> None:
        """So much has come of a DATA frame that is not complete."""
        stream = self._table.streams.get(stream_id)
        if stream is not None and stream.content is not None:
            content = stream.content
            content.guard.progress(max(size - content.ahead, 0), now)
            content.ahead = size

    def end(self, stream: Stream, trailers: list[tuple[bytes, bytes]]) -> None:
        """A request's content is complete. Raises HTTP2StreamError."""
        if stream.is_answered:
            self._lifecycle.end_input(stream)
            return
        if stream.content is not None and stream.content.left:
            raise HTTP2StreamError(
                stream.stream_id, ErrorCode.PROTOCOL_ERROR, "less content than Content-Length"
            )
        self._lifecycle.end_input(stream)
        self._lifecycle.events.append(BodyEnded(stream.stream_id, trailers))

    def consumed(self, stream: Stream, size: int, now: float) -> None:
        """The application took ``size`` bytes of content and wants more."""
        content = stream.content
        if content is None or stream.is_answered:
            return
        if content.continue_due:
            # RFC 9110 section 10.1.1: before the content is waited for
            content.continue_due = False
            if not stream.head_sent:
                self._sender.send_continue(stream)
            self._wait_for(content, now)
        content.unconsumed -= size
        content.credit += size
        if content.credit * 2 >= content.window_size:
            self._grow(content)
            self.give_credit(stream, content)
            self._wait_for(content, now)
        elif not content.unconsumed:
            self._wait_for(content, now)

    def _take(self, stream: Stream, content: RequestContent, data: bytes, now: float) -> None:
        size = len(data)
        if not size:
            return
        content.continue_due = False  # RFC 9110 section 10.1.1: the client did not wait
        if stream.is_answered:
            content.credit += size  # nobody takes it, and the answer shall get through
            content.guard.pause(now)
            return
        content.received += size
        if content.left is not None:
            content.left -= size
            if content.left < 0:
                raise HTTP2StreamError(
                    stream.stream_id, ErrorCode.PROTOCOL_ERROR, "more content than Content-Length"
                )
        max_size = self._settings.max_body_size
        if max_size is not None and content.received > max_size and not stream.is_tunnel:
            content.credit += size
            self._lifecycle.give_up_on(stream, 413, "the content is too large")
            return
        if content.guard.is_paused:
            self._wait_for(content, now)
        content.guard.progress(max(size - content.ahead, 0), now)
        content.ahead = 0
        content.unconsumed += size
        if content.window * 2 <= content.window_size:
            content.guard.pause(now)  # it is the application that is waited for
        self._lifecycle.events.append(BodyReceived(stream.stream_id, data))

    def _grow(self, content: RequestContent) -> None:
        """Give a larger window to a client that runs into it while the application keeps up."""
        if content.unconsumed == 0 and content.window * 4 <= content.window_size:
            growth = min(content.window_size, self._growth_left())
            content.window_size += growth
            content.credit += growth

    def _growth_left(self) -> int:
        """By how much windows may still grow."""
        grown = 0
        for stream in self._table.streams.values():
            if stream.content is not None:
                grown += max(stream.content.window_size - self.initial_window, 0)
        return max(self._settings.max_window_growth - grown, 0)

    def _wait_for(self, content: RequestContent, now: float) -> None:
        """It is the peer that is waited for."""
        content.guard.resume(now)
        self._lifecycle.watch(content)

    def _give_back(self) -> None:
        """Let the peer send more on the connection."""
        increment = self._connection_size - self._window
        if increment > 0:
            self._window += increment
            self._output.out.append(frames.window_update_frame(0, increment))

    def _late_data(self, stream_id: int) -> None:
        """DATA for a stream that is not open."""
        ending = self._table.ending(stream_id)
        if ending is Ending.IDLE:
            raise HTTP2ConnectionError(ErrorCode.PROTOCOL_ERROR, "DATA on an idle stream")
        if ending is Ending.ENDED:
            # Section 5.1: it had said that there is no more
            raise HTTP2ConnectionError(ErrorCode.STREAM_CLOSED, "DATA on a closed stream")
        if ending is not Ending.RESET_BY_US:  # then it was on its way
            raise HTTP2StreamError(stream_id, ErrorCode.STREAM_CLOSED, "DATA on a closed stream")
