"""An HTTP/2 client that is not ours: the h2 library over a socket, driven by hand.

Knows: sockets, and how the events of h2 become responses.
Must not know: how a well-behaved client acts: :meth:`H2Peer.send_raw` sends anything.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType

import h2.config
import h2.connection
import h2.events
import h2.exceptions
from h2.settings import SettingCodes, Settings

from tests.peer import TIMEOUT

__all__ = ["H2Peer", "H2Response", "h2_client", "understand"]

Fields = list[tuple[bytes, bytes]]

_GOAWAY = 7
_FRAME_HEADER = 9


@dataclass
class H2Response:
    """What has come on one stream."""

    status: int | None = None
    headers: Fields = field(default_factory=list)
    body: bytes = b""
    trailers: Fields = field(default_factory=list)
    interim: list[int] = field(default_factory=list)
    promised: Fields | None = None
    """The request that the server made up, if it was pushed."""
    ended: bool = False
    reset: int | None = None
    """The error code of a RST_STREAM that ended it before its time, or that came after."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return self.ended or self.reset is not None

    def values(self, name: bytes) -> list[bytes]:
        """The values of the fields of one name."""
        return [value for found, value in self.headers if found == name]


def h2_client() -> h2.connection.H2Connection:
    """The client's side of a connection, which gives fields as bytes."""
    return h2.connection.H2Connection(
        h2.config.H2Configuration(client_side=True, header_encoding=None)
    )


def understand(event: h2.events.Event, responses: dict[int, H2Response]) -> None:
    """Note what an event says of a response."""
    if isinstance(event, h2.events.PushedStreamReceived):
        responses[event.pushed_stream_id or 0] = H2Response(promised=_pairs(event.headers))
        return
    stream_id = getattr(event, "stream_id", None)
    if not stream_id:
        return
    response = responses.setdefault(stream_id, H2Response())
    if isinstance(event, h2.events.InformationalResponseReceived):
        response.interim.append(int(_pairs(event.headers)[0][1]))
    elif isinstance(event, h2.events.ResponseReceived):
        status, *response.headers = _pairs(event.headers)
        response.status = int(status[1])
    elif isinstance(event, h2.events.DataReceived):
        response.body += event.data or b""
    elif isinstance(event, h2.events.TrailersReceived):
        response.trailers = _pairs(event.headers)
    elif isinstance(event, h2.events.StreamEnded):
        response.ended = True
    elif isinstance(event, h2.events.StreamReset):
        response.reset = int(event.error_code or 0)


