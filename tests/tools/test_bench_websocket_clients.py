"""Clients of WebSocket: what they send is valid, and nothing that comes wrong is overlooked."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.sync.server import ServerConnection, serve

from benchmarks import memory, websocket
from benchmarks.clients import websocket as client
from benchmarks.clients import websocket_idle, websocket_parts
from benchmarks.clients.websocket import BINARY, TEXT, Receiver, WebSocketError
from benchmarks.clients.websocket_parts import Broadcast, Echo
from benchmarks.crowds import crowd
from development.commands import CommandError

LARGE = b"x" * 70_000


def accept(server: ServerProtocol, is_compressed: bool) -> bytes:
    """Have a server agree to what the client asks for, and give what it says."""
    server.receive_data(client.upgrade("127.0.0.1", is_compressed))
    (request,) = server.events_received()
    assert isinstance(request, Request)
    server.send_response(server.accept(request))
    return b"".join(server.data_to_send())


def server_with(**options: Any) -> ServerProtocol:
    """Make a server that has permessage-deflate."""
    return ServerProtocol(extensions=[ServerPerMessageDeflateFactory(**options)])


def frame(opcode: Opcode, data: bytes, fin: bool = True) -> bytes:
    """Write a frame as a server does."""
    return Frame(opcode, data, fin).serialize(mask=False)


@pytest.mark.parametrize("payload", [b"", b"hello", b"x" * 125, b"x" * 126, LARGE])
@pytest.mark.parametrize("is_compressed", [False, True])
def test_messages_are_read_by_a_server_and_read_from_it(
    payload: bytes, is_compressed: bool
) -> None:
    server, receiver = server_with(), Receiver()
    window_bits = client.agreement(accept(server, is_compressed))
    assert window_bits == (15 if is_compressed else None)

    for _ in range(2):
        server.receive_data(client.message(TEXT, payload, window_bits))
        (read,) = server.events_received()
        assert isinstance(read, Frame)
        assert (read.opcode, read.data) == (Opcode.TEXT, payload)
        server.send_text(payload)
        assert receiver.receive_data(b"".join(server.data_to_send())) == [(TEXT, payload)]


def test_the_client_s_window_is_as_small_as_the_server_wants() -> None:
    assert client.agreement(accept(server_with(client_max_window_bits=10), True)) == 10


def test_a_refusal_is_noticed() -> None:
    with pytest.raises(WebSocketError, match="403"):
        client.agreement(b"HTTP/1.1 403 Forbidden\r\n\r\n")
    with pytest.raises(WebSocketError, match="101"):
        client.agreement(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")


def test_frames_come_in_any_pieces() -> None:
    stream = frame(Opcode.TEXT, b"one") + frame(Opcode.BINARY, b"y" * 300)
    receiver = Receiver()

    messages = [each for byte in stream for each in receiver.receive_data(bytes((byte,)))]

    assert messages == [(TEXT, b"one"), (BINARY, b"y" * 300)]


def test_fragments_are_joined_and_pings_between_them_answered() -> None:
    receiver = Receiver()
    pieces = (
        frame(Opcode.TEXT, b"a", fin=False),
        frame(Opcode.PING, b"there?"),
        frame(Opcode.CONT, b"b", fin=False),
        frame(Opcode.CONT, b"c"),
    )

    assert receiver.receive_data(b"".join(pieces)) == [(TEXT, b"abc")]
    (pong,) = receiver.pongs
    server = ServerProtocol()
    accept(server, False)
    server.receive_data(pong)
    assert server.events_received() == [Frame(Opcode.PONG, b"there?")]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (frame(Opcode.CLOSE, b"\x03\xf1"), "closed"),
        (client.message(TEXT, b"masked"), "masked"),
    ],
)
def test_what_ends_a_load_is_told(data: bytes, told: str) -> None:
    with pytest.raises(WebSocketError, match=told):
        Receiver().receive_data(data)


def test_so_many_messages_are_under_way_until_all_have_come_back() -> None:
    payloads = [b"%d" % n for n in range(websocket_parts.VARIETY)]
    echo, server = Echo(payloads, TEXT, None, 40, 3), ServerProtocol()
    accept(server, False)
    sent, under_way = echo.begin(), []
    while not echo.is_complete:
        server.receive_data(sent)
        frames = [each for each in server.events_received() if isinstance(each, Frame)]
        under_way.append(len(frames))
        sent = echo.receive([(TEXT, bytes(each.data)) for each in frames])

    assert under_way == [3] * 13 + [1]
    assert sent == b""


@pytest.mark.parametrize("wrong", [(TEXT, b"other"), (BINARY, b"0")])
def test_a_message_that_is_not_what_was_sent_is_an_error(wrong: tuple[int, bytes]) -> None:
    echo = Echo([b"0", b"1"], TEXT, None, 10, 2)
    echo.begin()

    with pytest.raises(WebSocketError, match="came back as"):
        echo.receive([wrong])


def test_a_broadcast_is_complete_when_everybody_s_messages_have_come() -> None:
    first, second = (Broadcast(number, 2, 3) for number in range(2))
    everything = read(first.begin()) + read(second.begin())

    assert first.receive(everything[:4]) == b""
    assert not first.is_complete
    first.receive(everything[4:])
    assert first.is_complete


def test_messages_of_a_broadcast_come_in_the_order_of_their_sender() -> None:
    part = Broadcast(0, 2, 3)
    messages = read(part.begin())

    with pytest.raises(WebSocketError, match="out of its turn"):
        part.receive([messages[0], messages[2]])


def read(data: bytes) -> list[tuple[int, bytes]]:
    """Read what a client has written."""
    server = ServerProtocol()
    accept(server, False)
    server.receive_data(data)
    return [
        (int(each.opcode), bytes(each.data))
        for each in server.events_received()
        if isinstance(each, Frame)
    ]


@pytest.mark.parametrize("is_text", [False, True])
def test_no_two_messages_are_equal_and_all_have_the_size(is_text: bool) -> None:
    payloads = [
        each for number in range(8) for each in websocket_parts.payloads(number, 20, is_text)
    ]

    assert len(set(payloads)) == len(payloads) == 8 * websocket_parts.VARIETY
    assert {len(each) for each in payloads} == {20}


@contextmanager
def serving(handler: Callable[[ServerConnection], None]) -> Iterator[int]:
    """Serve WebSockets, with compression for whoever wants it, and give the port."""
    with serve(handler, "127.0.0.1", 0) as server, ThreadPoolExecutor(1) as pool:
        pool.submit(server.serve_forever)
        try:
            yield server.socket.getsockname()[1]
        finally:
            server.shutdown()


def echo_back(connection: ServerConnection) -> None:
    """Send back what comes."""
    for each in connection:
        connection.send(each)


def change(connection: ServerConnection) -> None:
    """Send back something else."""
    for _ in connection:
        connection.send("something else")


if sys.platform == "linux":

    @pytest.mark.parametrize("name", ["20", "64k-binary", "pipelined", "deflate"])
    def test_a_load_is_made_and_looked_at(name: str) -> None:
        options = websocket.LOADS[name].options(20, None)

        with serving(echo_back) as port, crowd("websocket_load", port, 3, *options) as clients:
            assert clients.opened == 3
            assert clients.leave() == 3

    def test_a_load_fails_that_is_not_answered_rightly(
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        options = websocket.LOADS["20"].options(20, None)

        with (
            serving(change) as port,
            crowd("websocket_load", port, 3, *options) as clients,
            pytest.raises(CommandError, match="the clients failed"),
        ):
            clients.leave()
        assert "came back as (1, b'something else')" in capfd.readouterr().err

    @pytest.mark.parametrize("kind", ["websocket", memory.COMPRESSED])
    def test_websockets_are_held(kind: str) -> None:
        found = memory.KINDS[kind]

        with serving(echo_back) as port, crowd(found.client, port, 70, *found.options) as clients:
            assert (clients.opened, clients.leave()) == (70, 70)


@pytest.mark.parametrize(
    ("came", "is_held"),
    [(b"", True), (frame(Opcode.PING, b"1234"), True), (frame(Opcode.CLOSE, b""), False)],
)
def test_a_websocket_is_held_that_nothing_but_pings_came_on(came: bytes, is_held: bool) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(came)
        assert websocket_idle.is_open(ours) is is_held
        theirs.close()
        assert not websocket_idle.is_open(ours)
