"""An HTTP/2 client that is driven by hand, frame for frame.

Knows: sockets, and when something is sent and read, which no other client lets a test decide.
Whatever the server sends passes an :class:`Observer`, who objects to what it may not.
Must not know: what is asked.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import hpack

from tests.integration.serving import Endpoint
from tests.peer import TIMEOUT, Answer, IncompleteAnswer
from tests.protocols.http2 import frames
from tests.protocols.http2.frames import HEADER_SIZE, Code, Fields, Flag, Frame, Setting, Type
from tests.protocols.http2.observer import Observer

FRAME_SIZE = 16_384
"""What every peer accepts (RFC 9113 section 4.2)."""

LARGE_WINDOW = 2**24


class HTTP2Peer:
    """One end of a connection to a server.

    Args:
        sock: connected; closed by its owner.
        endpoint: of the server.
    """

    def __init__(self, sock: socket.socket, endpoint: Endpoint) -> None:
        self.sock = sock
        self.endpoint = endpoint
        self.observer = Observer()
        self.frames: list[Frame] = []
        """Those that were read and that nobody has taken yet, the connection's own excepted."""
        self.goodbyes: list[Frame] = []
        """The GOAWAY frames that were read."""
        self.acknowledges_pings = True
        """Otherwise a test does so; the server's are in ``observer.pings``."""
        self._encoder = hpack.Encoder()
        self._next_id = 1
        self._unread = b""
        self._ended = False
        self._answered = False

    # Sending

    def start(self, settings: Sequence[tuple[int, int]] = (), *, upgraded: bool = False) -> None:
        """Send the preface; the connection's window is made so large that it is none.

        ``upgraded``: the first request went by HTTP/1.1, so that stream 1 is taken."""
        self.send(frames.PREFACE, frames.settings(*settings))
        self.send(frames.window_update(0, LARGE_WINDOW))
        if upgraded:
            self.observer.client_sends(frames.headers(1, b""))
            self._next_id = 3

    def send(self, *data: bytes) -> None:
        """Send frames as they are, at once."""
        joined = b"".join(data)
        self.observer.client_sends(joined)
        self.sock.sendall(joined)

    def head(
        self, target: str, *fields: tuple[str, str], method: str = "GET", end: bool = True
    ) -> tuple[int, bytes]:
        """Make a new stream's header section; give the stream's identifier and the frames.

        It has to be sent, and in this order: compression has a state."""
        stream_id, self._next_id = self._next_id, self._next_id + 2
        if method == "HEAD":
            self.observer.head_requests.add(stream_id)
        head = [
            (":method", method),
            (":scheme", self.endpoint.scheme),
            (":authority", self.endpoint.netloc),
            (":path", target),
        ]
        block = self._encoder.encode([*head, *fields])
        return stream_id, b"".join(_frames_of_block(stream_id, block, end))

    def request(
        self, target: str, *fields: tuple[str, str], method: str = "GET", end: bool = True
    ) -> int:
        """Begin a request on a new stream and return the stream's identifier."""
        stream_id, head = self.head(target, *fields, method=method, end=end)
        self.send(head)
        return stream_id

    def extended_connect(self, target: str, *fields: tuple[str, str], protocol: str) -> int:
        """Ask for another protocol on a new stream (RFC 8441) and return its identifier."""
        protocol_field = (":protocol", protocol)
        stream_id, head = self.head(target, protocol_field, *fields, method="CONNECT", end=False)
        self.send(head)
        return stream_id

    def get(self, target: str, *fields: tuple[str, str]) -> Answer:
        """Send a GET and read its answer."""
        return self.answer(self.request(target, *fields))

    def post(self, target: str, content: bytes) -> Answer:
        """Send a POST and read its answer."""
        stream_id = self.request(target, method="POST", end=False)
        self.upload(stream_id, content)
        return self.answer(stream_id)

    def upload(self, stream_id: int, content: bytes, *, end: bool = True) -> None:
        """Send content, and wait for the server's windows to open where they must."""
        view = memoryview(content)
        while view:
            while not (size := self.window(stream_id)):
                self.read()
            self.send(frames.data(stream_id, bytes(view[:size])))
            view = view[size:]
        if end:
            self.send(frames.data(stream_id, end=True))

    def trailers(self, stream_id: int, *fields: tuple[str, str]) -> None:
        """End a request with a trailer section."""
        self.send(frames.headers(stream_id, self._encoder.encode(fields)))

    def reset(self, stream_id: int, code: Code) -> None:
        """Give a stream up. What the server sends before it knows is no fault of its."""
        self.sock.sendall(frames.rst_stream(stream_id, code))

    def fill_window(self, stream_id: int) -> int:
        """Send content until a window is closed, and return how much that was."""
        filled = 0
        while size := self.window(stream_id):
            self.send(frames.data(stream_id, bytes(size)))
            filled += size
        return filled

    def window(self, stream_id: int) -> int:
        """How much content may be sent now in one frame."""
        windows = self.observer.upload
        return max(0, min(windows.connection, windows.stream(stream_id), FRAME_SIZE))

    # Reading

    def answer(self, stream_id: int, *, credit: bool = True) -> Answer:
        """Read the whole of a final response.

        Args:
            stream_id: of the request.
            credit: open the stream's window as it is used up.

        Raises:
            IncompleteAnswer: the stream is reset, or the connection ends.
        """
        answer = self.start_of_answer(stream_id)
        ended = self._ended
        while not ended:
            frame = self.take(stream_id, Type.DATA, Type.HEADERS)
            ended = frame.has(Flag.END_STREAM)
            if frame.kind == Type.HEADERS:
                answer.trailers = _texts(frame.fields)
            else:
                answer.body += frame.content
                if credit and frame.payload and not ended:
                    self.send(frames.window_update(stream_id, len(frame.payload)))
        return answer

    def start_of_answer(self, stream_id: int) -> Answer:
        """Read the head of a response alone, interim or final."""
        frame = self.take(stream_id, Type.HEADERS)
        self._ended = frame.has(Flag.END_STREAM)
        (_, status), *fields = _texts(frame.fields)
        return Answer(int(status), fields)

    def take(self, stream_id: int, *kinds: Type) -> Frame:
        """Wait for the next frame of a stream and take it; it must be of one of those types.

        Raises IncompleteAnswer for a reset that is not looked for, or if the connection ends."""
        self.read_until(lambda: any(frame.stream_id == stream_id for frame in self.frames))
        frame = next(frame for frame in self.frames if frame.stream_id == stream_id)
        self.frames.remove(frame)
        if frame.kind == Type.RST_STREAM and Type.RST_STREAM not in kinds:
            raise IncompleteAnswer(frame.code)
        assert frame.kind in kinds, frame
        return frame

    def read_until(self, enough: Callable[[], bool]) -> None:
        """Read until that is true. Raises IncompleteAnswer if the connection ends before."""
        while not enough():
            self.read()

    def settle(self) -> None:
        """Read until all is here that the server sent before it came to what it has got now."""
        self._answered = False
        self.send(frames.ping(b"so far?!"))
        self.read_until(lambda: self._answered)

    def rest(self) -> list[Frame]:
        """Read to the end of the connection, however that comes, and take every frame."""
        try:
            while True:
                self.read()
        except (IncompleteAnswer, ConnectionError):
            taken, self.frames = self.frames, []
            return taken

    def read(self) -> None:
        """Read once and acknowledge what is to be. Raises IncompleteAnswer at the end."""
        data = self.sock.recv(65_536)
        if not data:
            raise IncompleteAnswer("the connection has ended")
        self._unread += data
        whole = _whole_frames(self._unread)
        complete, self._unread = self._unread[:whole], self._unread[whole:]
        for frame in self.observer.server_sends(complete):
            self._sort(frame)

    def _sort(self, frame: Frame) -> None:
        acknowledges = frame.has(Flag.ACK)
        if frame.kind == Type.SETTINGS and not acknowledges:
            self.send(frames.SETTINGS_ACK)
        elif frame.kind == Type.PING and acknowledges:
            self._answered = True
        elif frame.kind == Type.PING:
            if self.acknowledges_pings:
                self.send(frames.ping(frame.payload, ack=True))
        elif frame.kind == Type.GOAWAY:
            self.goodbyes.append(frame)
        elif frame.kind not in (Type.SETTINGS, Type.WINDOW_UPDATE, Type.CONTINUATION):
            self.frames.append(frame)


