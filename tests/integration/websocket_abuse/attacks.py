"""What it takes to attack a server with WebSockets: much at once, and nothing read.

Knows: how such a client sends, and how much is made of little.
Must not know: one attack from another, or what a server does about it.
"""

from __future__ import annotations

import select
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from tests.integration.serving import Server
from tests.integration.websocket_compression import deflated
from tests.integration.websocket_ways import (
    VERSIONS,
    HTTP1Connection,
    HTTP2Stream,
    Opened,
    SocketStream,
    Way,
)
from tests.peer import TIMEOUT, IncompleteAnswer, narrow
from tests.protocols.http2 import frames
from tests.protocols.http2.frames import Flag, Type
from tests.websocket_peer import CLEAR, Opcode, binary, frame

MEBIBYTE = 2**20

OFFER = ("Sec-WebSocket-Extensions", "permessage-deflate")


def warm_up(server: Server) -> None:
    """Have spent what WebSockets take once and for all."""
    for version in VERSIONS:
        with Way(server.clear, version).open("/echo", OFFER) as websocket:
            websocket.send(binary(bytes(MEBIBYTE)))
            while not websocket.frame().fin:
                pass
            websocket.send(frame(Opcode.BINARY, deflated(bytes(MEBIBYTE)), reserved=4))
            while not websocket.frame().fin:
                pass
            websocket.leave()


def zeros(size: int) -> bytes:
    """The deflate stream of so many MiB of zeros, without having compressed them all."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = compressor.compress(bytes(MEBIBYTE)) + compressor.flush(zlib.Z_FULL_FLUSH)
    # Nothing in it refers to what came before, so that it may come again and again.
    return (block * size).removesuffix(b"\0\0\xff\xff")


def message(payload: bytes, *, compressed: bool = False) -> bytes:
    """A binary message whose mask costs nothing to apply here."""
    return frame(Opcode.BINARY, payload, reserved=4 * compressed, mask=CLEAR)


def pour(websocket: Opened, pieces: Iterable[bytes]) -> None:
    """Send one piece after another, for as long as the server takes any, and keep what comes."""
    stream = websocket.stream
    with suppress(IncompleteAnswer, ConnectionError):
        for piece in pieces:
            if isinstance(stream, SocketStream):
                stream.peer.send_and_read(piece)
            elif isinstance(stream, HTTP2Stream) and not _pour(stream, piece):
                return


def _pour(stream: HTTP2Stream, data: bytes) -> bool:
    """Whether all of it could be sent."""
    peer, view = stream.peer, memoryview(data)
    while view:
        size = peer.window(stream.stream_id)
        if size:
            peer.send(frames.data(stream.stream_id, bytes(view[:size])))
            view = view[size:]
        elif _is_over(stream):
            return False
        else:
            peer.read()
    return True


def _is_over(stream: HTTP2Stream) -> bool:
    return any(
        frame.kind == Type.RST_STREAM or frame.has(Flag.END_STREAM)
        for frame in stream.peer.frames
        if frame.stream_id == stream.stream_id
    )


def trickle(websocket: Opened, piece: bytes) -> None:
    """Send a piece fifty times a second, and read, up to the end of the stream."""
    stream = websocket.stream
    assert isinstance(stream, SocketStream | HTTP2Stream)
    ended = False
    with suppress(IncompleteAnswer, ConnectionError):
        while not ended:
            if not select.select([stream.peer.sock], [], [], 0.02)[0]:
                stream.send(piece)
            elif isinstance(stream, SocketStream):
                ended = not stream.receive()
            else:
                stream.peer.read()
                ended = _is_over(stream)


def closure(websocket: Opened) -> int:
    """Read up to Close, past whatever comes before it, and tell its code."""
    while (found := websocket.frame()).opcode != Opcode.CLOSE:
        pass
    return found.closure[0]


def await_end(websocket: Opened) -> None:
    """Read up to the end of the stream, however that comes."""
    with suppress(IncompleteAnswer, ConnectionError):
        while websocket.stream.receive():
            pass


@contextmanager
def narrow_websocket(way: Way, target: str) -> Iterator[Opened]:
    """Open a WebSocket on HTTP/1.1 with a small receive buffer, so that echoes pile up."""
    with narrow(way.endpoint.host, way.endpoint.port) as peer:
        yield HTTP1Connection(peer).open(target)


def send_until_stuck(websocket: Opened, frame: bytes, most: int) -> int:
    """Send a frame again and again, until the server takes no more for a moment.

    Return how many bytes it has taken, about ``most`` at the most; the last frame is sent whole.
    """
    stream, sent = websocket.stream, 0
    assert isinstance(stream, SocketStream)
    sock = stream.peer.sock
    block = memoryview(frame * max(1, MEBIBYTE // len(frame)))
    sock.setblocking(False)
    while sent < most and select.select([], [sock], [], 0.3)[1]:
        sent += sock.send(block[sent % len(block) :])
    sock.settimeout(TIMEOUT)
    stream.peer.send_and_read(bytes(block[sent % len(block) :][: -sent % len(frame)]))
    return sent
