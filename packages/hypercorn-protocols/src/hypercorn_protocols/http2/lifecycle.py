"""How streams begin and end: the steps that touch both directions.

Knows: what closing one side means for the other, and who is told (RFC 9113 sections 5.1, 5.4
and 8.1).
Must not know: the frames that led there, timers, or the connection's end.
"""

from __future__ import annotations

from http import HTTPStatus
from math import inf

from hypercorn_protocols.events import Event, RequestReceived, StreamReset
from hypercorn_protocols.http2 import frames
from hypercorn_protocols.http2.faults import HTTP2ConnectionError
from hypercorn_protocols.http2.frames import ErrorCode
from hypercorn_protocols.http2.head import Head
from hypercorn_protocols.http2.limits import Budget
from hypercorn_protocols.http2.output import Output
from hypercorn_protocols.http2.sender import Sender
from hypercorn_protocols.http2.stream import RequestContent, Stream
from hypercorn_protocols.http2.table import Ending, StreamTable
from hypercorn_protocols.progress import TransferGuard
from hypercorn_protocols.settings import HTTP2Settings

__all__ = ["Lifecycle"]


class Lifecycle:
    """Opens and closes streams.

    Args:
        settings: limits and timers.
        table: the connection's streams.
        output: what tells the peer.
        sender: what answers in an application's place.
        now: in seconds.
    """

    __slots__ = (
        "_output",
        "_resets",
        "_sender",
        "_settings",
        "_table",
        "events",
        "lingering",
        "read_deadline",
    )

    def __init__(
        self,
        settings: HTTP2Settings,
        table: StreamTable,
        output: Output,
        sender: Sender,
        now: float,
    ) -> None:
        self._settings = settings
        self._table = table
        self._output = output
        self._sender = sender
        self._resets = Budget(settings.max_resets, settings.resets_per_second, now)
        self.events: list[Event] = []
        """What has happened, for the caller of the connection."""
        self.lingering: list[Stream] = []
        """Answered streams whose requests go on, for the connection to look at."""
        self.read_deadline = inf
        """No later than the first deadline of a request's content."""

    # Beginnings.

    def open(self, head: Head) -> Stream:
        """A request has come."""
        stream = Stream(head, self._output.peer.initial_window)
        self._table.add(stream)
        return stream

    def open_content(self, stream: Stream, window: int, now: float) -> None:
        """Its content is to come."""
        request = stream.head.request
        if request.protocol is not None:  # a tunnel, whose silence may last
            guard = TransferGuard(now, idle=None, rate=0, grace=0.0)
            stream.content = RequestContent(window, None, guard, inf)
            return
        settings = self._settings
        guard = TransferGuard(
            now,
            idle=settings.read_idle_timeout,
            rate=settings.read_min_rate,
            grace=settings.rate_grace,
        )
        timeout = settings.read_timeout
        content = RequestContent(
            window, stream.head.content_length, guard, inf if timeout is None else now + timeout
        )
        if request.expects_continue:
            content.continue_due = True
            guard.pause(now)  # it is the application that is waited for
        stream.content = content
        self.watch(content)

    def watch(self, content: RequestContent) -> None:
        """Content may have become late earlier than any other."""
        self.read_deadline = min(self.read_deadline, content.deadline)

    # Ends.

    def end_input(self, stream: Stream) -> None:
        """END_STREAM has come."""
        stream.content = None
        if not stream.output_open:
            self._table.closed(stream, Ending.ENDED)

    def end_output(self, stream: Stream) -> None:
        """END_STREAM has been sent."""
        if stream.content is None:
            self._table.closed(stream, Ending.ENDED)
        else:
            self.lingering.append(stream)

    def linger(self, stream: Stream, now: float) -> None:
        """An answered request goes on: read the rest away for a while.

        Section 8.1 would have it reset at once, and clients exist that lose the answer then."""
        content = stream.content
        if content is not None:
            content.discard()
            content.guard.pause(now)
            content.read_by = now + self._settings.linger_timeout
            self.watch(content)

    def give_up_on_rest(self, stream: Stream) -> None:
        """The rest of an answered request is of no use, and was not wrong (section 8.1)."""
        self.reset(stream, ErrorCode.NO_ERROR)

    def reset(self, stream: Stream, code: int) -> None:
        """Give a stream up; its owner knows."""
        self._output.out.append(frames.reset_frame(stream.stream_id, code))
        self._close(stream, Ending.RESET_BY_US)

    def abandon(self, stream: Stream, code: int, reason: str) -> None:
        """Give a stream up and tell its owner."""
        self.reset(stream, code)
        self._tell(stream, reason)

    def reset_by_peer(self, stream: Stream, code: int) -> None:
        """RST_STREAM has come.

        It may be closed already while its application goes on, as with a HEAD whose content
        nobody gets: that is the news that lets it end."""
        if not stream.is_closed:
            self._close(stream, Ending.RESET_BY_PEER)
        self._tell(stream, f"the peer reset the stream ({code})")

    def refuse(self, stream_id: int, code: ErrorCode) -> None:
        """Reset a stream that is not open, or was never let begin."""
        self._output.out.append(frames.reset_frame(stream_id, code))
        self._table.remember(stream_id, Ending.RESET_BY_US)

    def lose_all(self, reason: str) -> None:
        """The connection is over."""
        for stream in list(self._table.streams.values()):
            if not stream.is_closed:
                self._close(stream, Ending.RESET_BY_US)
                self._tell(stream, reason)

    def count_reset(self, now: float, cost: float = 1.0) -> None:
        """A stream was opened in vain. Raises HTTP2ConnectionError if that happens too often."""
        if not self._resets.spend(now, cost):
            raise HTTP2ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, "too many streams were reset")

    def _close(self, stream: Stream, ending: Ending) -> None:
        self._output.forget(stream)
        stream.close()
        self._table.closed(stream, ending)

    def _tell(self, stream: Stream, reason: str) -> None:
        if not stream.released and not stream.abandoned:
            stream.abandoned = True
            self.events.append(StreamReset(stream.stream_id, reason))

    # Answers of the server's own.

    def answer(
        self, stream_id: int, method: str, status: int, window: int | None, now: float
    ) -> None:
        """Answer a request that no application sees.

        ``window``: what its client may send of its content; None if there is none."""
        request = RequestReceived(stream_id, method, b"", [], "2", window is None)
        stream = self.open(Head(request, b"", b""))
        stream.released = True
        if window is not None:
            self.open_content(stream, window, now)
        self._send_status(stream, status)

    def give_up_on(self, stream: Stream, status: int, reason: str) -> None:
        """Answer in the application's place if it is not too late, and tell it."""
        if stream.head_sent:
            self.abandon(stream, ErrorCode.CANCEL, reason)
            return
        self._tell(stream, reason)
        self._send_status(stream, status)

    def _send_status(self, stream: Stream, status: int) -> None:
        content = b"%d %b\n" % (status, HTTPStatus(status).phrase.encode("ascii"))
        headers = [(b"content-type", b"text/plain; charset=utf-8")]
        self._sender.send_response(stream, status, headers, content, True, False)
        if not stream.output_open:
            self.end_output(stream)
