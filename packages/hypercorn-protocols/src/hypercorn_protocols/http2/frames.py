"""The frames of HTTP/2, as bytes (RFC 9113 sections 4 and 6).

Knows: the layout of frames, the registries of types, flags, settings and error codes.
Must not know: connections, streams, or when a frame may be sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from struct import Struct

__all__ = [
    "FRAME_HEADER",
    "HEADER_SIZE",
    "ErrorCode",
    "Setting",
    "frame",
    "goaway_frame",
    "header_frames",
    "ping_frame",
    "reset_frame",
    "settings_frame",
    "window_update_frame",
]

# Section 6, and RFC 9218 section 7.1
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

# Flags, by the frames that have them
ACK = 0x1
END_STREAM = 0x1
END_HEADERS = 0x4
PADDED = 0x8
PRIORITY_FIELDS = 0x20

MAX_WINDOW = 2**31 - 1
MAX_STREAM_ID = 2**31 - 1
DEFAULT_WINDOW = 65_535
DEFAULT_FRAME_SIZE = 16_384
LARGEST_FRAME_SIZE = 2**24 - 1

HEADER_SIZE = 9
FRAME_HEADER = Struct(">IBI")
"""Length (24 bits) and type in one number, flags, stream identifier (section 4.1)."""

_NUMBER = Struct(">I")
_SETTING = Struct(">HI")
_PAIR = Struct(">II")


class ErrorCode(IntEnum):
    """Why a stream or a connection ends (section 7)."""

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
    """What a SETTINGS frame can set (section 6.5.2, RFC 8441 section 3, RFC 9218 section 2.1)."""

    HEADER_TABLE_SIZE = 0x1
    ENABLE_PUSH = 0x2
    MAX_CONCURRENT_STREAMS = 0x3
    INITIAL_WINDOW_SIZE = 0x4
    MAX_FRAME_SIZE = 0x5
    MAX_HEADER_LIST_SIZE = 0x6
    ENABLE_CONNECT_PROTOCOL = 0x8
    NO_RFC7540_PRIORITIES = 0x9


def frame(kind: int, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    """Any frame."""
    return FRAME_HEADER.pack(len(payload) << 8 | kind, flags, stream_id) + payload


def header_frames(
    kind: int, flags: int, stream_id: int, payload: bytes, max_frame_size: int
) -> bytes:
    """A HEADERS or PUSH_PROMISE frame, with as many CONTINUATION frames as it takes."""
    if len(payload) <= max_frame_size:
        return frame(kind, flags | END_HEADERS, stream_id, payload)
    frames = [frame(kind, flags, stream_id, payload[:max_frame_size])]
    for start in range(max_frame_size, len(payload), max_frame_size):
        piece = payload[start : start + max_frame_size]
        last = END_HEADERS if start + max_frame_size >= len(payload) else 0
        frames.append(frame(CONTINUATION, last, stream_id, piece))
    return b"".join(frames)


def settings_frame(settings: Iterable[tuple[int, int]]) -> bytes:
    """SETTINGS with these values."""
    return frame(SETTINGS, 0, 0, b"".join([_SETTING.pack(*setting) for setting in settings]))


def read_settings(payload: bytes) -> list[tuple[int, int]]:
    """The values of a SETTINGS frame, whose length must be a multiple of 6."""
    return list(_SETTING.iter_unpack(payload))


def ping_frame(payload: bytes, ack: bool = False) -> bytes:
    """PING with 8 bytes."""
    return frame(PING, ACK if ack else 0, 0, payload)


def goaway_frame(last_stream_id: int, code: int, reason: bytes = b"") -> bytes:
    """GOAWAY; ``reason`` is for people."""
    return frame(GOAWAY, 0, 0, _PAIR.pack(last_stream_id, code) + reason)


def reset_frame(stream_id: int, code: int) -> bytes:
    """RST_STREAM."""
    return frame(RST_STREAM, 0, stream_id, _NUMBER.pack(code))


def window_update_frame(stream_id: int, increment: int) -> bytes:
    """WINDOW_UPDATE; stream 0 is the connection."""
    return frame(WINDOW_UPDATE, 0, stream_id, _NUMBER.pack(increment))


def read_number(payload: bytes) -> int:
    """The first four bytes as a number."""
    number: int = _NUMBER.unpack_from(payload)[0]
    return number
