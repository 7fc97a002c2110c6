"""``python -m benchmarks.clients.slow_readers HOST PORT COUNT``: clients that hardly read.

Each asks for a large body. Once all have begun to read and the server waits for them, ``open
COUNT`` is printed; when the input ends, how many were served till then: ``held COUNT``.
"""

from __future__ import annotations

import select
import signal
import socket
import sys
import time

# Each reads this much, this often: far more than any server's least rate, far less than it could.
SIZE = 4096
INTERVAL = 0.1
# A body that is not read to its end while this runs.
REQUEST = b"GET /1073741824 HTTP/1.1\r\nHost: %s\r\n\r\n"
# Seconds of reading until buffers are full, and of the whole program, which SIGALRM ends.
SETTLING = 1.0
LIFETIME = 300


def main() -> None:
    """Connect, read slowly until the input ends, tell how many were not let down."""
    signal.alarm(LIFETIME)
    address, count = (sys.argv[1], int(sys.argv[2])), int(sys.argv[3])
    connections = [_connect(address) for _ in range(count)]
    for connection in connections:
        connection.sendall(REQUEST % address[0].encode())
    served = set(connections)
    settled_at = time.monotonic() + SETTLING
    told = False
    while not _input_ended(INTERVAL):
        served -= {connection for connection in served if not _read(connection)}
        if not told and time.monotonic() >= settled_at:
            print(f"open {len(served)}", flush=True)
            told = True
    print(f"held {len(served)}", flush=True)


def _connect(address: tuple[str, int]) -> socket.socket:
    connection = socket.socket()
    # Set before connecting, or the window that is offered is larger.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SIZE)
    connection.settimeout(10)
    connection.connect(address)
    return connection


def _read(connection: socket.socket) -> bool:
    """Read a little; tell whether the server still sends."""
    try:
        return bool(connection.recv(SIZE))
    except OSError:
        return False


def _input_ended(timeout: float) -> bool:
    readable, _, _ = select.select([sys.stdin], [], [], timeout)
    return bool(readable)


if __name__ == "__main__":
    main()
