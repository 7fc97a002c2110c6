"""The end of the server, as WebSockets see it: both sides are told, and none holds it up."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.integration.serving import Certificates, Server, serving
from tests.integration.websocket_ways import VERSIONS, HTTP2Connection, Way
from tests.websocket_peer import text

MARGIN = 10.0
"""Seconds that a busy machine may take for what is done at once, beyond the times that count."""

GOING_AWAY = 1001
SERVICE_RESTART = 1012


@pytest.fixture(params=[0, 2])
def patient(
    request: pytest.FixtureRequest, worker_class: str, certificates: Certificates
) -> Iterator[Server]:
    options = ("--graceful-timeout", "60")
    with serving(
        worker_class, *options, certificates=certificates, workers=request.param
    ) as server:
        yield server


def ways(server: Server) -> list[Way]:
    return [
        Way(endpoint, version)
        for endpoint in (server.clear, server.encrypted)
        for version in VERSIONS
    ]


def test_both_sides_are_told(patient: Server) -> None:
    """And the server ends as soon as they have agreed."""
    with ExitStack() as stack:
        websockets = [stack.enter_context(way.open("/stay")) for way in ways(patient)]
        for websocket in websockets:
            websocket.send(text("Hello"))
        patient.signal()

        assert [websocket.goodbye() for websocket in websockets] == [(GOING_AWAY, "")] * 4
    assert patient.wait() == 0
    told = f"the WebSocket ended with {GOING_AWAY}\n"
    assert patient.log.count(told) == 4
    assert patient.log.count("the lifespan is complete") >= 1


def test_clients_that_leave_at_once(worker_class: str, certificates: Certificates) -> None:
    """A reset when told so is no reason for a fuss."""
    options = ("--graceful-timeout", "60")
    with serving(worker_class, *options, certificates=certificates) as server:
        with ExitStack() as stack:
            websockets = [stack.enter_context(way.open("/stay")) for way in ways(server)]
            server.signal()
            for websocket in websockets:
                assert websocket.closure() == (GOING_AWAY, "")
                websocket.stream.reset()

        assert server.wait() == 0
    assert "Traceback" not in server.log


def test_neighbours_on_the_connection(worker_class: str, certificates: Certificates) -> None:
    """Requests that have begun are finished."""
    with (
        serving(worker_class, "--graceful-timeout", "60", certificates=certificates) as server,
        Way(server.encrypted, "2").connect() as connection,
    ):
        assert isinstance(connection, HTTP2Connection)
        websockets = [connection.open("/stay") for _ in range(3)]
        peer = connection.peer
        upload = peer.request("/echo", method="POST", end=False)
        peer.upload(upload, b"first", end=False)
        peer.settle()
        server.signal()
        assert [websocket.goodbye() for websocket in websockets] == [(GOING_AWAY, "")] * 3
        peer.upload(upload, b"later")

        assert peer.answer(upload).body == b"firstlater"
        peer.read_until(lambda: len(peer.goodbyes) > 1)
        peer.sock.close()
        assert server.wait() == 0


class TestNobodyHoldsItUp:
    def test_clients_that_do_not_close(
        self, worker_class: str, certificates: Certificates
    ) -> None:
        """Nor applications that do not notice; their clients are told all the same."""
        options = ("--graceful-timeout", "2", "--websocket-close-timeout", "60")
        with (
            serving(worker_class, *options, certificates=certificates) as server,
            ExitStack() as stack,
        ):
            websockets = [
                stack.enter_context(way.open(target))
                for way in ways(server)
                for target in ("/stay", "/stay-for-ever")
            ]
            began_at = time.monotonic()
            server.signal()
            for websocket in websockets:
                assert websocket.closure() == (GOING_AWAY, "")

            assert server.wait() == 0
            assert time.monotonic() - began_at < 2 + MARGIN

    def test_clients_that_do_not_read(
        self, worker_class: str, certificates: Certificates, gate: str
    ) -> None:
        target = f"/push?messages=1000&size=65536&name={gate}"
        with (
            serving(worker_class, "--graceful-timeout", "1", certificates=certificates) as server,
            ExitStack() as stack,
        ):
            for way in ways(server):
                stack.enter_context(way.open(target))
            began_at = time.monotonic()
            server.signal()

            assert server.wait() == 0
            assert time.monotonic() - began_at < 1 + MARGIN

    def test_handshakes_that_nobody_answers(
        self, worker_class: str, certificates: Certificates, gate: str
    ) -> None:
        """The application is told, and need not answer."""
        with (
            serving(worker_class, "--graceful-timeout", "1", certificates=certificates) as server,
            ExitStack() as stack,
        ):
            connections = [stack.enter_context(way.connect()) for way in ways(server)]
            for connection in connections:
                connection.ask(f"/hesitate?gate={gate}")
                with server.clear.connect() as peer:
                    assert peer.get(f"/pass?gate={gate}-begun").status == 200
            server.signal(signal.SIGINT)

            for connection in connections:
                assert connection.answer().status == 503
            assert server.wait() == 0


def test_new_worker(worker_class: str) -> None:
    """Another one takes the place of one that has served enough: clients may come again."""
    options = ("--max-requests", "3", "--graceful-timeout", "60")
    with serving(worker_class, *options, workers=1) as server:
        with ExitStack() as stack:
            websockets = [
                stack.enter_context(Way(server.clear, version).open("/stay"))
                for version in VERSIONS
            ]
            with server.clear.connect() as peer:
                assert peer.get("/").status == 200

            told = [websocket.goodbye() for websocket in websockets]
            assert told == [(SERVICE_RESTART, "")] * 2
        with Way(server.clear, "1.1").open("/echo") as websocket:
            assert websocket.ask("Hello") == "Hello"
            assert websocket.leave() == (1000, "")
