"""What it takes to attack a server with HTTP/2: much at once, and nothing read.

Knows: how such a client sends and reads.
Must not know: one attack from another, or what a server does about it.
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import hpack

from tests.integration.http2_peer import offering
from tests.integration.serving import Endpoint
from tests.peer import TIMEOUT, IncompleteAnswer, narrow
from tests.protocols.http2 import frames
from tests.protocols.http2.frames import Code, Fields, Frame, FrameReader, Type

# Header blocks, made so that neither side's table changes: one serves for every stream.


def literal(name: bytes, value: bytes, kind: int = 0) -> bytes:
    """A field as it stands (RFC 7541 section 6.2); ``kind`` 0x40 has it added to the table."""
    return bytes([kind]) + _string(name) + _string(value)


def _string(text: bytes) -> bytes:
    if len(text) < 127:
        return bytes([len(text)]) + text
    left, size = len(text) - 127, b"\x7f"
    while left >= 128:
        size += bytes([left & 0x7F | 0x80])
        left >>= 7
    return size + bytes([left]) + text


def request_block(target: str, *fields: tuple[bytes, bytes], method: str = "GET") -> bytes:
    """The header block of a request."""
    head = [
        (b":method", method.encode()),
        (b":scheme", b"http"),
        (b":authority", b"localhost"),
        (b":path", target.encode()),
    ]
    return b"".join(literal(name, value) for name, value in [*head, *fields])


def per_stream(count: int, make: Callable[[int], bytes], first: int = 1) -> bytes:
    """What ``make`` gives for so many new streams, one after another."""
    return b"".join(make(number) for number in range(first, first + 2 * count, 2))


def requests(count: int, block: bytes, first: int = 1) -> bytes:
    """So many requests with the same header block."""
    return per_stream(count, lambda number: frames.headers(number, block), first)


def _plain(fields: Iterable[tuple[Any, Any]]) -> Fields:
    return [(bytes(name), bytes(value)) for name, value in fields]


# The attacker.


class Attacker:
    """A client that sends what it likes, and reads what comes back when it likes.

    Args:
        sock: connected; closed by its owner.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = sock
        self._reader = FrameReader()
        self._decoder = hpack.Decoder()
        self._settled = 0
        self.frames: list[Frame] = []
        """What has come back."""

    def send(self, *data: bytes) -> None:
        """Send all of it, or as much as the server takes before it ends the connection."""
        with suppress(ConnectionError, ssl.SSLEOFError):
            self._sock.sendall(b"".join(data))

    def start(self, *settings: tuple[int, int]) -> None:
        """Send the preface, and read what the server says to it."""
        self.send(frames.PREFACE, frames.settings(*settings), frames.SETTINGS_ACK)
        self.settle()

    def trickle(self, piece: bytes, enough: Callable[[], bool]) -> None:
        """Send ``piece`` twenty times a second, and read, until that is true."""
        while not enough():
            if self._is_readable(0.05):
                self._read()
            else:
                self.send(piece)

    def _is_readable(self, seconds: float) -> bool:
        pending = isinstance(self._sock, ssl.SSLSocket) and self._sock.pending()
        return bool(pending or select.select([self._sock], [], [], seconds)[0])

    def of(self, kind: Type) -> list[Frame]:
        """Those frames of a type that have come."""
        return frames.of_kind(self.frames, kind)

    def await_goodbye(self) -> Frame:
        """Read up to GOAWAY. Raises IncompleteAnswer if the connection ends without."""
        self.read_until(self.has_goodbye)
        return self.of(Type.GOAWAY)[0]

    def await_calm(self) -> None:
        """Read up to GOAWAY; that it must say ENHANCE_YOUR_CALM."""
        goodbye = self.await_goodbye()
        assert goodbye.code == Code.ENHANCE_YOUR_CALM, goodbye

    def await_resets(self, count: int) -> list[Code]:
        """Read until so many streams have been reset, and tell why."""
        self.read_until(lambda: len(self.of(Type.RST_STREAM)) >= count)
        return [frame.code for frame in self.of(Type.RST_STREAM)]

    def statuses(self) -> dict[int, int]:
        """The answers that have come, by stream."""
        return {frame.stream_id: int(frame.fields[0][1]) for frame in self.of(Type.HEADERS)}

    def await_answers(self, count: int) -> None:
        """Read until so many answers have begun."""
        self.read_until(lambda: len(self.of(Type.HEADERS)) >= count)

    def settle(self) -> None:
        """Read until all is here that comes of what was sent; the connection must live on."""
        self._settled += 1
        marker = struct.pack(">Q", self._settled)
        self.send(frames.ping(marker))
        self.read_until(lambda: any(frame.payload == marker for frame in self.of(Type.PING)))
        assert self.of(Type.GOAWAY) == []

    def await_end(self) -> None:
        """Read up to the end of the connection, however that comes."""
        with suppress(IncompleteAnswer, ConnectionError):
            self.read_until(lambda: False)

    def await_loss(self) -> None:
        """Wait, without reading what has come, until the server has reset the connection."""
        poll = select.poll()
        poll.register(self._sock, 0)
        assert poll.poll(TIMEOUT * 1000), "it has not"

    def half_close(self) -> None:
        """Send nothing more."""
        self._sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Leave without a word: RST."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()

    def has_goodbye(self) -> bool:
        """Whether GOAWAY has come."""
        return bool(self.of(Type.GOAWAY))

    def content_size(self) -> int:
        """How much content has come, of all answers together."""
        return sum(len(frame.payload) for frame in self.of(Type.DATA))

    def read_until(self, enough: Callable[[], bool]) -> None:
        """Read until that is true. Raises IncompleteAnswer if the connection ends before."""
        while not enough():
            self._read()

    def _read(self) -> None:
        data = self._sock.recv(65_536)
        if not data:
            raise IncompleteAnswer(self.frames[-1:])
        for frame in self._reader.feed(data):
            if frame.kind in (Type.HEADERS, Type.PUSH_PROMISE):
                frame.fields = _plain(self._decoder.decode(frame.content, raw=True))
            self.frames.append(frame)


@contextmanager
def connected(endpoint: Endpoint) -> Iterator[Attacker]:
    """Connect one that has sent nothing, not even the preface; over TLS, ALPN has said HTTP/2."""
    context = None if endpoint.context is None else offering(endpoint, "h2")
    with endpoint.open(context) as sock:
        sock.settimeout(TIMEOUT)
        yield Attacker(sock)


@contextmanager
def attacker(endpoint: Endpoint, *settings: tuple[int, int]) -> Iterator[Attacker]:
    """Connect one that has sent the preface."""
    with connected(endpoint) as client:
        client.start(*settings)
        yield client


@contextmanager
def narrow_attacker(endpoint: Endpoint, *settings: tuple[int, int]) -> Iterator[Attacker]:
    """Connect one with a small receive buffer, so that what it does not read piles up."""
    with narrow(endpoint.host, endpoint.port) as peer, _encrypted(peer.sock, endpoint) as sock:
        client = Attacker(sock)
        client.start(*settings)
        yield client


def _encrypted(sock: socket.socket, endpoint: Endpoint) -> socket.socket:
    if endpoint.context is None:
        return sock
    context = offering(endpoint, "h2")
    return context.wrap_socket(sock, server_hostname=endpoint.host)
