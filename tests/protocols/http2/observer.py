"""Somebody who reads both directions of a connection and objects to what a server may not send.

Knows: the rules of RFC 9113 for a server's output, and both sides' flow-control windows.
Must not know: the connection under test, or what a test expects of it.
"""

from __future__ import annotations

from collections import defaultdict, deque

import hpack

from tests.protocols.http2.frames import (
    MAX_WINDOW,
    PREFACE,
    Flag,
    Frame,
    FrameReader,
    Setting,
    Type,
)

_CONNECTION_SPECIFIC = {
    b"connection",
    b"keep-alive",
    b"proxy-connection",
    b"transfer-encoding",
    b"upgrade",
}
_ON_CONNECTION = {Type.SETTINGS, Type.PING, Type.GOAWAY}


class Windows:
    """What one side may still send: of the connection and of each stream."""

    def __init__(self) -> None:
        self.initial = 65_535
        self.connection = 65_535
        self._beyond: dict[int, int] = defaultdict(int)

    def stream(self, stream_id: int) -> int:
        """What may be sent on one stream, as far as its own window goes."""
        return self.initial + self._beyond[stream_id]

    def credit(self, stream_id: int, size: int) -> None:
        """A WINDOW_UPDATE came."""
        if stream_id:
            self._beyond[stream_id] += size
        else:
            self.connection += size

    def spend(self, stream_id: int, size: int) -> None:
        """DATA was sent; ``size`` includes its padding."""
        self.connection -= size
        self._beyond[stream_id] -= size


class Answer:
    """How far the server is with what it sends on a stream."""

    def __init__(self) -> None:
        self.begun = False
        self.ended = False
        self.reset = False
        self.status = b""
        self.length: int | None = None
        self.size = 0


