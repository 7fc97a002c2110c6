"""The ways to a WebSocket: by a handshake of HTTP/1.1, or on a stream of HTTP/2.

Knows: how each begins (RFC 6455 section 4.1, RFC 8441) and what carries the frames then.
Must not know: frames, or what is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.integration.http2_peer import HTTP2Peer, http2
from tests.integration.serving import Endpoint
from tests.peer import Answer, Peer
from tests.protocols.http2 import frames
from tests.protocols.http2.frames import Code, Flag, Type
from tests.websocket_peer import Stream, WebSocketPeer

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""What is made of that key: the example of RFC 6455 section 1.3."""

VERSIONS = ["1.1", "2"]

Field = tuple[str, str]


class SocketStream:
    """All of a connection."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self.peer.send(data)

    def receive(self) -> bytes:
        """Wait for bytes; none at the end."""
        return self.peer.some()

    def end(self) -> None:
        """Leave: one half of a connection alone cannot be closed with TLS."""
        self.peer.close()

    def reset(self) -> None:
        """Leave without a word."""
        self.peer.reset()


class HTTP2Stream:
    """One stream of a connection; what it reads, it gives the server credit for."""

    def __init__(self, peer: HTTP2Peer, stream_id: int) -> None:
        self.peer = peer
        self.stream_id = stream_id
        self._ended = False

    def send(self, data: bytes) -> None:
        """Send all of it, and wait for the server's windows to open where they must."""
        self.peer.upload(self.stream_id, data, end=False)

    def receive(self) -> bytes:
        """Wait for bytes; none at the end. Raises IncompleteAnswer for RST_STREAM."""
        while not self._ended:
            frame = self.peer.take(self.stream_id, Type.DATA)
            self._ended = frame.has(Flag.END_STREAM)
            if frame.payload:
                self._give_credit(len(frame.payload))
                return frame.content
        return b""

    def _give_credit(self, size: int) -> None:
        if not self._ended:
            self.peer.send(frames.window_update(self.stream_id, size))
        self.peer.send(frames.window_update(0, size))

    def end(self) -> None:
        """Send END_STREAM."""
        self.peer.send(frames.data(self.stream_id, end=True))

    def reset(self) -> None:
        """Send RST_STREAM."""
        self.peer.reset(self.stream_id, Code.CANCEL)


class Opened(WebSocketPeer):
    """A WebSocket with the answer to its handshake."""

    def __init__(self, stream: Stream, answer: Answer) -> None:
        super().__init__(stream)
        self.answer = answer


@dataclass(frozen=True)
class Way:
    """Where a server is, and by which version of HTTP it is asked."""

    endpoint: Endpoint
    version: str

    @property
    def scheme(self) -> str:
        """That of the WebSocket."""
        return "wss" if self.endpoint.scheme == "https" else "ws"

    @contextmanager
    def open(self, target: str, *fields: Field) -> Iterator[Opened]:
        """Open a WebSocket; the server must accept."""
        with self.connect() as connection:
            yield connection.open(target, *fields)

    def refusal(self, target: str, *fields: Field) -> Answer:
        """Ask for a WebSocket that the server must refuse, and return its answer."""
        with self.connect() as connection:
            return connection.refusal(target, *fields)

    @contextmanager
    def connect(self) -> Iterator[HTTP1Connection | HTTP2Connection]:
        """Connect, for one WebSocket or, with HTTP/2, several."""
        if self.version == "1.1":
            with self.endpoint.connect() as peer:
                yield HTTP1Connection(peer)
        else:
            with http2(self.endpoint) as peer_of_http2:
                yield HTTP2Connection(peer_of_http2)


class HTTP1Connection:
    """A connection that may become a WebSocket."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    def open(self, target: str, *fields: Field) -> Opened:
        """Open a WebSocket; the server must accept."""
        self.ask(target, *fields)
        return self.accepted()

    def refusal(self, target: str, *fields: Field) -> Answer:
        """Ask for a WebSocket that the server must refuse, and return its answer."""
        self.ask(target, *fields)
        return self.answer()

    def answer(self) -> Answer:
        """Read the answer to what was asked last; the server must refuse."""
        return self.peer.answer()

    def ask(self, target: str, *fields: Field) -> None:
        """Ask for a WebSocket and read nothing."""
        self.peer.request(target, *handshake_fields(*fields))

    def accepted(self) -> Opened:
        """Read the answer to what was asked last; the server must accept."""
        answer = self.peer.start()
        assert answer.status == 101, (answer, self.peer.rest())
        return Opened(self.stream(), answer)

    def stream(self) -> Stream:
        """The stream of what was asked last."""
        return SocketStream(self.peer)

    def get(self, target: str) -> Answer:
        """Send a GET and read its answer."""
        return self.peer.get(target)


class HTTP2Connection:
    """A connection with room for several."""

    def __init__(self, peer: HTTP2Peer) -> None:
        self.peer = peer
        self._stream_id = 0

    def open(self, target: str, *fields: Field) -> Opened:
        """Open a WebSocket; the server must accept."""
        self.ask(target, *fields)
        return self.accepted()

    def refusal(self, target: str, *fields: Field) -> Answer:
        """Ask for a WebSocket that the server must refuse, and return its answer."""
        self.ask(target, *fields)
        return self.answer()

    def answer(self) -> Answer:
        """Read the answer to what was asked last; the server must refuse."""
        return self.peer.answer(self._stream_id)

    def ask(self, target: str, *fields: Field) -> None:
        """Ask for a WebSocket and read nothing."""
        lower = [(name.lower(), value) for name, value in fields]
        if "sec-websocket-version" not in dict(lower):
            lower.append(("sec-websocket-version", "13"))
        self._stream_id = self.peer.extended_connect(target, *lower, protocol="websocket")

    def accepted(self) -> Opened:
        """Read the answer to what was asked last; the server must accept."""
        answer = self.peer.start_of_answer(self._stream_id)
        assert answer.status == 200, answer
        return Opened(self.stream(), answer)

    def stream(self) -> Stream:
        """The stream of what was asked last."""
        return HTTP2Stream(self.peer, self._stream_id)

    def get(self, target: str) -> Answer:
        """Send a GET and read its answer."""
        return self.peer.get(target)


def handshake_fields(*fields: Field) -> list[str]:
    """The fields of an HTTP/1.1 handshake; those that are given replace those of their name."""
    given = {name.lower() for name, _ in fields}
    kept = [field for field in _USUAL if field[0].lower() not in given]
    return [f"{name}: {value}" for name, value in [*kept, *fields]]


_USUAL = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Key", KEY),
    ("Sec-WebSocket-Version", "13"),
]
