"""``python -m benchmarks.clients.keep_alive HOST PORT COUNT``: connections that stay open.

Each makes one request. When all are answered ``open COUNT`` is printed; when the input ends, how
many the server has not closed meanwhile: ``held COUNT``.
"""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Callable

REQUEST = b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n"
# How many connect at a time: fewer than any server lets wait, or SYNs are dropped and sent anew.
BATCH = 64
# Seconds: of each read, and of the whole program, which SIGALRM ends.
READ_TIMEOUT = 30
LIFETIME = 300

# RFC 3330: all of 127.0.0.0/8 is this machine, so that ports cannot run out.
SOURCE = "127.0.0.{}"
PORT_RANGE = "/proc/sys/net/ipv4/ip_local_port_range"
# ip(7); the socket module has no name for it before Python 3.12.
IP_BIND_ADDRESS_NO_PORT = 24


def main() -> None:
    """Open, tell, wait, look, tell."""
    stay(open_batch, is_open)


def stay(
    open_batch: Callable[[tuple[str, int], list[str]], list[socket.socket]],
    is_open: Callable[[socket.socket], bool],
) -> None:
    """Do that with connections of some kind, opened in batches from addresses that are told."""
    signal.alarm(LIFETIME)
    host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    per_source = connections_per_source()
    connections: list[socket.socket] = []
    while len(connections) < count:
        size = min(BATCH, count - len(connections))
        sources = [source_address(len(connections) + n, per_source) for n in range(size)]
        connections += open_batch((host, port), sources)
    print(f"open {len(connections)}", flush=True)
    sys.stdin.read()
    print(f"held {sum(map(is_open, connections))}", flush=True)


def connections_per_source() -> int:
    """Tell how many connections come from one address: half of the ports that it has."""
    with open(PORT_RANGE) as file:
        first, last = map(int, file.read().split())
    return (last - first) // 2


def source_address(number: int, per_source: int) -> str:
    """Give the address from which the connection of that number, from 0, comes."""
    return SOURCE.format(number // per_source + 1)


def open_batch(address: tuple[str, int], sources: list[str]) -> list[socket.socket]:
    """Connect from each source, send on all connections and then read all answers."""
    connections = [connect(address, source) for source in sources]
    for connection in connections:
        connection.sendall(REQUEST % address[0].encode())
    for connection in connections:
        _read_response(connection)
    return connections


def is_open(connection: socket.socket) -> bool:
    """Tell whether nothing, not even an end, has come since the answer."""
    connection.setblocking(False)
    try:
        connection.recv(1)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def connect(address: tuple[str, int], source: str) -> socket.socket:
    """Connect from a source."""
    connection = socket.socket()
    connection.settimeout(READ_TIMEOUT)
    # The port is chosen when the connection is, and may be one that leads elsewhere as well.
    connection.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
    connection.bind((source, 0))
    connection.connect(address)
    return connection


def _read_response(connection: socket.socket) -> None:
    """Read a response whose body ends in an exclamation mark, as the raw application's does."""
    received = b""
    while not received.endswith(b"!"):
        data = connection.recv(4096)
        if not data:
            raise ConnectionError(f"the server closed after {received!r}")
        received += data
    if not received.startswith(b"HTTP/1.1 200 "):
        raise ConnectionError(f"the server answered {received!r}")


if __name__ == "__main__":
    main()
