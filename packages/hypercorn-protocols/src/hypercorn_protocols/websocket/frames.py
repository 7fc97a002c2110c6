"""Frames as they stand on the wire (RFC 6455 section 5), and the codes of Close (section 7.4).

Knows: how a server's frames are written, and what a Close frame may say.
Must not know: when a frame is sent, or what has been received before it.
"""

from __future__ import annotations

import struct

__all__ = [
    "ABNORMAL_CLOSURE",
    "BINARY",
    "CLOSE",
    "CONTINUATION",
    "INTERNAL_ERROR",
    "INVALID_DATA",
    "MAX_CONTROL_PAYLOAD",
    "MESSAGE_TOO_BIG",
    "NORMAL_CLOSURE",
    "NO_STATUS",
    "OPCODES",
    "PING",
    "POLICY_VIOLATION",
    "PONG",
    "PROTOCOL_ERROR",
    "TEXT",
    "FrameError",
    "close_payload",
    "encode_frame",
    "is_sendable",
    "read_close",
]

CONTINUATION = 0x0
TEXT = 0x1
BINARY = 0x2
CLOSE = 0x8
PING = 0x9
PONG = 0xA
OPCODES = frozenset((CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG))

MAX_CONTROL_PAYLOAD = 125
"""Bytes (section 5.5)."""

NORMAL_CLOSURE = 1000
PROTOCOL_ERROR = 1002
NO_STATUS = 1005
ABNORMAL_CLOSURE = 1006
INVALID_DATA = 1007
POLICY_VIOLATION = 1008
MESSAGE_TOO_BIG = 1009
INTERNAL_ERROR = 1011

# Those of section 7.4.1 and its registry that may be in a frame, and the ranges of section 7.4.2
_REGISTERED = frozenset((1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014))
_PRIVATE = range(3000, 5000)

_FIN = 0x80
_RSV1 = 0x40
_MEDIUM = struct.Struct("!BBH")
_LONG = struct.Struct("!BBQ")
_SHORT_HEADERS = {
    first: [bytes((first, size)) for size in range(126)]
    for opcode in OPCODES
    for first in (_FIN | opcode, _FIN | _RSV1 | opcode)
}


class FrameError(Exception):
    """The peer's frames break the rules: the WebSocket fails (section 7.1.7) with ``code``."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


def encode_frame(opcode: int, payload: bytes, compressed: bool = False) -> bytes:
    """Write a whole message, or a control frame, as one frame; not masked (section 5.1)."""
    first = _FIN | _RSV1 | opcode if compressed else _FIN | opcode
    size = len(payload)
    if size < 126:
        return _SHORT_HEADERS[first][size] + payload
    if size < 65_536:
        return _MEDIUM.pack(first, 126, size) + payload
    return _LONG.pack(first, 127, size) + payload


def is_sendable(code: int) -> bool:
    """Whether a Close frame may carry the code."""
    return code in _REGISTERED or code in _PRIVATE


def close_payload(code: int, reason: str) -> bytes:
    """What a Close frame carries; a reason that is too long is cut between characters."""
    encoded = reason.encode("utf-8", "replace")[: MAX_CONTROL_PAYLOAD - 2]
    whole = encoded.decode("utf-8", "ignore").encode()
    return code.to_bytes(2, "big") + whole


def read_close(payload: bytes) -> tuple[int, str]:
    """What a Close frame says (section 5.5.1). Raises FrameError."""
    if not payload:
        return NO_STATUS, ""
    if len(payload) == 1:
        raise FrameError(PROTOCOL_ERROR, "half a code in Close")
    code = int.from_bytes(payload[:2], "big")
    if not is_sendable(code):
        raise FrameError(PROTOCOL_ERROR, f"{code} is not a code for Close")
    try:
        return code, payload[2:].decode()
    except UnicodeDecodeError:
        raise FrameError(INVALID_DATA, "the reason of Close is not UTF-8") from None
