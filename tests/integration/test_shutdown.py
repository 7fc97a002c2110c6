"""The end of the server: what was begun is finished, and nothing holds it up for long."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.integration.serving import Certificates, Server, serving
from tests.peer import IncompleteAnswer, Peer

MARGIN = 10.0
"""Seconds that a busy machine may take for what is done at once, beyond the times that count."""


@contextmanager
def connected(server: Server) -> Iterator[Peer]:
    """Connect, and make sure that a worker has taken the connection."""
    with server.clear.connect() as peer:
        assert peer.get("/").body == b"Hello"
        yield peer


@pytest.mark.parametrize(
    ("workers", "number"),
    [(0, signal.SIGINT), (0, signal.SIGTERM), (1, signal.SIGINT), (2, signal.SIGTERM)],
)
def test_idle_connections_are_closed_at_once(
    worker_class: str, workers: int, number: signal.Signals
) -> None:
    options = ("--graceful-timeout", "60")
    with serving(worker_class, *options, workers=workers) as server, connected(server) as peer:
        server.signal(number)

        assert peer.end() == "closed"
        assert server.wait() == 0
        server.await_log("the lifespan is complete")


def test_signal_as_soon_as_it_serves(worker_class: str) -> None:
    with serving(worker_class) as server:
        server.signal()

        assert server.wait() == 0
        server.await_log("the lifespan is complete")


def test_connections_without_a_request_are_closed_soon(worker_class: str) -> None:
    with (
        serving(worker_class, "--graceful-timeout", "60") as server,
        connected(server),
        server.clear.connect() as silent,
    ):
        # Accepted by now: connections are taken in order.
        with connected(server):
            server.signal()

        assert silent.end() == "closed"
        assert server.wait() == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_request_within_the_grace_is_finished(worker_class: str, workers: int) -> None:
    options = ("--graceful-timeout", "60")
    with serving(worker_class, *options, workers=workers) as server, connected(server) as peer:
        peer.send(peer.head("/echo", method="POST", length=10) + b"first")
        _await_shutdown(server, workers)
        peer.send(b"later")
        answer = peer.answer()

        assert answer.body == b"firstlater"
        assert answer["connection"] == "close"
        assert peer.ended()
        peer.close()
        assert server.wait() == 0


def _await_shutdown(server: Server, workers: int) -> None:
    """Have the server stop, and wait until each of its workers does."""
    connections = []
    try:
        # Enough that each worker has some.
        connections = [server.clear.connect() for _ in range(8 * max(workers, 1))]
        for peer in connections:
            assert peer.get("/").body == b"Hello"
        server.signal()
        for peer in connections:
            assert peer.end() == "closed"
    finally:
        for peer in connections:
            peer.close()


def test_new_connections_are_refused_while_it_ends(worker_class: str) -> None:
    with serving(worker_class, "--graceful-timeout", "60") as server, connected(server) as peer:
        peer.send(peer.head("/echo", method="POST", length=4))
        _await_shutdown(server, 0)
        with pytest.raises(OSError, match="refused"):
            server.clear.connect()
        peer.send(b"body")

        assert peer.answer().body == b"body"
        peer.close()
        assert server.wait() == 0


def test_event_stream_is_told_at_once(worker_class: str) -> None:
    """An answer that never ends by itself: the application sees a disconnect."""
    with serving(worker_class, "--graceful-timeout", "60") as server, connected(server) as peer:
        peer.request("/endless-events?type=text/event-stream")
        assert peer.start().status == 200
        assert peer.chunk() == b"begun"
        server.signal()

        server.await_log("the application saw http.disconnect")
        assert server.wait() == 0


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_endless_answer_is_told_within_the_grace(
    worker_class: str, certificates: Certificates, scheme: str
) -> None:
    options = ("--graceful-timeout", "1")
    with serving(worker_class, *options, certificates=certificates) as server:
        endpoint = server.clear if scheme == "http" else server.encrypted
        with endpoint.connect() as peer:
            peer.request("/endless-events?type=text/plain")
            assert peer.start().status == 200
            began_at = time.monotonic()
            server.signal()

            server.await_log("the application saw http.disconnect")
            assert server.wait() == 0
            assert time.monotonic() - began_at < 1 + MARGIN
            # Cut off, so that the client can tell.
            assert peer.chunk() == b"begun"
            with pytest.raises((IncompleteAnswer, ConnectionResetError)):
                peer.chunk()


@pytest.mark.parametrize("workers", [0, 1])
def test_application_that_waits_for_ever_is_cancelled(worker_class: str, workers: int) -> None:
    options = ("--graceful-timeout", "1")
    with serving(worker_class, *options, workers=workers) as server, connected(server) as peer:
        peer.request("/wait?gate=never")
        began_at = time.monotonic()
        _await_shutdown(server, workers)

        assert peer.answer().status == 503
        assert server.wait() == 0
        assert time.monotonic() - began_at < 1 + MARGIN
        server.await_log("the lifespan is complete")


def test_unread_answer_does_not_hold_it_up(worker_class: str) -> None:
    with serving(worker_class, "--graceful-timeout", "1") as server, connected(server) as peer:
        peer.request("/endless?report=never")
        assert peer.start().status == 200
        began_at = time.monotonic()
        server.signal()

        assert server.wait() == 0
        assert time.monotonic() - began_at < 1 + MARGIN


def test_application_that_swallows_cancellation(worker_class: str) -> None:
    """The supervisor ends its process at the latest."""
    options = ("--graceful-timeout", "0.5", "--shutdown-timeout", "0.5")
    with serving(worker_class, *options, workers=1) as server, connected(server) as peer:
        peer.request("/swallow-cancellation")
        assert peer.start().status == 200
        began_at = time.monotonic()
        server.signal()
        server.wait()

        # It adds two seconds to what it has granted.
        assert time.monotonic() - began_at < 0.5 + 0.5 + 2 + MARGIN
