"""The input side of a connection: frames, and what each of them does.

Knows: RFC 9113 sections 3.4, 4 and 6 from the receiver's side.
Must not know: timers, or when the connection is to end. Header sections become requests in
:mod:`requests`, content goes through :mod:`content`.

An error in what a frame says about one stream is an HTTP2StreamError, any other an
HTTP2ConnectionError.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from hypercorn_protocols.http2 import frames
from hypercorn_protocols.http2.content import ContentReceiver
from hypercorn_protocols.http2.faults import HTTP2ConnectionError, HTTP2StreamError
from hypercorn_protocols.http2.frames import FRAME_HEADER, HEADER_SIZE, ErrorCode
from hypercorn_protocols.http2.lifecycle import Lifecycle
from hypercorn_protocols.http2.limits import Budget
from hypercorn_protocols.http2.output import Output
from hypercorn_protocols.http2.requests import RequestReceiver
from hypercorn_protocols.http2.table import Ending, StreamTable
from hypercorn_protocols.preface import PREFACE
from hypercorn_protocols.settings import HTTP2Settings

__all__ = ["Receiver"]

_ACK = frames.ACK
_END_STREAM = frames.END_STREAM
_END_HEADERS = frames.END_HEADERS
_PADDED = frames.PADDED
_PRIORITY_FIELDS = frames.PRIORITY_FIELDS
_HEADERS = frames.HEADERS
_CONTINUATION = frames.CONTINUATION
_RESERVED = 0x7FFFFFFF

# So many frames that do no work does a frame of ours pay for: WINDOW_UPDATE on both levels, and
# a PING.
_EARNED = 3
# Bytes of SETTINGS that are no more work than any other frame: ten of them.
_USUAL_SETTINGS = 60


class Receiver:
    """Reads frames.

    Args:
        settings: limits and timers.
        table: the connection's streams.
        output: what answers.
        lifecycle: what opens and closes streams.
        requests: what takes header sections.
        content: what takes DATA.
        now: in seconds.
    """

    __slots__ = (
        "_block",
        "_block_flags",
        "_block_size",
        "_block_stream",
        "_content",
        "_control",
        "_earned_for",
        "_expected",
        "_lifecycle",
        "_max_block_size",
        "_max_frame_size",
        "_now",
        "_output",
        "_partial_data",
        "_pieces",
        "_requests",
        "_size",
        "_table",
        "block_begun",
        "goaway_received",
        "last_ping",
        "preface_received",
        "settings_acknowledged",
        "settings_received",
    )

    def __init__(
        self,
        settings: HTTP2Settings,
        table: StreamTable,
        output: Output,
        lifecycle: Lifecycle,
        requests: RequestReceiver,
        content: ContentReceiver,
        now: float,
    ) -> None:
        self._max_frame_size = settings.max_frame_size
        self._max_block_size = 4 * settings.max_header_list_size
        self._table = table
        self._output = output
        self._lifecycle = lifecycle
        self._requests = requests
        self._content = content
        self._control = Budget(
            settings.max_control_frames, settings.control_frames_per_second, now
        )
        self._earned_for = 0  # frames of ours that have paid for control frames
        self._now = now
        # What came of a frame that is not complete: pieces, their size, and what it takes.
        self._pieces: list[bytes] = []
        self._size = 0
        self._expected = len(PREFACE)
        self._partial_data = 0  # the stream, if it is DATA
        # What came of a header section that is not complete.
        self._block: list[bytes] = []
        self._block_stream = 0
        self._block_flags = 0
        self._block_size = 0
        self.block_begun = inf
        """When the first frame of an incomplete header section came."""
        self.preface_received = False
        self.settings_received = False
        """The client's SETTINGS have come, with which it has to begin."""
        self.settings_acknowledged = False
        """The client has acknowledged ours."""
        self.goaway_received = False
        self.last_ping = b""
        """The content of the last PING that was acknowledged."""

    def receive_data(self, data: bytes, now: float) -> None:
        """Take what was read. Raises HTTP2ConnectionError."""
        self._now = now
        position = 0
        while self._pieces:
            missing = self._expected - self._size
            piece = data[position : position + missing]
            self._pieces.append(piece)
            self._size += len(piece)
            if len(piece) < missing:
                self._note_progress()
                return
            # No more than that is copied: behind it may stand much more.
            position += missing
            begun = b"".join(self._pieces)
            self._pieces.clear()
            self._read(begun, 0)
        self._read(data, position)

    def _read(self, data: bytes, position: int) -> None:
        if not self.preface_received:
            data, position = self._read_preface(data[position:]), 0
        self._read_frames(data, position)

    def _keep(self, data: bytes, expected: int) -> None:
        """Wait until ``expected`` bytes are there."""
        self._expected = expected
        self._size = len(data)
        if data:
            self._pieces.append(data)

    def _note_progress(self) -> None:
        """Part of a frame has come: slow content is content all the same."""
        if self._partial_data:
            self._content.partial_data(self._partial_data, self._size - HEADER_SIZE, self._now)

    def _read_preface(self, data: bytes) -> bytes:
        """Section 3.4. Returns what is behind it."""
        if not PREFACE.startswith(data[: len(PREFACE)]):
            raise HTTP2ConnectionError(ErrorCode.PROTOCOL_ERROR, "no HTTP/2 preface")
        if len(data) < len(PREFACE):
            self._keep(data, len(PREFACE))
            return b""
        self.preface_received = True
        self._output.waits_for_preface = False
        return data[len(PREFACE) :]

    def _read_frames(self, data: bytes, position: int) -> None:
        unpack = FRAME_HEADER.unpack_from
        end = len(data)
        while end - position >= HEADER_SIZE:
            size_and_type, flags, stream_id = unpack(data, position)
            size, kind = size_and_type >> 8, size_and_type & 0xFF
            start = position + HEADER_SIZE
            if size > self._max_frame_size:
                raise HTTP2ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "frame too large")
            if start + size > end:
                self._keep(data[position:], HEADER_SIZE + size)
                self._partial_data = stream_id & _RESERVED if kind == frames.DATA else 0
                self._note_progress()
                return
            position = start + size
            try:
                self._read_frame(kind, flags, stream_id & _RESERVED, data[start:position])
            except HTTP2StreamError as error:
                self._fail_stream(error)
        if self.preface_received:
            self._keep(data[position:], HEADER_SIZE)
            self._partial_data = 0

    def _read_frame(self, kind: int, flags: int, stream_id: int, payload: bytes) -> None:
        if self.block_begun != inf and kind != _CONTINUATION:
            raise HTTP2ConnectionError(ErrorCode.PROTOCOL_ERROR, "a frame within a header section")
        if not self.settings_received and kind != frames.SETTINGS:
            raise HTTP2ConnectionError(ErrorCode.PROTOCOL_ERROR, "the first frame is not SETTINGS")
        reader = _READERS.get(kind)
        if reader is None:
            self._count()  # section 5.5: "MUST discard frames of unknown types"
        else:
            reader(self, flags, stream_id, payload)

    def _fail_stream(self, error: HTTP2StreamError) -> None:
        """Section 5.4.2."""
        self._lifecycle.count_reset(self._now)
        stream = self._table.streams.get(error.stream_id)
        if stream is not None and not stream.is_closed:
            self._lifecycle.abandon(stream, error.code, str(error))
            return
        ending = self._table.ending(error.stream_id)
        if ending is Ending.IDLE:
            # Nothing can be said of a stream that there is not.
            raise HTTP2ConnectionError(error.code, str(error))
        if ending is not Ending.RESET_BY_US:  # "SHOULD NOT send more than one RST_STREAM"
            self._lifecycle.refuse(error.stream_id, error.code)

    def _count(self, amount: float = 1.0) -> None:
        """A frame that does no work has come. Raises HTTP2ConnectionError for too many."""
        if not self._control.spend(self._now, amount):
            self._control.earn(_EARNED * (self._output.frames_sent - self._earned_for))
            self._earned_for = self._output.frames_sent
            if not self._control.spend(self._now, 0.0):
                raise HTTP2ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, "too many idle frames")

    # One method for each type of frame.

    def _data(self, flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id == 0:
            raise HTTP2ConnectionError(ErrorCode.PROTOCOL_ERROR, "DATA on the connection")
        size = len(payload)
        if flags & _PADDED:
            payload = _unpad(payload)
        if not payload and not flags & _END_STREAM:
            self._count()
        self._content.data(stream_id, payload, size, flags & _END_STREAM != 0, self._now)

    def _headers(self, flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id == 0:
            raise HTTP2ConnectionError(ErrorCode.PROTOCOL_ERROR, "HEADERS on the connection")
        if flags & _PADDED:
            payload = _unpad(payload)
        if flags & _PRIORITY_FIELDS:
            if len(payload) < 5:
                raise HTTP2ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "HEADERS too short")
            if frames.read_number(payload) & _RESERVED == stream_id:
                self._requests.refuse(stream_id)  # RFC 7540 section 5.3.1
            payload = payload[5:]
        if flags & _END_HEADERS:
            self._requests.section(stream_id, payload, flags & _END_STREAM != 0, self._now)
            return
        self._block = [payload]
        self._block_stream = stream_id
        self._block_flags = flags
        self._block_size = len(payload)
        self.block_begun = self._now

    def _continuation(self, flags: int, stream_id: int, payload: bytes) -> None:
        if self.block_begun == inf or stream_id != self._block_stream:
            raise HTTP2ConnectionError(ErrorCode.PROTOCOL_ERROR, "CONTINUATION of nothing")
        self._count()
        self._block.append(payload)
        self._block_size += len(payload)
        if self._block_size > self._max_block_size:
            raise HTTP2ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, "endless header section")
        if flags & _END_HEADERS:
            block, self._block = b"".join(self._block), []
            self.block_begun = inf
            ends = self._block_flags & _END_STREAM != 0
            self._requests.section(stream_id, block, ends, self._now)

    def _priority(self, flags: int, stream_id: int, payload: bytes) -> None:
        """Section 6.3: deprecated, and ignored."""
        self._count()
        if stream_id == 0:
            raise HTTP2ConnectionError(ErrorCode.PROTOCOL_ERROR, "PRIORITY on the connection")
        if len(payload) != 5:
            raise HTTP2StreamError(
                stream_id, ErrorCode.FRAME_SIZE_ERROR, "PRIORITY is not 5 bytes"
            )
        if frames.read_number(payload) & _RESERVED == stream_id:
            raise HTTP2StreamError(
                stream_id, ErrorCode.PROTOCOL_ERROR, "a stream depends on itself"
            )

    def _reset(self, flags: int, stream_id: int, payload: bytes) -> None:
        if len(payload) != 4:
            raise HTTP2ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "RST_STREAM is not 4 bytes")
        stream = self._table.streams.get(stream_id)
        if stream is not None and stream.output_open:
            self._lifecycle.reset_by_peer(stream, frames.read_number(payload))
            self._lifecycle.count_reset(self._now)
            return
        self._count()  # an answered stream was not opened in vain
        if stream is not None:
            self._lifecycle.reset_by_peer(stream, frames.read_number(payload))
        elif stream_id == 0 or self._table.ending(stream_id) is Ending.IDLE:
            raise HTTP2ConnectionError(ErrorCode.PROTOCOL_ERROR, "RST_STREAM of an idle stream")

    def _settings(self, flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id != 0:
            raise HTTP2ConnectionError(ErrorCode.PROTOCOL_ERROR, "SETTINGS on a stream")
        self._count(1 + len(payload) // _USUAL_SETTINGS)
        if flags & _ACK:
            if payload:
                raise HTTP2ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "SETTINGS ACK with content")
            if not self.settings_received:
                raise HTTP2ConnectionError(ErrorCode.PROTOCOL_ERROR, "the first frame is an ACK")
            if not self.settings_acknowledged:
                self.settings_acknowledged = True
                self._content.settings_acknowledged()
            return
        if len(payload) % 6:
            raise HTTP2ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "SETTINGS of a broken length")
        self.settings_received = True
        self._output.apply_settings(payload, self._now)
        self._output.out.append(frames.frame(frames.SETTINGS, _ACK, 0))

    def _push_promise(self, flags: int, stream_id: int, payload: bytes) -> None:
        # Section 8.4: "A client cannot push."
        raise HTTP2ConnectionError(ErrorCode.PROTOCOL_ERROR, "PUSH_PROMISE from a client")

    def _ping(self, flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id != 0:
            raise HTTP2ConnectionError(ErrorCode.PROTOCOL_ERROR, "PING on a stream")
        if len(payload) != 8:
            raise HTTP2ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "PING is not 8 bytes")
        self._count()
        if flags & _ACK:
            self.last_ping = payload
        else:
            self._output.out.append(frames.ping_frame(payload, ack=True))

    def _goaway(self, flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id != 0:
            raise HTTP2ConnectionError(ErrorCode.PROTOCOL_ERROR, "GOAWAY on a stream")
        if len(payload) < 8:
            raise HTTP2ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "GOAWAY too short")
        self._count()
        self.goaway_received = True

    def _window_update(self, flags: int, stream_id: int, payload: bytes) -> None:
        if len(payload) != 4:
            raise HTTP2ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "WINDOW_UPDATE is not 4 bytes")
        self._count()
        increment = frames.read_number(payload) & _RESERVED
        if stream_id == 0:
            if not increment:
                raise HTTP2ConnectionError(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE by nothing")
            self._output.open_window(increment, self._now)
            return
        stream = self._table.streams.get(stream_id)
        if stream is None:
            if self._table.ending(stream_id) is Ending.IDLE:
                raise HTTP2ConnectionError(
                    ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE of an idle stream"
                )
        elif not stream.is_closed:
            if not increment:
                raise HTTP2StreamError(
                    stream_id, ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE by nothing"
                )
            self._output.open_stream_window(stream, increment, self._now)

    def _priority_update(self, flags: int, stream_id: int, payload: bytes) -> None:
        """RFC 9218 section 7.1."""
        if stream_id != 0:
            raise HTTP2ConnectionError(ErrorCode.PROTOCOL_ERROR, "PRIORITY_UPDATE on a stream")
        if len(payload) < 4:
            raise HTTP2ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "PRIORITY_UPDATE too short")
        self._count()
        self._requests.priority_update(frames.read_number(payload) & _RESERVED, payload[4:])


def _unpad(payload: bytes) -> bytes:
    """Section 6.1: the first byte says how much padding stands behind the content."""
    if not payload:
        raise HTTP2ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "padded, and too short for it")
    padding = payload[0]
    if padding >= len(payload):
        raise HTTP2ConnectionError(ErrorCode.PROTOCOL_ERROR, "padding longer than the frame")
    return payload[1 : len(payload) - padding]


_READERS: dict[int, Callable[[Receiver, int, int, bytes], None]] = {
    frames.DATA: Receiver._data,
    frames.HEADERS: Receiver._headers,
    frames.PRIORITY: Receiver._priority,
    frames.RST_STREAM: Receiver._reset,
    frames.SETTINGS: Receiver._settings,
    frames.PUSH_PROMISE: Receiver._push_promise,
    frames.PING: Receiver._ping,
    frames.GOAWAY: Receiver._goaway,
    frames.WINDOW_UPDATE: Receiver._window_update,
    frames.CONTINUATION: Receiver._continuation,
    frames.PRIORITY_UPDATE: Receiver._priority_update,
}