class H2Peer:
    """One end of a connection to a server.

    Args:
        sock: connected, and ``h2`` negotiated if it is TLS; closed by :meth:`close`.
        scheme: of its requests.
        gives_credit: whether what comes is given back to the windows at once.
    """

    def __init__(
        self, sock: socket.socket, scheme: str = "http", *, gives_credit: bool = True
    ) -> None:
        self.sock = sock
        self.gives_credit = gives_credit
        self.h2 = h2_client()
        self.responses: dict[int, H2Response] = {}
        self.goodbyes: list[tuple[int, int]] = []
        """Last stream and error code of each GOAWAY."""
        self.pings: list[bytes] = []
        """The payloads of those that were acknowledged."""
        self.ended = False
        """The server has closed the connection."""
        self._scheme = scheme
        self._unread = b""

    @classmethod
    def connect(
        cls,
        host: str,
        port: int,
        *,
        tls: ssl.SSLContext | None = None,
        gives_credit: bool = True,
        push: bool = True,
    ) -> H2Peer:
        """Connect, by prior knowledge or (if ``tls``, which has to offer it) ALPN, and send the
        preface."""
        sock = socket.create_connection((host, port), TIMEOUT)
        if tls is not None:
            try:
                encrypted = tls.wrap_socket(sock, server_hostname=host)
            except BaseException:
                sock.close()
                raise
            assert encrypted.selected_alpn_protocol() == "h2"
            sock = encrypted
        peer = cls(sock, "http" if tls is None else "https", gives_credit=gives_credit)
        peer.start(push=push)
        return peer

    def __enter__(self) -> H2Peer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # Sending.

    def start(self, *, push: bool = True) -> None:
        """Send the preface."""
        if not push:
            self.h2.local_settings = Settings(
                client=True, initial_values={SettingCodes.ENABLE_PUSH: 0}
            )
        self.h2.initiate_connection()
        self.flush()

    def upgrade(self, host: str = "a") -> None:
        """Send a request for the upgrade and read its answer; the response is stream 1's."""
        settings = self.h2.initiate_upgrade_connection()
        assert settings is not None
        self.sock.sendall(
            b"GET / HTTP/1.1\r\nHost: %b\r\nConnection: Upgrade, HTTP2-Settings\r\n"
            b"Upgrade: h2c\r\nHTTP2-Settings: %b\r\n\r\n" % (host.encode(), settings)
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.sock.recv(1)
        assert head.startswith(b"HTTP/1.1 101 "), head
        self.flush()

    def request(
        self,
        target: str = "/",
        *fields: tuple[str, str],
        method: str = "GET",
        body: bytes = b"",
        end: bool = True,
    ) -> int:
        """Send a request, with content as far as the windows let it; return its stream."""
        stream_id = self.h2.get_next_available_stream_id()
        head = [(":method", method), (":scheme", self._scheme), (":authority", "a")]
        whole = end and not body
        self.h2.send_headers(stream_id, [*head, (":path", target), *fields], end_stream=whole)
        self.responses[stream_id] = H2Response()
        if body:
            self.send_body(stream_id, body, end=end)
        self.flush()
        return stream_id

    def send_body(self, stream_id: int, body: bytes, *, end: bool = True) -> None:
        """Send content, waiting for window where it takes some."""
        view = memoryview(body)
        while view:
            self.read_until(lambda: self.ended or self._may_send(stream_id) > 0)
            assert not self.ended, "the server has left"
            size = min(self._may_send(stream_id), len(view))
            self.h2.send_data(stream_id, bytes(view[:size]))
            self.flush()
            view = view[size:]
        if end:
            self.h2.end_stream(stream_id)
        self.flush()

    def _may_send(self, stream_id: int) -> int:
        return min(self.h2.local_flow_control_window(stream_id), self.h2.max_outbound_frame_size)

    def reset(self, stream_id: int, code: int = 8) -> None:
        """Give a request up; by default CANCEL."""
        self.h2.reset_stream(stream_id, code)
        self.flush()

    def credit(self, stream_id: int, size: int) -> None:
        """Let the server send so much more on a stream and on the connection."""
        self.h2.increment_flow_control_window(size)
        self.h2.increment_flow_control_window(size, stream_id)
        self.flush()

    def flush(self) -> None:
        """Send what h2 would."""
        data = self.h2.data_to_send()
        if data and not self.ended:
            self.sock.sendall(data)

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are, past h2."""
        self.sock.sendall(data)

    def send_frame(self, kind: int, flags: int, stream_id: int, payload: bytes = b"") -> None:
        """Send a frame as it is, past h2."""
        head = len(payload).to_bytes(3, "big") + bytes([kind, flags])
        self.send_raw(head + stream_id.to_bytes(4, "big") + payload)

    def half_close(self) -> None:
        """Send nothing more."""
        self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Leave."""
        self.sock.close()

    # Reading.

    def get(self, target: str = "/", *fields: tuple[str, str]) -> H2Response:
        """Send a GET and read its response."""
        return self.response(self.request(target, *fields))

    def response(self, stream_id: int) -> H2Response:
        """Read until a response is over, one way or the other."""
        self.read_until(lambda: self.ended or self._is_over(stream_id))
        return self.responses[stream_id]

    def all_responses(self, stream_ids: Sequence[int]) -> list[H2Response]:
        """Read until all of these are over."""
        return [self.response(stream_id) for stream_id in stream_ids]

    def ping(self, payload: bytes = b"12345678") -> None:
        """Wait until the server has read all that was sent to it."""
        self.h2.ping(payload)
        self.flush()
        count = len(self.pings)
        self.read_until(lambda: self.ended or len(self.pings) > count)

    def read_until(self, enough: Callable[[], bool]) -> None:
        """Read until a condition holds. Raises TimeoutError if it does not come to hold."""
        while not enough():
            self.read()

    def read_to_end(self) -> None:
        """Read until the server closes the connection."""
        self.read_until(lambda: self.ended)

    def read(self) -> None:
        """Read what comes next, or the end."""
        try:
            data = self.sock.recv(65_536)
        except ConnectionResetError:
            data = b""
        if not data:
            self.ended = True
            return
        self._unread += data
        for frame in self._frames():
            if frame[3] == _GOAWAY:
                # Not for h2, which would neither send nor read anything after it.
                last, code = struct.unpack_from(">LL", frame, _FRAME_HEADER)
                self.goodbyes.append((last, code))
                continue
            for event in self.h2.receive_data(frame):
                self._handle(event)
        self.flush()

    def _frames(self) -> Iterator[bytes]:
        while len(self._unread) >= _FRAME_HEADER:
            size = _FRAME_HEADER + int.from_bytes(self._unread[:3], "big")
            if len(self._unread) < size:
                return
            frame, self._unread = self._unread[:size], self._unread[size:]
            yield frame

    def _handle(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.PingAckReceived):
            self.pings.append(event.ping_data)
        else:
            understand(event, self.responses)
            if isinstance(event, h2.events.DataReceived) and self.gives_credit:
                self._give_back(event)

    def _give_back(self, event: h2.events.DataReceived) -> None:
        try:
            self.h2.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id)
        except h2.exceptions.StreamClosedError:
            pass  # that was its last

    def _is_over(self, stream_id: int) -> bool:
        response = self.responses.get(stream_id)
        return response is not None and response.is_over


def _pairs(headers: object) -> Fields:
    return [(bytes(name), bytes(value)) for name, value in headers]  # type: ignore[attr-defined]
