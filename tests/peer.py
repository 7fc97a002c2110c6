"""A client that is driven by hand, byte for byte.

Knows: sockets, and as much of RFC 9112 as it takes to read an answer.
Must not know: how a well-behaved client acts.
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType

TIMEOUT = 30.0
"""How long a test waits for what must happen, in seconds."""


@dataclass
class Answer:
    """A response as it came."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""
    trailers: list[tuple[str, str]] = field(default_factory=list)

    def __getitem__(self, name: str) -> str | None:
        """Give the only value of a field, or None."""
        values = [value for key, value in self.headers if key.lower() == name]
        assert len(values) < 2, f"{name} came {len(values)} times"
        return values[0] if values else None


class IncompleteAnswer(Exception):  # noqa: N818 (what came, more than what went wrong)
    """The connection ended before the answer did."""


class Peer:
    """One end of a connection to a server.

    Args:
        sock: connected; closed by :meth:`close`.
        host: what to send as Host.
    """

    def __init__(self, sock: socket.socket, host: str) -> None:
        self.sock = sock
        self.host = host
        self._unread = b""

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # Sending.

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.sock.sendall(data)

    def send_and_read(self, data: bytes) -> None:
        """Send bytes and keep what comes meanwhile for :meth:`answer`.

        From one thread: a TLS socket is not for two at once.
        """
        view = memoryview(data)
        self.sock.setblocking(False)
        try:
            while view:
                view = view[self._try_send(view) :]
                if not self._try_fill() and view:
                    select.select([self.sock], [self.sock], [], TIMEOUT)
        finally:
            self.sock.settimeout(TIMEOUT)

    def _try_send(self, data: memoryview) -> int:
        try:
            return self.sock.send(data)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0

    def _try_fill(self) -> bool:
        try:
            return self._fill()
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False

    def request(self, target: str, *fields: str, method: str = "GET", body: bytes = b"") -> None:
        """Send a request with a Host, and a Content-Length if there is a body."""
        self.send(self.head(target, *fields, method=method, length=len(body) or None) + body)

    def head(
        self, target: str, *fields: str, method: str = "GET", length: int | None = None
    ) -> bytes:
        """Make a request's head."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.host}", *fields]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def get(self, target: str, *fields: str) -> Answer:
        """Send a GET and read its answer."""
        self.request(target, *fields)
        return self.answer()

    def half_close(self) -> None:
        """Send nothing more."""
        self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Leave."""
        self.sock.close()

    def reset(self) -> None:
        """Leave without a word: RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    # Reading.

    def answer(self, method: str = "GET") -> Answer:
        """Read one final response. Raises IncompleteAnswer if it is cut off."""
        answer = self.raw_answer(method)
        assert answer.status >= 200, f"an interim response: {answer}"
        return answer

    def raw_answer(self, method: str = "GET") -> Answer:
        """Read one response, interim or final. Raises IncompleteAnswer if it is cut off."""
        status = int(self._line().split(" ", 2)[1])
        answer = Answer(status, self._fields())
        if method != "HEAD" and status >= 200 and status not in (204, 304):
            self._read_content(answer)
        return answer

    def chunk(self) -> bytes:
        """Read one chunk of a response whose head was read by :meth:`start`."""
        data = self._chunk()
        if not data:
            self._fields()
        return data

    def start(self) -> Answer:
        """Read the head of a response alone."""
        return Answer(int(self._line().split(" ", 2)[1]), self._fields())

    def rest(self) -> bytes:
        """Read up to the end of the connection, however that comes."""
        try:
            while self._fill():
                pass
        except ConnectionResetError:
            pass
        return self._take(len(self._unread))

    def some(self) -> bytes:
        """Wait for bytes; none at the end of the connection."""
        self.peek()
        return self._take(len(self._unread))

    def ended(self) -> bool:
        """Wait for the end of the connection; whether nothing came before it."""
        return self.rest() == b""

    def end(self) -> str:
        """Wait for the end of the connection and say how it came: ``"closed"`` or ``"reset"``."""
        try:
            while self._fill():
                self._unread = b""
        except ConnectionResetError:
            return "reset"
        return "closed"

    def peek(self) -> None:
        """Wait until there is something to read, or the end. Raises what the socket raises."""
        if not self._unread:
            self._fill()

    def _chunk(self) -> bytes:
        size = int(self._line(), 16)
        return self._exactly(size + 2)[:-2] if size else b""

    def _fill(self) -> bool:
        data = self.sock.recv(65_536)
        self._unread += data
        return bool(data)

    def _take(self, size: int) -> bytes:
        data, self._unread = self._unread[:size], self._unread[size:]
        return data

    def _line(self) -> str:
        while b"\r\n" not in self._unread:
            if not self._fill():
                raise IncompleteAnswer(self._unread)
        line = self._take(self._unread.index(b"\r\n") + 2)
        return line[:-2].decode("latin-1")

    def _exactly(self, size: int) -> bytes:
        while len(self._unread) < size:
            if not self._fill():
                raise IncompleteAnswer(self._unread)
        return self._take(size)

    def _fields(self) -> list[tuple[str, str]]:
        fields = []
        while line := self._line():
            name, _, value = line.partition(":")
            fields.append((name, value.strip()))
        return fields

    def _read_content(self, answer: Answer) -> None:
        if answer["transfer-encoding"] == "chunked":
            while chunk := self._chunk():
                answer.body += chunk
            answer.trailers = self._fields()
        elif answer["content-length"] is not None:
            answer.body = self._exactly(int(answer["content-length"]))
        else:
            while self._fill():
                pass
            answer.body = self._take(len(self._unread))


@contextmanager
def narrow(host: str, port: int, size: int = 4096) -> Iterator[Peer]:
    """Connect a client with a small receive buffer, so that what it does not read piles up."""
    sock = socket.socket()
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        sock.settimeout(TIMEOUT)
        sock.connect((host, port))
        peer = Peer(sock, f"{host}:{port}")
    except BaseException:
        sock.close()
        raise
    with peer:
        yield peer
