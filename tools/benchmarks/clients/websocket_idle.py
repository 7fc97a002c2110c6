"""``python -m benchmarks.clients.websocket_idle HOST PORT COUNT [compressed]``: idle WebSockets.

Each sends a message, which comes back. When all have come ``open COUNT`` is printed; when the
input ends, how many the server has not closed meanwhile: ``held COUNT``.
"""

from __future__ import annotations

import socket
import sys

from benchmarks.clients import keep_alive, websocket
from benchmarks.clients.websocket import Receiver, WebSocketError
from benchmarks.clients.websocket_parts import payloads

_SIZE = 1024


def main() -> None:
    """Open, tell, wait, look, tell."""
    is_compressed = sys.argv[4:] == ["compressed"]
    keep_alive.stay(lambda address, sources: open_batch(address, sources, is_compressed), is_open)


def open_batch(
    address: tuple[str, int], sources: list[str], is_compressed: bool
) -> list[socket.socket]:
    """Connect from each source and do each step on all connections before the next one."""
    connections = [keep_alive.connect(address, source) for source in sources]
    for connection in connections:
        connection.sendall(websocket.upgrade(address[0], is_compressed))
    (payload, *_) = payloads(0, _SIZE, is_text=True)
    for connection in connections:
        window_bits = websocket.read_agreement(connection, is_compressed)
        connection.sendall(websocket.message(websocket.TEXT, payload, window_bits))
    for connection in connections:
        _read_message(connection, (websocket.TEXT, payload))
    return connections


def is_open(connection: socket.socket) -> bool:
    """Tell whether nothing but pings has come since the message."""
    connection.setblocking(False)
    receiver = Receiver()
    try:
        while data := connection.recv(4096):
            receiver.receive_data(data)
    except BlockingIOError:
        return True
    except (OSError, WebSocketError):
        pass
    return False


def _read_message(connection: socket.socket, awaited: tuple[int, bytes]) -> None:
    """Read one message, which a server does not send a second one behind.

    Raises:
        WebSocketError: it is another, or the server has ended the connection.
    """
    receiver = Receiver()
    messages: list[tuple[int, bytes]] = []
    while not messages:
        data = connection.recv(65536)
        if not data:
            raise WebSocketError("the server ended the connection")
        messages = receiver.receive_data(data)
    if messages != [awaited]:
        raise WebSocketError(f"the message came back as {messages!r:.200}")


if __name__ == "__main__":
    main()
