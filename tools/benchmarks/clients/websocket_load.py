"""``python -m benchmarks.clients.websocket_load HOST PORT COUNT OPTIONS…``: a load of messages.

When all connections are open ``open COUNT`` is printed. When the input ends they send what the
options say and read what is to come, all of which is looked at; ``held COUNT`` tells on how many
everything came.
"""

from __future__ import annotations

import argparse
import select
import signal
import socket
import ssl
import sys
from collections.abc import Iterable, Sequence

from benchmarks.clients import websocket
from benchmarks.clients.websocket import Receiver, WebSocketError
from benchmarks.clients.websocket_parts import Broadcast, Echo, Part, payloads

# Seconds: in which something has to come, and of the whole program, which SIGALRM ends.
_PATIENCE = 30
_LIFETIME = 300
# Beyond this, memory would be asked of the system for each read.
_READ_SIZE = 65_536


class Connection:
    """A socket, and what is to be done on it."""

    def __init__(self, sock: socket.socket, part: Part) -> None:
        self.socket = sock
        self.part = part
        self.events = select.EPOLLIN
        """What to wait for."""
        self._receiver = Receiver()
        self._unsent = b""

    def send(self, data: bytes) -> None:
        """Send, or keep what cannot be sent now."""
        self._unsent += data
        self.flush()

    def flush(self) -> None:
        """Send what could not be sent before."""
        try:
            while self._unsent:
                self._unsent = self._unsent[self.socket.send(self._unsent) :]
            self.events = select.EPOLLIN
        except (BlockingIOError, ssl.SSLWantWriteError):
            self.events = select.EPOLLIN | select.EPOLLOUT

    def receive(self) -> None:
        """Read what has come, once, and do what it takes.

        Raises:
            WebSocketError: it is wrong, or the server has ended the connection.
        """
        try:
            data = self.socket.recv(_READ_SIZE)
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        if not data:
            raise WebSocketError("the server ended the connection")
        answer = self.part.receive(self._receiver.receive_data(data))
        if self._receiver.pongs:
            answer = b"".join((*self._receiver.pongs, answer))
            self._receiver.pongs.clear()
        if answer:
            self.send(answer)


def main(arguments: Sequence[str] | None = None) -> None:
    """Open, tell, wait, make the load, tell."""
    signal.alarm(_LIFETIME)
    options = _parse(arguments)
    context = None if options.tls is None else ssl.create_default_context(cafile=options.tls)
    connections = [_connect(options, context, number) for number in range(options.count)]
    print(f"open {len(connections)}", flush=True)
    sys.stdin.read()
    drive(connections)
    print(f"held {sum(each.part.is_complete for each in connections)}", flush=True)


def drive(connections: Iterable[Connection]) -> None:
    """Do what is to be done on all connections, until there is nothing left.

    Raises:
        WebSocketError: a server did what is wrong, or nothing for long.
    """
    with select.epoll() as epoll:
        waiting = {connection.socket.fileno(): connection for connection in connections}
        for number, connection in waiting.items():
            connection.send(connection.part.begin())
            epoll.register(number, connection.events)
        while waiting:
            ready = epoll.poll(_PATIENCE)
            if not ready:
                raise WebSocketError(f"nothing has come for {_PATIENCE} s")
            for number, events in ready:
                if not _serve(waiting[number], events, epoll):
                    del waiting[number]


def _serve(connection: Connection, events: int, epoll: select.epoll) -> bool:
    """Do what there is to do on a connection, and tell whether more is to come."""
    waited_for = connection.events
    if events & select.EPOLLOUT:
        connection.flush()
    if events & ~select.EPOLLOUT:
        connection.receive()
    if connection.part.is_complete:
        epoll.unregister(connection.socket)
        return False
    if connection.events != waited_for:
        epoll.modify(connection.socket, connection.events)
    return True


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--messages", type=int, required=True, help="of each connection")
    parser.add_argument("--size", type=int, default=0)
    parser.add_argument("--text", action="store_true")
    parser.add_argument("--depth", type=int, default=1)
    parser.add_argument("--compressed", action="store_true")
    parser.add_argument("--broadcast", action="store_true")
    parser.add_argument("--tls", metavar="PEM", help="of the authority")
    return parser.parse_args(arguments)


def _connect(
    options: argparse.Namespace, context: ssl.SSLContext | None, number: int
) -> Connection:
    sock = socket.create_connection((options.host, options.port), _PATIENCE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if context is not None:
        sock = context.wrap_socket(sock, server_hostname=options.host)
    sock.sendall(websocket.upgrade(options.host, options.compressed))
    window_bits = websocket.read_agreement(sock, options.compressed)
    sock.setblocking(False)
    return Connection(sock, _part(options, window_bits, number))


def _part(options: argparse.Namespace, window_bits: int | None, number: int) -> Part:
    if options.broadcast:
        return Broadcast(number, options.count, options.messages)
    opcode = websocket.TEXT if options.text else websocket.BINARY
    made = payloads(number, options.size, options.text)
    return Echo(made, opcode, window_bits, options.messages, options.depth)


if __name__ == "__main__":
    main()