class Observer:
    """Reads what both sides send. Fails with AssertionError for what the server may not."""

    def __init__(self) -> None:
        self.head_requests: set[int] = set()
        """Streams whose requests are HEAD, which only who sent them knows."""
        self.pings: list[bytes] = []
        """What the server sent in PING and waits for."""
        self.download = Windows()
        """What the server may send."""
        self.upload = Windows()
        """What the client may send."""
        self.settings: dict[int, int] = {}
        """Those of the server."""
        self._from_client = FrameReader()
        self._from_server = FrameReader()
        self._preface = PREFACE
        self._decoder = hpack.Decoder(max_header_list_size=2**24)
        self._unacknowledged: deque[list[tuple[int, int]]] = deque()
        self._max_frame_size = 16_384
        self._push = True
        self._opened = 0
        self._promised = 0
        self._client_pings: deque[bytes] = deque()
        self._client_resets: set[int] = set()
        self._latest_resets: set[int] = set()
        self._answers: dict[int, Answer] = defaultdict(Answer)
        self._block: Frame | None = None
        self._fragments = b""
        self._last_goaway = MAX_WINDOW
        self._seen_settings = False

    # What the client sends

    def client_sends(self, data: bytes) -> None:
        """Take note; invalid data is of no interest, for the connection does not outlive it."""
        skipped = min(len(data), len(self._preface))
        self._preface = self._preface[skipped:]
        for frame in self._from_client.feed(data[skipped:]):
            self._note(frame)

    def _note(self, frame: Frame) -> None:
        match frame.kind:
            case Type.HEADERS:
                self._opened = max(self._opened, frame.stream_id)
            case Type.DATA:
                self.upload.spend(frame.stream_id, len(frame.payload))
            case Type.SETTINGS if not frame.has(Flag.ACK) and len(frame.payload) % 6 == 0:
                self._unacknowledged.append(frame.values)
            case Type.WINDOW_UPDATE:
                self.download.credit(frame.stream_id, frame.number)
            case Type.PING if not frame.has(Flag.ACK):
                self._client_pings.append(frame.payload)
            case Type.RST_STREAM:
                self._latest_resets.add(frame.stream_id)

    # What the server sends

    def server_sends(self, data: bytes) -> list[Frame]:
        """Check, and return the frames."""
        frames = list(self._from_server.feed(data))
        for frame in frames:
            self._check(frame)
        assert self._from_server.rest == b"", "half a frame"
        # What was ready to be sent when RST_STREAM came may still be sent, and nothing else.
        self._client_resets |= self._latest_resets
        self._latest_resets.clear()
        return frames

    def _check(self, frame: Frame) -> None:
        assert len(frame.payload) <= self._max_frame_size, "FRAME_SIZE_ERROR"
        if not self._seen_settings:
            assert frame.kind == Type.SETTINGS, "section 3.4: SETTINGS must be the first frame"
            assert not frame.has(Flag.ACK)
            self._seen_settings = True
        if self._block is not None:
            assert frame.kind == Type.CONTINUATION, "section 4.3: blocks are contiguous"
            assert frame.stream_id == self._block.stream_id
        on_connection = frame.kind in _ON_CONNECTION
        assert on_connection <= (frame.stream_id == 0)
        assert on_connection or frame.stream_id or frame.kind == Type.WINDOW_UPDATE
        check = getattr(self, f"_check_{Type(frame.kind).name.lower()}")
        check(frame)

    def _check_settings(self, frame: Frame) -> None:
        if frame.has(Flag.ACK):
            assert frame.payload == b""
            assert self._unacknowledged, "nothing to acknowledge"
            self._apply(self._unacknowledged.popleft())
            return
        for name, value in frame.values:
            assert name != Setting.ENABLE_PUSH or value == 0, "section 6.5.2"
            assert name != Setting.INITIAL_WINDOW_SIZE or value <= MAX_WINDOW
            assert name != Setting.MAX_FRAME_SIZE or 2**14 <= value < 2**24
            self.settings[name] = value
        self.upload.initial = self.settings.get(Setting.INITIAL_WINDOW_SIZE, 65_535)

    def _apply(self, values: list[tuple[int, int]]) -> None:
        """Hold the server to what the client asked for, from the acknowledgement on."""
        for name, value in values:
            if name == Setting.INITIAL_WINDOW_SIZE:
                self.download.initial = value
            elif name == Setting.MAX_FRAME_SIZE:
                self._max_frame_size = value
            elif name == Setting.ENABLE_PUSH:
                self._push = bool(value)
            elif name == Setting.HEADER_TABLE_SIZE:
                self._decoder.max_allowed_table_size = value

    def _check_headers(self, frame: Frame) -> None:
        self._may_send(frame)
        self._begin(frame)

    def _check_push_promise(self, frame: Frame) -> None:
        promised = frame.last_stream_id
        assert self._push, "section 8.4: push is disabled"
        assert frame.stream_id % 2, "section 6.6: on streams that the client opened"
        assert promised % 2 == 0
        assert promised > self._promised
        self._promised = promised
        self._may_send(frame)
        self._begin(frame)

    def _check_continuation(self, frame: Frame) -> None:
        assert self._block is not None, "section 6.10"
        self._fragments += frame.payload
        if frame.has(Flag.END_HEADERS):
            self._end(self._block)

    def _begin(self, frame: Frame) -> None:
        self._block = frame
        self._fragments = frame.content
        if frame.has(Flag.END_HEADERS):
            self._end(frame)

    def _end(self, begin: Frame) -> None:
        self._block = None
        begin.fields = [
            (bytes(name), bytes(value))
            for name, value in self._decoder.decode(self._fragments, raw=True)
        ]
        _check_fields(begin)
        if begin.kind == Type.HEADERS:
            self._check_message(begin, begin.fields)
        else:
            names = [name for name, _ in begin.fields if name.startswith(b":")]
            assert sorted(names) == [b":authority", b":method", b":path", b":scheme"]

    def _check_message(self, begin: Frame, fields: list[tuple[bytes, bytes]]) -> None:
        answer = self._answers[begin.stream_id]
        pseudo = [field for field in fields if field[0].startswith(b":")]
        if answer.begun:
            assert pseudo == [], "section 8.1: pseudo-header fields in trailers"
            assert begin.has(Flag.END_STREAM), "section 8.1: trailers end the stream"
        else:
            assert [name for name, _ in pseudo] == [b":status"], "section 8.3.2"
            answer.status = pseudo[0][1]
            assert len(answer.status) == 3
            assert answer.status.isdigit()
            answer.begun = answer.status >= b"200"
            assert answer.begun or not begin.has(Flag.END_STREAM), "section 8.1"
            assert answer.status != b"101", "section 8.6"
            lengths = [int(value) for name, value in fields if name == b"content-length"]
            assert len(lengths) <= 1
            answer.length = lengths[0] if lengths else None
        if begin.has(Flag.END_STREAM):
            self._ended(begin.stream_id)

    def _check_data(self, frame: Frame) -> None:
        stream_id = frame.stream_id
        self._may_send(frame)
        answer = self._answers[stream_id]
        assert answer.begun, "section 8.1: DATA before HEADERS"
        assert stream_id not in self.head_requests, "RFC 9110 section 9.3.2"
        assert answer.status not in (b"204", b"304"), "RFC 9110 sections 15.3.5 and 15.4.5"
        answer.size += len(frame.content)
        self.download.spend(stream_id, len(frame.payload))
        assert not frame.payload or self.download.connection >= 0, "section 6.9.1"
        assert not frame.payload or self.download.stream(stream_id) >= 0, "section 6.9.1"
        if frame.has(Flag.END_STREAM):
            self._ended(stream_id)

    def _ended(self, stream_id: int) -> None:
        answer = self._answers[stream_id]
        answer.ended = True
        empty = stream_id in self.head_requests or answer.status == b"304"
        if answer.length is not None and not empty:
            assert answer.size == answer.length, "section 8.1.1: content-length"

    def _may_send(self, frame: Frame) -> None:
        """Whether the stream is in a state for HEADERS, DATA or PUSH_PROMISE."""
        self._is_known(frame)
        answer = self._answers[frame.stream_id]
        assert not answer.ended, "section 5.1: after END_STREAM"
        assert not answer.reset, "section 5.1: after RST_STREAM"
        assert frame.stream_id not in self._client_resets, "section 5.1: the client reset it"

    def _is_known(self, frame: Frame) -> None:
        highest = self._opened if frame.stream_id % 2 else self._promised
        assert frame.stream_id <= highest, "section 5.1: on an idle stream"

    def _check_rst_stream(self, frame: Frame) -> None:
        assert len(frame.payload) == 4
        self._is_known(frame)
        answer = self._answers[frame.stream_id]
        assert not answer.reset, "reset twice"
        answer.reset = True

    def _check_ping(self, frame: Frame) -> None:
        assert len(frame.payload) == 8
        if frame.has(Flag.ACK):
            assert frame.payload == self._client_pings.popleft()
        else:
            self.pings.append(frame.payload)

    def _check_goaway(self, frame: Frame) -> None:
        assert frame.last_stream_id <= self._last_goaway, "section 6.8: it must not increase"
        self._last_goaway = frame.last_stream_id

    def _check_window_update(self, frame: Frame) -> None:
        assert len(frame.payload) == 4
        assert frame.number > 0
        self.upload.credit(frame.stream_id, frame.number)
        assert self.upload.connection <= MAX_WINDOW
        if frame.stream_id:
            self._is_known(frame)
            assert not self._answers[frame.stream_id].reset
            assert self.upload.stream(frame.stream_id) <= MAX_WINDOW


def _check_fields(frame: Frame) -> None:
    """Sections 8.2 and 8.3: names, values, and pseudo-header fields first."""
    regular = False
    for name, value in frame.fields:
        assert name == name.lower(), "section 8.2.1"
        assert name not in _CONNECTION_SPECIFIC, "section 8.2.2"
        assert value == value.strip(b" \t"), "section 8.2.1"
        assert not set(value) & set(b"\0\r\n"), "section 8.2.1"
        assert not (regular and name.startswith(b":")), "section 8.3"
        regular = regular or not name.startswith(b":")
