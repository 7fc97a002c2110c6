"""HTTP/2 frames made and read by hand (RFC 9113 sections 4.1 and 6, RFC 9218 section 7.1).

Knows: the layout of frames. Shares nothing with the frames of the package under test.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADER_SIZE = 9
MAX_WINDOW = 2**31 - 1

Fields = list[tuple[bytes, bytes]]


class Type(IntEnum):
    """Frame types (RFC 9113 section 11.2, RFC 9218 section 7.1)."""

    DATA = 0x0
    HEADERS = 0x1
    PRIORITY = 0x2
    RST_STREAM = 0x3
    SETTINGS = 0x4
    PUSH_PROMISE = 0x5
    PING = 0x6
    GOAWAY = 0x7
    WINDOW_UPDATE = 0x8
    CONTINUATION = 0x9
    PRIORITY_UPDATE = 0x10


class Flag(IntEnum):
    """Flags of frames; some values mean different things for different types."""

    END_STREAM = 0x1
    ACK = 0x1
    END_HEADERS = 0x4
    PADDED = 0x8
    PRIORITY = 0x20


class Code(IntEnum):
    """Error codes (RFC 9113 section 7)."""

    NO_ERROR = 0x0
    PROTOCOL_ERROR = 0x1
    INTERNAL_ERROR = 0x2
    FLOW_CONTROL_ERROR = 0x3
    SETTINGS_TIMEOUT = 0x4
    STREAM_CLOSED = 0x5
    FRAME_SIZE_ERROR = 0x6
    REFUSED_STREAM = 0x7
    CANCEL = 0x8
    COMPRESSION_ERROR = 0x9
    CONNECT_ERROR = 0xA
    ENHANCE_YOUR_CALM = 0xB
    INADEQUATE_SECURITY = 0xC
    HTTP_1_1_REQUIRED = 0xD


class Setting(IntEnum):
    """Settings (RFC 9113 section 6.5.2, RFC 9218 section 2.1)."""

    HEADER_TABLE_SIZE = 0x1
    ENABLE_PUSH = 0x2
    MAX_CONCURRENT_STREAMS = 0x3
    INITIAL_WINDOW_SIZE = 0x4
    MAX_FRAME_SIZE = 0x5
    MAX_HEADER_LIST_SIZE = 0x6
    ENABLE_CONNECT_PROTOCOL = 0x8
    NO_RFC7540_PRIORITIES = 0x9


def frame(kind: int, flags: int = 0, stream_id: int = 0, payload: bytes = b"") -> bytes:
    """Any frame; nothing is checked."""
    size = len(payload)
    return struct.pack(">BHBBL", size >> 16, size & 0xFFFF, kind, flags, stream_id) + payload


def data(
    stream_id: int, content: bytes = b"", *, end: bool = False, pad: int | None = None
) -> bytes:
    """A DATA frame, with ``pad`` bytes of padding if that is given."""
    flags, payload = _padded(content, pad)
    return frame(Type.DATA, flags | (Flag.END_STREAM if end else 0), stream_id, payload)


def headers(
    stream_id: int,
    block: bytes,
    *,
    end: bool = True,
    end_headers: bool = True,
    pad: int | None = None,
    priority: bytes = b"",
) -> bytes:
    """A HEADERS frame; ``priority`` is the five bytes of :func:`dependency`."""
    flags, payload = _padded(priority + block, pad)
    flags |= Flag.END_STREAM if end else 0
    flags |= Flag.END_HEADERS if end_headers else 0
    flags |= Flag.PRIORITY if priority else 0
    return frame(Type.HEADERS, flags, stream_id, payload)


def continuation(stream_id: int, block: bytes, *, end_headers: bool = True) -> bytes:
    """A CONTINUATION frame."""
    return frame(Type.CONTINUATION, Flag.END_HEADERS if end_headers else 0, stream_id, block)


def dependency(depends_on: int = 0, weight: int = 16, *, exclusive: bool = False) -> bytes:
    """The priority fields of RFC 7540, which RFC 9113 section 5.3.2 deprecates."""
    return struct.pack(">LB", depends_on | exclusive << 31, weight - 1)


def priority(stream_id: int, depends_on: int = 0, weight: int = 16) -> bytes:
    """A PRIORITY frame."""
    return frame(Type.PRIORITY, 0, stream_id, dependency(depends_on, weight))


def priority_update(stream_id: int, value: bytes = b"u=1") -> bytes:
    """A PRIORITY_UPDATE frame."""
    return frame(Type.PRIORITY_UPDATE, 0, 0, struct.pack(">L", stream_id) + value)


def rst_stream(stream_id: int, code: int = Code.CANCEL) -> bytes:
    """A RST_STREAM frame."""
    return frame(Type.RST_STREAM, 0, stream_id, struct.pack(">L", code))


def settings(*values: tuple[int, int]) -> bytes:
    """A SETTINGS frame."""
    return frame(Type.SETTINGS, 0, 0, b"".join(struct.pack(">HL", *value) for value in values))


SETTINGS_ACK = frame(Type.SETTINGS, Flag.ACK)


def push_promise(stream_id: int, promised_id: int, block: bytes) -> bytes:
    """A PUSH_PROMISE frame."""
    payload = struct.pack(">L", promised_id) + block
    return frame(Type.PUSH_PROMISE, Flag.END_HEADERS, stream_id, payload)


def ping(payload: bytes = b"12345678", *, ack: bool = False) -> bytes:
    """A PING frame."""
    return frame(Type.PING, Flag.ACK if ack else 0, 0, payload)


def goaway(last_stream_id: int = 0, code: int = Code.NO_ERROR, debug: bytes = b"") -> bytes:
    """A GOAWAY frame."""
    return frame(Type.GOAWAY, 0, 0, struct.pack(">LL", last_stream_id, code) + debug)


def window_update(stream_id: int, increment: int) -> bytes:
    """A WINDOW_UPDATE frame."""
    return frame(Type.WINDOW_UPDATE, 0, stream_id, struct.pack(">L", increment))


@dataclass
class Frame:
    """A frame as it was read."""

    kind: int
    flags: int
    stream_id: int
    payload: bytes
    fields: Fields = field(default_factory=list)
    """What the header block says that begins with this frame."""

    def has(self, flag: Flag) -> bool:
        """Whether a flag is set."""
        return bool(self.flags & flag)

    @property
    def number(self) -> int:
        """The payload's last 31 bits: error code, increment."""
        return int.from_bytes(self.payload[-4:], "big") & MAX_WINDOW

    @property
    def last_stream_id(self) -> int:
        """What a GOAWAY names."""
        return int.from_bytes(self.payload[:4], "big") & MAX_WINDOW

    @property
    def code(self) -> Code:
        """The error code of RST_STREAM or GOAWAY."""
        at = 4 if self.kind == Type.GOAWAY else 0
        return Code(int.from_bytes(self.payload[at : at + 4], "big"))

    @property
    def values(self) -> list[tuple[int, int]]:
        """What SETTINGS says."""
        return list(struct.iter_unpack(">HL", self.payload))

    @property
    def content(self) -> bytes:
        """What DATA, HEADERS or PUSH_PROMISE hold without padding and fixed fields."""
        content = self.payload
        if self.has(Flag.PADDED) and self.kind in (Type.DATA, Type.HEADERS, Type.PUSH_PROMISE):
            content = content[1 : len(content) - content[0]]
        if self.kind == Type.HEADERS and self.has(Flag.PRIORITY):
            return content[5:]
        return content[4:] if self.kind == Type.PUSH_PROMISE else content


class FrameReader:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self.rest = b""
        """What does not make a frame yet."""

    def feed(self, received: bytes) -> Iterator[Frame]:
        """Yield the frames that are complete."""
        self.rest += received
        while len(self.rest) >= HEADER_SIZE:
            high, low, kind, flags, stream_id = struct.unpack_from(">BHBBL", self.rest)
            end = HEADER_SIZE + (high << 16 | low)
            if len(self.rest) < end:
                return
            payload, self.rest = self.rest[HEADER_SIZE:end], self.rest[end:]
            yield Frame(kind, flags, stream_id & MAX_WINDOW, payload)


def of_kind(frames: Iterable[Frame], *kinds: Type) -> list[Frame]:
    """Those frames that are of certain types."""
    return [each for each in frames if each.kind in kinds]


def _padded(content: bytes, pad: int | None) -> tuple[int, bytes]:
    if pad is None:
        return 0, content
    return Flag.PADDED, bytes([pad]) + content + bytes(pad)
