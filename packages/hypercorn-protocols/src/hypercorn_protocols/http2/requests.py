"""Header sections: new requests, trailers, and those that come to nothing.

Knows: in which state of a stream a header section may come, what its size may be, and how many
streams there may be at once (RFC 9113 sections 5.1, 8.1 and 10.5.1).
Must not know: frames, or what a request is.
"""

from __future__ import annotations

from hypercorn_protocols.http2 import frames
from hypercorn_protocols.http2.content import ContentReceiver
from hypercorn_protocols.http2.faults import (
    HTTP2ConnectionError,
    HTTP2StreamError,
    RequestRefusedError,
)
from hypercorn_protocols.http2.frames import ErrorCode
from hypercorn_protocols.http2.head import Head, MalformedError, read_head, read_trailers
from hypercorn_protocols.http2.headers.codec import (
    CompressionError,
    HeaderDecoder,
    HeaderListTooLargeError,
)
from hypercorn_protocols.http2.lifecycle import Lifecycle
from hypercorn_protocols.http2.memory import HeadMemory
from hypercorn_protocols.http2.output import Output
from hypercorn_protocols.http2.priority import Priority, parse_priority
from hypercorn_protocols.http2.stream import Stream
from hypercorn_protocols.http2.table import Ending, StreamTable
from hypercorn_protocols.settings import HTTP2Settings

__all__ = ["RequestReceiver"]

Fields = list[tuple[bytes, bytes]]

# RFC 7541 section 4.1, and the largest entry that a table of 4096 bytes can hold.
_OVERHEAD = 32
_LARGEST_ENTRY = 4096
# Huffman codes are no shorter than 5 bits: 8 bytes of them are no more than 13 characters.
_LARGEST_EXPANSION = 2
# Pseudo-header fields of a request; those of an extended CONNECT have one more, which counts.
_PSEUDO_FIELDS = 4
# What a refused stream costs of the budget for resets: a client may not know the limit yet.
_REFUSAL = 0.5


