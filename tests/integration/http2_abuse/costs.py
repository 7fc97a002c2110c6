"""What an attack costs a server, and its other clients.

Knows: how to ask the application (``apps/attacked.py``) for it.
Must not know: what the attack is.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.integration.http2_peer import http2
from tests.integration.serving import Certificates, Endpoint, Server, serving
from tests.peer import Peer

_TARGET = "tests.integration.apps.attacked:app"

MIB = 1024 * 1024

STREAMS = 100
"""The server's limit on streams at once, unless it is told otherwise."""

# How often the neighbour asks, in seconds.
_PAUSE = 0.02


@contextmanager
def attacked(
    worker_class: str, *options: str, certificates: Certificates | None = None
) -> Iterator[Server]:
    """Serve an application that knows what is asked of it, for as long as a ``with`` block lasts.

    What serving takes once and for all, such as modules and buffers, has been spent."""
    with serving(worker_class, *options, target=_TARGET, certificates=certificates) as server:
        endpoints = [server.clear] if certificates is None else [server.clear, server.encrypted]
        for endpoint in endpoints:
            with http2(endpoint) as peer:
                assert peer.get("/stream?blocks=16").status == 200
                assert peer.get("/open?gate=first").status == 200
        yield server


@dataclass
class Cost:
    """What a server has spent on an attack. Known once the attack is over."""

    cpu: float = 0.0
    """Seconds of the processor's time, a well-behaved neighbour's requests included."""
    memory: int = 0
    """By how many bytes its peak has grown."""
    apps: int = 0
    """Instances of the application alive at once, at most."""
    requests: int = 0
    """Instances of the application in all."""
    wait: float = 0.0
    """Seconds of the processor's time, at most, that went by before a neighbour was answered."""

    def check(
        self, *, cpu: float, memory: int = 16 * MIB, wait: float = 1.0, apps: int = STREAMS
    ) -> None:
        """See that it is no more than that."""
        assert self.cpu < cpu, self
        assert self.memory < memory, self
        assert self.wait < wait, self
        assert self.apps <= apps, self


@contextmanager
def costing(server: Server) -> Iterator[Cost]:
    """Measure what a ``with`` block costs the server, with a neighbour who is served meanwhile."""
    cost = Cost()
    with _Neighbour(server.clear) as neighbour:
        with server.clear.connect() as peer:
            assert peer.get("/forget-peak").status == 200
        memory = _ask(server, "/memory")
        before = _ask(server, "/cost")
        yield cost
        after = _ask(server, "/cost")
        neighbour.stop()
        cost.cpu = after["cpu"] - before["cpu"]
        cost.apps = after["most"]
        cost.requests = after["total"] - before["total"]
        cost.wait = neighbour.longest_wait
        cost.memory = _ask(server, "/memory") - memory


def await_quiet(server: Server) -> None:
    """Wait until the application has nothing more to do."""
    with server.clear.connect() as peer:
        assert peer.get("/quiet").body == b"quiet"


def open_gate(server: Server, gate: str) -> None:
    """Let the requests go on that wait for a gate of the application's."""
    with server.clear.connect() as peer:
        assert peer.get(f"/open?gate={gate}").body == b"open"


def _ask(server: Server, target: str) -> Any:
    with server.clear.connect() as peer:
        return json.loads(peer.get(target).body)


class _Neighbour:
    """Somebody who wants small answers on a connection of its own, one after another.

    How long they take is told by the server's own processor time: however busy the machine is
    otherwise, that only goes by while the server does something else."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.longest_wait = 0.0
        self._endpoint = endpoint
        self._stopped = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> _Neighbour:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stopped.set()
        self._thread.join()

    def stop(self) -> None:
        """Leave. Raises what went wrong."""
        self._stopped.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            with self._endpoint.connect() as peer:
                self._ask_on(peer)
        except Exception as failure:  # for the test's own thread
            self._failure = failure

    def _ask_on(self, peer: Peer) -> None:
        last = float(peer.get("/time").body)
        while not self._stopped.wait(_PAUSE):
            now = float(peer.get("/time").body)
            self.longest_wait = max(self.longest_wait, now - last)
            last = now
