"""Back-pressure: whoever does not read holds up nobody but who writes to it."""

from __future__ import annotations

import json
import socket

from tests.integration.gates import open_gate
from tests.integration.http2_peer import http2
from tests.integration.serving import Endpoint
from tests.integration.websocket_ways import (
    HTTP2Connection,
    HTTP2Stream,
    Opened,
    SocketStream,
    Way,
)
from tests.peer import TIMEOUT
from tests.protocols.http2 import frames
from tests.websocket_peer import CLEAR, Opcode, binary, close, frame, text

KIBIBYTE = 1024
MEBIBYTE = 1024 * KIBIBYTE

# Several times what sockets or windows hold, and the server itself.
MESSAGES = 512
MESSAGES_OF = {"1.1": MESSAGES, "2": 64}
SIZE = 64 * KIBIBYTE
MESSAGE = frame(Opcode.BINARY, bytes(SIZE), mask=CLEAR)


def sent(endpoint: Endpoint, name: str) -> int:
    with endpoint.connect() as peer:
        return int(json.loads(peer.get(f"/sent?name={name}").body))


class TestClientThatDoesNotRead:
    def test_send_waits(self, way: Way, gate: str) -> None:
        messages = MESSAGES_OF[way.version]
        with way.open(f"/push?messages={messages}&size={SIZE}&name={gate}") as websocket:
            # An application that never waited would be through.
            assert sent(way.endpoint, gate) < messages // 2

            for _ in range(messages):
                assert websocket.message() == bytes(SIZE)
            assert websocket.goodbye() == (1000, "")

    def test_send_fails_once_it_has_left(self, way: Way, gate: str) -> None:
        target = f"/push?messages={MESSAGES}&size={SIZE}&name={gate}"
        with way.open(target) as websocket:
            websocket.stream.reset()
        # Were it still to wait, the server could not end.
        assert sent(way.endpoint, gate) < MESSAGES


class TestApplicationThatDoesNotReceive:
    def test_its_connection_is_not_read(self, endpoint: Endpoint, gate: str) -> None:
        stream = MESSAGE * MESSAGES
        with Way(endpoint, "1.1").open(f"/hold?gate={gate}") as websocket:
            assert isinstance(websocket.stream, SocketStream)
            peer = websocket.stream.peer
            unsent = _send_until_stuck(peer.sock, memoryview(stream))
            assert len(unsent) > len(stream) // 2

            open_gate(endpoint, gate)
            websocket.send(unsent, text("?"))
            assert told(websocket) == [MESSAGES, MESSAGES * SIZE]
            websocket.leave()

    def test_its_stream_is_not_read(self, endpoint: Endpoint, gate: str) -> None:
        """And its neighbours on the connection are."""
        with http2(endpoint) as peer:
            connection = HTTP2Connection(peer)
            websocket = connection.open(f"/hold?gate={gate}")
            assert isinstance(websocket.stream, HTTP2Stream)
            unsent = _send_until_shut(websocket.stream, MESSAGE * MESSAGES)
            assert len(unsent) > MESSAGES * SIZE // 2

            neighbour = connection.open("/echo")
            neighbour.send(binary(bytes(MEBIBYTE)))
            assert neighbour.message() == bytes(MEBIBYTE)
            assert peer.post("/echo", bytes(MEBIBYTE)).body == bytes(MEBIBYTE)

            open_gate(endpoint, gate)
            websocket.send(unsent, text("?"))
            assert told(websocket) == [MESSAGES, MESSAGES * SIZE]
            websocket.leave()

    def test_close_comes_behind_what_waits(self, way: Way, gate: str) -> None:
        with way.open(f"/hold?gate={gate}") as websocket:
            websocket.send(*[text(str(number)) for number in range(20)], close(4000))
            open_gate(way.endpoint, gate)

            for _ in range(20):
                assert websocket.message()
            assert websocket.closure() == (4000, "")
            websocket.await_end()


def told(websocket: Opened) -> list[int]:
    """What ``/hold`` has counted: messages, and their bytes."""
    count, size, _ = json.loads(websocket.message())
    return [count, size]


def _send_until_stuck(sock: socket.socket, data: memoryview) -> bytes:
    """Send until the server takes nothing for a moment; give what is left."""
    sock.settimeout(0.3)
    try:
        while data:
            data = data[sock.send(data[:MEBIBYTE]) :]
    except TimeoutError:
        pass
    sock.settimeout(TIMEOUT)
    return bytes(data)


def _send_until_shut(stream: HTTP2Stream, data: bytes) -> bytes:
    """Send until the server does not open the stream's window any more; give what is left."""
    peer = stream.peer
    view = memoryview(data)
    while size := peer.window(stream.stream_id):
        peer.send(frames.data(stream.stream_id, bytes(view[:size])))
        view = view[size:]
        if not peer.window(stream.stream_id):
            peer.settle()
    return bytes(view)
