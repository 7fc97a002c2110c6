"""A WebSocket client that is driven by hand, frame for frame.

Knows: frames as RFC 6455 section 5 has them, and what a server may not send.
Must not know: how a well-behaved client acts, or what carries the bytes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from tests.peer import IncompleteAnswer

MASK = b"\x37\xfa\x21\x3d"
"""That of the examples in RFC 6455."""

CLEAR = bytes(4)
"""A mask that changes nothing."""

NO_CODE = 1005
"""What a Close without a code stands for (RFC 6455 section 7.1.5)."""


class Opcode(IntEnum):
    """RFC 6455 section 11.8."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


_CONTROL = (Opcode.CLOSE, Opcode.PING, Opcode.PONG)


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    reserved: int = 0,
    mask: bytes | None = MASK,
) -> bytes:
    """Make a frame as a client sends it.

    ``reserved`` are its three bits as a number, the first one being 4."""
    first = fin << 7 | reserved << 4 | opcode
    header = frame_header(first, len(payload), masked=mask is not None)
    return header + payload if mask is None else header + mask + masked(payload, mask)


def frame_header(first: int, length: int, *, masked: bool = True) -> bytes:
    """Make a frame's first bytes, without its mask, for a payload of any ``length``."""
    bit = masked << 7
    if length < 126:
        return bytes([first, bit | length])
    if length < 2**16:
        return struct.pack("!BBH", first, bit | 126, length)
    return struct.pack("!BBQ", first, bit | 127, length)


def masked(payload: bytes, mask: bytes) -> bytes:
    """Mask a payload, or unmask it."""
    size = len(payload)
    pattern = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pattern, "big")).to_bytes(size, "big")


def text(content: str, *, fin: bool = True) -> bytes:
    """A text message, or how it begins."""
    return frame(Opcode.TEXT, content.encode(), fin=fin)


def binary(content: bytes, *, fin: bool = True) -> bytes:
    """A binary message, or how it begins."""
    return frame(Opcode.BINARY, content, fin=fin)


def continuation(content: bytes, *, fin: bool = False) -> bytes:
    """How a message goes on, or ends."""
    return frame(Opcode.CONTINUATION, content, fin=fin)


def ping(payload: bytes = b"") -> bytes:
    """A ping."""
    return frame(Opcode.PING, payload)


def pong(payload: bytes = b"") -> bytes:
    """A pong."""
    return frame(Opcode.PONG, payload)


def close(code: int = 1000, reason: str = "") -> bytes:
    """A Close; without a body for 1005, which is never sent."""
    return frame(
        Opcode.CLOSE, b"" if code == NO_CODE else struct.pack("!H", code) + reason.encode()
    )


@dataclass(frozen=True)
class Frame:
    """One of the server's frames."""

    opcode: Opcode
    payload: bytes
    fin: bool
    compressed: bool

    @property
    def closure(self) -> tuple[int, str]:
        """The code and the reason of a Close."""
        assert self.opcode == Opcode.CLOSE, self
        if not self.payload:
            return NO_CODE, ""
        return int.from_bytes(self.payload[:2], "big"), self.payload[2:].decode()


class FrameReader:
    """Finds the server's frames. Fails with AssertionError for what a server may not send."""

    def __init__(self) -> None:
        self.rest = b""
        self._closed = False
        self._within_message = False

    def feed(self, data: bytes) -> None:
        """Take what was read."""
        self.rest += data

    def next(self) -> Frame | None:
        """Give the next frame that is complete."""
        header = self._header()
        if header is None:
            return None
        size, length = header
        if len(self.rest) < size + length:
            return None
        first = self.rest[0]
        payload, self.rest = self.rest[size : size + length], self.rest[size + length :]
        frame = Frame(Opcode(first & 15), payload, bool(first & 128), bool(first & 64))
        assert not first & 48, "section 5.2: reserved bits"
        self._check(frame)
        return frame

    def _header(self) -> tuple[int, int] | None:
        """The size of the header and the length of the payload."""
        if len(self.rest) < 2:
            return None
        length = self.rest[1]
        assert length < 128, "section 5.1: a server must not mask"
        size = {126: 4, 127: 10}.get(length, 2)
        if len(self.rest) < size:
            return None
        if size > 2:
            length = int.from_bytes(self.rest[2:size], "big")
            assert length > (65_535 if size == 10 else 125), "section 5.2: minimal lengths"
        return size, length

    def _check(self, frame: Frame) -> None:
        assert not self._closed, f"section 5.5.1: {frame} after Close"
        self._closed = frame.opcode == Opcode.CLOSE
        if frame.opcode in _CONTROL:
            assert frame.fin, "section 5.5"
            assert len(frame.payload) < 126, "section 5.5"
            assert not frame.compressed, "RFC 7692 section 6.1"
            return
        assert self._within_message == (frame.opcode == Opcode.CONTINUATION), "section 5.4"
        assert not (frame.compressed and self._within_message), "RFC 7692 section 6.1"
        self._within_message = not frame.fin


class Stream(Protocol):
    """What carries the bytes."""

    def send(self, data: bytes) -> None:
        """Send all of it."""

    def receive(self) -> bytes:
        """Wait for bytes; none at the end. Raises IncompleteAnswer if that is no clean one."""

    def end(self) -> None:
        """Send nothing more."""

    def reset(self) -> None:
        """Leave without a word."""


class WebSocketPeer:
    """The client's end of a WebSocket.

    Args:
        stream: on which the handshake is complete; closed by its owner.
    """

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._reader = FrameReader()

    def send(self, *frames: bytes) -> None:
        """Send frames as they are, at once."""
        self.stream.send(b"".join(frames))

    def frame(self) -> Frame:
        """Wait for the next frame. Raises IncompleteAnswer if the stream ends before."""
        while (frame := self._reader.next()) is None:
            data = self.stream.receive()
            if not data:
                raise IncompleteAnswer(self._reader.rest)
            self._reader.feed(data)
        return frame

    def message(self) -> str | bytes:
        """Wait for the next message, which is not compressed; nothing may come before it."""
        first = last = self.frame()
        assert first.opcode in (Opcode.TEXT, Opcode.BINARY), first
        assert not first.compressed
        pieces = [first.payload]
        while not last.fin:
            last = self.frame()
            pieces.append(last.payload)
        content = b"".join(pieces)
        return content.decode() if first.opcode == Opcode.TEXT else content

    def ask(self, content: str) -> str:
        """Send a text and wait for the one that answers it."""
        self.send(text(content))
        answer = self.message()
        assert isinstance(answer, str)
        return answer

    def pong(self) -> bytes:
        """Wait for a pong; nothing may come before it."""
        frame = self.frame()
        assert frame.opcode == Opcode.PONG, frame
        return frame.payload

    def closure(self) -> tuple[int, str]:
        """Wait for Close, before which nothing may come, and tell its code and reason."""
        return self.frame().closure

    def await_end(self) -> None:
        """Wait for the end of the stream, before which nothing may come."""
        data = self.stream.receive()
        assert not data, data
        assert not self._reader.rest, self._reader.rest

    def goodbye(self) -> tuple[int, str]:
        """Wait for the server's Close, answer it, see the server end the stream, and do so too."""
        code, reason = self.closure()
        self.send(close(code, reason))
        self.await_end()
        self.stream.end()
        return code, reason

    def leave(self, code: int = 1000, reason: str = "") -> tuple[int, str]:
        """Send Close, see the server answer it and end the stream, and do so too."""
        self.send(close(code, reason))
        closure = self.closure()
        self.await_end()
        self.stream.end()
        return closure
