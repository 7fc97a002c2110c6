"""The client's side of WebSocket (RFC 6455), as much of it as these programs need.

Knows: the handshake, frames, and permessage-deflate as browsers offer it (RFC 7692).
Must not know: what the messages say, or who is waited for.
"""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import struct
import zlib

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

_FIN, _COMPRESSED, _OPCODE, _MASKED = 0x80, 0x40, 0x0F, 0x80
_WHOLE = (_FIN | TEXT, _FIN | BINARY)
_KEY = base64.b64encode(b"benchmark client")
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_ACCEPT = base64.b64encode(hashlib.sha1(_KEY + _GUID, usedforsecurity=False).digest())
# What a browser offers.
_OFFER = b"permessage-deflate; client_max_window_bits"
_WINDOW_BITS = re.compile(rb"client_max_window_bits=(\d+)")
# What ends the data of a flushed compressor, which a message does without.
_FLUSHED = b"\x00\x00\xff\xff"
# Any would do: the server undoes it whatever it is.
_MASK = b"\x37\xfa\x21\x3d"


class WebSocketError(Exception):
    """The server did what it may not, or ended."""


def upgrade(host: str, is_compressed: bool) -> bytes:
    """Write the request for a WebSocket."""
    fields = (
        b"Host: " + host.encode(),
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: " + _KEY,
        *((b"Sec-WebSocket-Extensions: " + _OFFER,) if is_compressed else ()),
    )
    return b"\r\n".join((b"GET / HTTP/1.1", *fields, b"", b""))


def read_agreement(sock: socket.socket, is_compressed: bool) -> int | None:
    """Read the answer to `upgrade`, and give the window bits of compression if there is some.

    Raises:
        WebSocketError: the server does not agree, or not to compression, or ended.
    """
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        data = sock.recv(4096)
        if not data:
            raise WebSocketError(f"the server ended after {head!r}")
        head += data
    window_bits = agreement(head)
    if (window_bits is not None) is not is_compressed:
        raise WebSocketError(f"about compression the server says otherwise: {head!r}")
    return window_bits


def agreement(head: bytes) -> int | None:
    """Read a response's head, and give the window bits of compression; None: there is none.

    Raises:
        WebSocketError: it does not agree to a WebSocket.
    """
    status, *lines = head.rstrip().split(b"\r\n")
    fields = {
        name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)
    }
    if not status.startswith(b"HTTP/1.1 101 ") or fields.get(b"sec-websocket-accept") != _ACCEPT:
        raise WebSocketError(f"the server answered {head!r}")
    extension = fields.get(b"sec-websocket-extensions")
    if extension is None:
        return None
    told = _WINDOW_BITS.search(extension)
    return int(told[1]) if told else zlib.MAX_WBITS


def message(opcode: int, payload: bytes, window_bits: int | None = None) -> bytes:
    """Write a message, compressed if there are window bits, without reference to earlier ones."""
    if window_bits is None:
        return _frame(_FIN | opcode, payload)
    compressor = zlib.compressobj(wbits=-window_bits)
    data = compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return _frame(_FIN | _COMPRESSED | opcode, data.removesuffix(_FLUSHED))


class Receiver:
    """Reads what one server sends, whatever the pieces that it comes in."""

    def __init__(self) -> None:
        self._held = b""
        self._fragments: list[bytes] = []
        self._first = 0  # byte of the message whose fragments are held
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self.pongs: list[bytes] = []
        """The answers to pings; whoever sends them empties it."""

    def receive_data(self, data: bytes) -> list[tuple[int, bytes]]:
        """Give the opcodes and the payloads of the messages that are complete.

        Raises:
            WebSocketError: what came is not valid, or a Close.
        """
        if len(data) > 2 and data[1] == len(data) - 2 < 126 and not self._held:
            first = data[0]
            if first in _WHOLE:  # for speed: one small message, as is most often the case
                return [(first & _OPCODE, data[2:])]
        messages = []
        for first, payload in self._frames(data):
            if first in _WHOLE:
                messages.append((first & _OPCODE, payload))
            elif first & _OPCODE >= CLOSE:
                self._control(first & _OPCODE, payload)
            else:
                messages += self._fragment(first, payload)
        return messages

    def _frames(self, data: bytes) -> list[tuple[int, bytes]]:
        """Give the first byte and the payload of each frame that is complete."""
        buffer = self._held + data if self._held else data
        frames = []
        at, end = 0, len(buffer)
        while end - at >= 2:
            length, start = buffer[at + 1], at + 2
            if length & _MASKED:
                raise WebSocketError(f"the server sent a masked frame: {buffer[at : at + 14]!r}")
            if length > 125:
                start += 2 if length == 126 else 8
                length = int.from_bytes(buffer[at + 2 : start], "big")
            stop = start + length
            if stop > end:
                break
            frames.append((buffer[at], buffer[start:stop]))
            at = stop
        self._held = buffer[at:]
        return frames

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == CLOSE:
            raise WebSocketError(f"the server closed: {payload!r}")
        if opcode == PING:
            self.pongs.append(_frame(_FIN | PONG, payload))

    def _fragment(self, first: int, payload: bytes) -> list[tuple[int, bytes]]:
        """Take what is compressed or a part; give the message that it completes, if it does."""
        if first & _OPCODE:
            self._first = first
        self._fragments.append(payload)
        if not first & _FIN:
            return []
        whole = b"".join(self._fragments)
        self._fragments.clear()
        if self._first & _COMPRESSED:
            whole = self._inflater.decompress(whole + _FLUSHED)
        return [(self._first & _OPCODE, whole)]


def _frame(first: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", first, _MASKED | size)
    elif size < 2**16:
        head = struct.pack("!BBH", first, _MASKED | 126, size)
    else:
        head = struct.pack("!BBQ", first, _MASKED | 127, size)
    return head + _MASK + _masked(payload)


def _masked(payload: bytes) -> bytes:
    size = len(payload)
    mask = (_MASK * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")).to_bytes(size, "big")