@contextmanager
def http2(endpoint: Endpoint, *settings: tuple[int, int]) -> Iterator[HTTP2Peer]:
    """Connect, by ALPN over TLS and by prior knowledge without.

    ``settings`` are the client's. The server's first ones have been read."""
    with _open(endpoint) as sock:
        peer = HTTP2Peer(sock, endpoint)
        peer.start(settings)
        peer.read_until(lambda: bool(peer.observer.settings))
        yield peer


def stalled(endpoint: Endpoint) -> AbstractContextManager[HTTP2Peer]:
    """Connect a client on whose streams no content can be sent until it opens their windows."""
    return http2(endpoint, (Setting.INITIAL_WINDOW_SIZE, 0))


def offering(endpoint: Endpoint, *protocols: str) -> ssl.SSLContext:
    """Make a context that offers these protocols."""
    context = ssl.create_default_context(cafile=endpoint.authority)
    context.set_alpn_protocols(protocols)
    return context


def _open(endpoint: Endpoint) -> socket.socket:
    if endpoint.context is None:
        return endpoint.open()
    sock = endpoint.open(offering(endpoint, "h2"))
    sock.settimeout(TIMEOUT)
    assert isinstance(sock, ssl.SSLSocket)
    assert sock.selected_alpn_protocol() == "h2"
    return sock


def _whole_frames(data: bytes) -> int:
    """The length of the frames that are complete."""
    at = 0
    while len(data) >= at + HEADER_SIZE:
        end = at + HEADER_SIZE + int.from_bytes(data[at : at + 3], "big")
        if len(data) < end:
            break
        at = end
    return at


def _frames_of_block(stream_id: int, block: bytes, end: bool) -> Iterator[bytes]:
    pieces = [block[at : at + FRAME_SIZE] for at in range(0, len(block), FRAME_SIZE)]
    yield frames.headers(stream_id, pieces[0], end=end, end_headers=len(pieces) == 1)
    for number, piece in enumerate(pieces[1:], 2):
        yield frames.continuation(stream_id, piece, end_headers=number == len(pieces))


def _texts(fields: Fields) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in fields]
