"""Nothing that was started is left behind, and clients count what they see."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from benchmarks import memory, processes, transfers
from benchmarks.clients import keep_alive
from benchmarks.memory import Held

# A server that ends when told to, and a worker of it that does not. Both hold the pipe open.
NEGLIGENT = """
import signal, subprocess, sys, time
STUBBORN = '''
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
while True:
    signal.pause()
'''
subprocess.Popen([sys.executable, "-c", STUBBORN])
while True:
    signal.pause()
"""


def test_a_server_s_workers_end_with_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", NEGLIGENT],
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"

        processes.end(server)

        assert server.stdout.read() == b""  # the end of the pipe: nobody holds it any more


def test_what_a_connection_takes() -> None:
    assert memory.kibibytes_each(Held(10, 1000 * 1024, 1045 * 1024, 1.0)) == 4.5


@pytest.mark.parametrize(
    ("number", "source"),
    [(0, "127.0.0.1"), (99, "127.0.0.1"), (100, "127.0.0.2"), (250, "127.0.0.3")],
)
def test_ports_do_not_run_out(number: int, source: str) -> None:
    assert keep_alive.source_address(number, 100) == source


def test_a_connection_that_the_server_closed_is_not_held() -> None:
    kept, theirs = socket.socketpair()
    closed, gone = socket.socketpair()
    gone.close()
    with kept, theirs, closed:
        assert keep_alive.is_open(kept)
        assert not keep_alive.is_open(closed)


@pytest.mark.parametrize(
    ("percent", "value"), [(0, 1.0), (1, 1.0), (50, 50.0), (99, 99.0), (100, 100.0)]
)
def test_percentiles_are_values_that_occurred(percent: float, value: float) -> None:
    assert transfers.percentile([float(n) for n in range(100, 0, -1)], percent) == value
    assert transfers.percentile([7.0], percent) == 7.0
