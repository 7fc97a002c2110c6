"""Clients that speak HTTP/2, by h2 over a socket.

Knows: streams, and what a client does about GOAWAY (RFC 9113 section 6.8).
Must not know: what is done to the server.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import Callable, Iterator

import h2.events
import h2.exceptions

from tests.h2_peer import H2Response, h2_client, understand
from tests.integration.http2_peer import offering
from tests.integration.rolling.app import WORKER, pieces
from tests.integration.rolling.clients import Client, Disorder, Stream, connect
from tests.integration.serving import Endpoint

__all__ = ["HTTP2_CLIENTS"]

_FRAME_HEAD = 9
_GOAWAY = 7
_ROUTES = ("now", "much", "now", "slowly", "now")


class HTTP2Connection:
    """One end of a connection, from which requests are sent until the server says goodbye."""

    def __init__(self, stream: Stream, endpoint: Endpoint) -> None:
        self.responses: dict[int, H2Response] = {}
        self.told_goodbye = False
        self._stream = stream
        self._endpoint = endpoint
        self._h2 = h2_client()
        self._unread = b""
        self._h2.initiate_connection()
        self._flush()

    def request(self, target: str, content: bytes) -> int:
        """Send a request and return its stream."""
        stream_id = self._h2.get_next_available_stream_id()
        fields = [
            (":method", "POST"),
            (":scheme", self._endpoint.scheme),
            (":authority", self._endpoint.netloc),
            (":path", target),
        ]
        self._h2.send_headers(stream_id, fields)
        self._h2.send_data(stream_id, content, end_stream=True)
        self._flush()
        self.responses[stream_id] = H2Response()
        return stream_id

    async def read_until(self, enough: Callable[[], bool]) -> None:
        """Read until that is true. Raises Disorder if the server breaks off."""
        while not enough():
            data = await self._stream.receive()
            if not data and not (self.told_goodbye and self._is_idle()):
                raise Disorder("the connection has ended")
            self._unread += data
            for frame in self._take_frames():
                self._see(frame)
            self._flush()

    async def close(self) -> None:
        """Leave."""
        await self._stream.close()

    def _is_idle(self) -> bool:
        return all(response.is_over for response in self.responses.values())

    def _flush(self) -> None:
        self._stream.send(self._h2.data_to_send())

    def _take_frames(self) -> Iterator[bytes]:
        while len(self._unread) >= _FRAME_HEAD:
            size = _FRAME_HEAD + int.from_bytes(self._unread[:3], "big")
            if len(self._unread) < size:
                return
            frame, self._unread = self._unread[:size], self._unread[size:]
            yield frame

    def _see(self, frame: bytes) -> None:
        if frame[3] == _GOAWAY:
            # Not for h2, which would neither send nor read anything after it.
            self._see_goodbye(*struct.unpack_from(">LL", frame, _FRAME_HEAD))
            return
        for event in self._h2.receive_data(frame):
            understand(event, self.responses)
            if isinstance(event, h2.events.DataReceived):
                self._give_back(event.flow_controlled_length or 0, event.stream_id)

    def _see_goodbye(self, last: int, code: int) -> None:
        self.told_goodbye = True
        refused = [number for number in self.responses if number > last]
        if refused or code:
            raise Disorder(f"streams {refused} were refused by a goodbye with error code {code}")

    def _give_back(self, size: int, stream_id: int) -> None:
        try:
            self._h2.acknowledge_received_data(size, stream_id)
        except h2.exceptions.StreamClosedError:
            pass  # that was its last


class HTTP2Client(Client):
    """Has some streams at once. Once told goodbye it opens no more; those that it has opened by
    then must be answered, for the server waits until the goodbye has been heard."""

    pause = 0.0
    """How long it thinks before each round, in seconds."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self._connection: HTTP2Connection | None = None
        self._context: ssl.SSLContext | None = None
        if endpoint.context is not None:
            self._context = offering(endpoint, "h2")

    async def round(self) -> None:
        if self._connection is not None:
            await self._think(self._connection)
        connection = self._connection or await self._connect()
        targets = [self.new_target(route) for route in _ROUTES]
        contents = [target.encode() * 1000 for target in targets]
        asked = list(map(connection.request, targets, contents))
        responses = [connection.responses[stream_id] for stream_id in asked]
        try:
            await connection.read_until(lambda: all(response.is_over for response in responses))
        finally:
            for response in responses:
                self._meet(response)
        for response, target, content in zip(responses, targets, contents, strict=True):
            self._check(response, b"".join(pieces(target.encode(), content)))
        if connection.told_goodbye:
            await self.leave()

    async def _connect(self) -> HTTP2Connection:
        self.begin_connection()
        stream = await connect(self.endpoint, self._context)
        self._connection = HTTP2Connection(stream, self.endpoint)
        return self._connection

    async def _think(self, connection: HTTP2Connection) -> None:
        """Do nothing, but listen."""
        try:
            listening = connection.read_until(lambda: connection.told_goodbye)
            await asyncio.wait_for(listening, self.pause)
        except asyncio.TimeoutError:
            return
        await self.leave()

    async def leave(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    def _meet(self, response: H2Response) -> None:
        for worker in response.values(WORKER):
            self.met(worker)

    def _check(self, response: H2Response, expected: bytes) -> None:
        if response.status != 200 or response.reset is not None or response.body != expected:
            raise Disorder(f"{expected[:20]!r} was answered by {response!r:.300}")
        response.body = b""
        self.answers += 1


class Busy(HTTP2Client):
    kind = "HTTP/2"


class Thinking(HTTP2Client):
    """Leaves its connection idle for some of the time."""

    kind = "HTTP/2, thinking"
    pause = 0.1


HTTP2_CLIENTS = (Busy, Thinking)