class RequestReceiver:
    """Takes header sections.

    Args:
        settings: limits.
        table: the connection's streams.
        output: where priorities matter.
        lifecycle: what opens and closes streams.
        content: what takes the requests' content.
        decoder: decompresses header sections.
    """

    __slots__ = (
        "_content",
        "_decoder",
        "_lifecycle",
        "_malformed",
        "_memory",
        "_output",
        "_priorities",
        "_settings",
        "_table",
        "count",
        "last_accepted",
    )

    def __init__(
        self,
        settings: HTTP2Settings,
        table: StreamTable,
        output: Output,
        lifecycle: Lifecycle,
        content: ContentReceiver,
        decoder: HeaderDecoder,
    ) -> None:
        self._settings = settings
        self._table = table
        self._output = output
        self._lifecycle = lifecycle
        self._content = content
        self._decoder = decoder
        self._malformed = 0
        self._memory = HeadMemory(decoder)
        self._priorities: dict[int, Priority] = {}  # of streams that have not begun
        self.count = 0
        """Requests that came."""
        self.last_accepted = frames.MAX_STREAM_ID
        """The last stream that GOAWAY promised to look at."""

    def section(self, stream_id: int, block: bytes, end_stream: bool, now: float) -> None:
        """A header section is complete. Raises HTTP2ConnectionError or HTTP2StreamError."""
        table = self._table
        if stream_id <= table.last_client_id or stream_id % 2 == 0:
            self._further_section(stream_id, self._decode(block), len(block), end_stream)
            return
        table.last_client_id = stream_id
        if stream_id > self.last_accepted:
            self._decode(block)
            # Section 6.8: what belongs to it is discarded.
            table.remember(stream_id, Ending.RESET_BY_US)
        elif not end_stream or not self._begin_again(stream_id, block, now):
            changes = self._decoder.changes
            head = self._begin(stream_id, self._decode(block), len(block), end_stream, now)
            if head is not None and end_stream:
                self._memory.keep(block, head, changes)

    def _decode(self, block: bytes) -> Fields:
        """To be done whatever becomes of a section: the tables of both sides have to stay the
        same."""
        try:
            return self._decoder.decode(block)
        except HeaderListTooLargeError as error:
            raise HTTP2ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, str(error)) from None
        except CompressionError as error:
            raise HTTP2ConnectionError(ErrorCode.COMPRESSION_ERROR, str(error)) from None

    def _further_section(
        self, stream_id: int, fields: Fields, block_size: int, end_stream: bool
    ) -> None:
        """A section on a stream that is open, or was."""
        stream = self._table.streams.get(stream_id)
        if stream is None or stream.is_closed:
            self._late_section(stream_id)
        elif stream.content is None:
            raise HTTP2StreamError(stream_id, ErrorCode.STREAM_CLOSED, "HEADERS after END_STREAM")
        else:
            self._trailers(stream, fields, block_size, end_stream)

    def refuse(self, stream_id: int) -> None:
        """The section that comes next on a stream is malformed, whatever it says."""
        self._malformed = stream_id

    def priority_update(self, stream_id: int, value: bytes) -> None:
        """A client's new mind about a stream (RFC 9218 section 7). Raises HTTP2ConnectionError."""
        if stream_id == 0:
            raise HTTP2ConnectionError(ErrorCode.PROTOCOL_ERROR, "PRIORITY_UPDATE of stream 0")
        stream = self._table.streams.get(stream_id)
        if stream is not None:
            if stream.output_open:
                self._output.reprioritize(stream, parse_priority(value))
        elif self._table.ending(stream_id) is Ending.IDLE:
            if stream_id % 2 == 0:
                raise HTTP2ConnectionError(
                    ErrorCode.PROTOCOL_ERROR, "PRIORITY_UPDATE of no promise"
                )
            known = self._priorities
            if stream_id in known or len(known) < self._settings.max_concurrent_streams:
                known[stream_id] = parse_priority(value)

    # New requests.

    def _begin_again(self, stream_id: int, block: bytes, now: float) -> bool:
        """Begin a request that came before; False if it has to be read."""
        head = self._memory.recall(stream_id, block)
        if head is None or stream_id == self._malformed:
            return False
        self.count += 1
        if self._has_place(stream_id, now):
            self._open(head, now)
        return True

    def _begin(
        self, stream_id: int, fields: Fields, block_size: int, end_stream: bool, now: float
    ) -> Head | None:
        """Begin a request; None if it comes to nothing."""
        lifecycle = self._lifecycle
        self.count += 1
        if not self._has_place(stream_id, now):
            return None
        if stream_id == self._malformed:
            lifecycle.refuse(stream_id, ErrorCode.PROTOCOL_ERROR)
            lifecycle.count_reset(now)
            return None
        window = None if end_stream else self._content.initial_window
        if self._is_too_large(fields, block_size):
            lifecycle.answer(stream_id, _method(fields), 431, window, now)
            return None
        try:
            head = read_head(stream_id, fields, end_stream)
        except MalformedError:
            lifecycle.refuse(stream_id, ErrorCode.PROTOCOL_ERROR)
            lifecycle.count_reset(now)
            return None
        except RequestRefusedError as error:
            lifecycle.answer(stream_id, _method(fields), error.status_hint, window, now)
            return None
        max_size = self._settings.max_body_size
        if max_size is not None and (head.content_length or 0) > max_size:
            lifecycle.answer(stream_id, head.request.method, 413, window, now)
            return None
        self._open(head, now)
        return head

    def _has_place(self, stream_id: int, now: float) -> bool:
        """Whether one more stream may be worked on; else it is refused."""
        if self._table.requests < self._settings.max_concurrent_streams:
            return True
        self._lifecycle.refuse(stream_id, ErrorCode.REFUSED_STREAM)
        self._lifecycle.count_reset(now, _REFUSAL)
        return False

    def _open(self, head: Head, now: float) -> None:
        request = head.request
        stream = self._lifecycle.open(head)
        if head.priority:
            stream.priority = parse_priority(head.priority)
        if self._priorities:
            self._take_update(stream)
        if not request.end_stream:
            self._lifecycle.open_content(stream, self._content.initial_window, now)
        self._lifecycle.events.append(request)

    def _take_update(self, stream: Stream) -> None:
        """Heed what was said of the stream before it began."""
        update = self._priorities.get(stream.stream_id)
        if update is not None:  # RFC 9218 section 7: it is newer than the field
            stream.priority = update
        # What was said of streams that were passed over is of no use any more.
        self._priorities = {
            stream_id: priority
            for stream_id, priority in self._priorities.items()
            if stream_id > stream.stream_id
        }

    def _is_too_large(self, fields: Fields, block_size: int) -> bool:
        count = len(fields)
        settings = self._settings
        if count > settings.max_headers + _PSEUDO_FIELDS:
            return True
        limit = settings.max_header_list_size
        if count * _LARGEST_ENTRY + block_size * _LARGEST_EXPANSION <= limit:
            return False
        size = sum([len(name) + len(value) for name, value in fields])
        return size + count * _OVERHEAD > limit

    # What is not a new request.

    def _trailers(self, stream: Stream, fields: Fields, block_size: int, end_stream: bool) -> None:
        if stream.stream_id == self._malformed:
            raise HTTP2StreamError(
                stream.stream_id, ErrorCode.PROTOCOL_ERROR, "a stream depends on itself"
            )
        if not end_stream or stream.is_tunnel:  # section 8.5: a tunnel has no trailers
            raise HTTP2StreamError(
                stream.stream_id, ErrorCode.PROTOCOL_ERROR, "a second header section"
            )
        if self._is_too_large(fields, block_size):
            self._lifecycle.give_up_on(stream, 431, "the trailer section is too large")
            return
        try:
            trailers = read_trailers(fields)
        except MalformedError as error:
            raise HTTP2StreamError(
                stream.stream_id, ErrorCode.PROTOCOL_ERROR, str(error)
            ) from None
        self._content.end(stream, trailers)

    def _late_section(self, stream_id: int) -> None:
        """A header section for a stream that is closed, or cannot be."""
        if stream_id % 2 == 0:
            raise HTTP2ConnectionError(ErrorCode.PROTOCOL_ERROR, "not a client's stream")
        ending = self._table.ending(stream_id)
        if ending is Ending.RESET_BY_US:
            return  # it was on its way
        if ending is Ending.UNKNOWN:
            raise HTTP2ConnectionError(
                ErrorCode.PROTOCOL_ERROR, "stream identifiers must increase"
            )
        raise HTTP2ConnectionError(ErrorCode.STREAM_CLOSED, "HEADERS on a closed stream")


def _method(fields: Fields) -> str:
    """The method of a request that is refused, as far as it matters."""
    return "HEAD" if (b":method", b"HEAD") in fields else "GET"
