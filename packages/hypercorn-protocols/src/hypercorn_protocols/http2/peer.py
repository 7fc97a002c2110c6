"""What the peer has said of itself in SETTINGS (RFC 9113 section 6.5).

Knows: the settings, their defaults and which values are errors.
Must not know: what follows from a setting.
"""

from __future__ import annotations

from hypercorn_protocols.http2 import frames
from hypercorn_protocols.http2.faults import HTTP2ConnectionError
from hypercorn_protocols.http2.frames import ErrorCode, Setting

__all__ = ["PeerSettings"]


class PeerSettings:
    """The values in force. They begin with the defaults of section 6.5.2."""

    __slots__ = (
        "enable_push",
        "initial_window",
        "max_concurrent_streams",
        "max_frame_size",
    )

    def __init__(self) -> None:
        self.enable_push = True
        self.initial_window = frames.DEFAULT_WINDOW
        self.max_concurrent_streams = frames.MAX_STREAM_ID
        self.max_frame_size = frames.DEFAULT_FRAME_SIZE

    def apply(self, payload: bytes) -> list[int]:
        """Take what a SETTINGS frame says; returns all sizes of the header table that it names.

        Raises HTTP2ConnectionError for values that cannot be."""
        table_sizes = []
        for number, value in frames.read_settings(payload):
            if number == Setting.HEADER_TABLE_SIZE:
                # RFC 7541 section 4.2: the smallest counts even if a larger one follows
                table_sizes.append(value)
            elif number == Setting.MAX_CONCURRENT_STREAMS:
                self.max_concurrent_streams = value
            elif number == Setting.INITIAL_WINDOW_SIZE:
                if value > frames.MAX_WINDOW:
                    raise HTTP2ConnectionError(
                        ErrorCode.FLOW_CONTROL_ERROR, "initial window too large"
                    )
                self.initial_window = value
            elif number == Setting.MAX_FRAME_SIZE:
                if not frames.DEFAULT_FRAME_SIZE <= value <= frames.LARGEST_FRAME_SIZE:
                    raise HTTP2ConnectionError(ErrorCode.PROTOCOL_ERROR, "frame size out of range")
                self.max_frame_size = value
            elif number in _SWITCHES:
                if value > 1:
                    raise HTTP2ConnectionError(
                        ErrorCode.PROTOCOL_ERROR, "a switch is neither 0 nor 1"
                    )
                if number == Setting.ENABLE_PUSH:
                    self.enable_push = value == 1
        return table_sizes


_SWITCHES = frozenset(
    (Setting.ENABLE_PUSH, Setting.ENABLE_CONNECT_PROTOCOL, Setting.NO_RFC7540_PRIORITIES)
)
