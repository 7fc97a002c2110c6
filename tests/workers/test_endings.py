"""Why a worker ends, and what that means for those who are connected."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from hypercorn_workers import Ending, Listener, Worker
from tests.workers.by_hand import REQUEST, App, HandTransport, Receive, Send, Waiter, hello
from tests.workers.loops import Certificate, Served
from tests.workers.serving import Serve, with_lifespan

UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
PROBE = b"GET /ready?now HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n"
APP = with_lifespan(hello)


def status(transport: HandTransport) -> bytes:
    return b"".join(transport.writes).split(b" ", 2)[1]


def content(transport: HandTransport) -> bytes:
    return b"".join(transport.writes).rpartition(b"\r\n\r\n")[2]


class TestReplaced:
    def test_idle_connection_may_send_one_more_request(self, serve: Serve) -> None:
        serving = serve(APP)
        transport = serving.connect(REQUEST)
        serving.worker.begin_shutdown(Ending.REPLACED)
        serving.runtime.advance(4)
        assert serving.acceptors[0].closed
        assert transport.state == "open"
        assert transport.connection is not None
        transport.connection.data_received(REQUEST)
        serving.runtime.settle()
        assert b"connection: close" in transport.writes[-1]
        serving.runtime.advance(5)
        assert serving.has_ended()

    def test_idle_connections_are_not_waited_for_longer_than_the_grace(self, serve: Serve) -> None:
        serving = serve(APP, graceful_timeout=3.0)
        began_at = serving.runtime.now()
        transport = serving.connect(REQUEST)
        serving.worker.begin_shutdown(Ending.REPLACED)
        serving.runtime.advance(60)
        assert transport.state in ("closed", "half-closed", "lost", "aborted")
        assert serving.ended_at is not None
        assert 1.0 < serving.ended_at - began_at <= 3.0

    def test_told_again_it_loses_patience(self, serve: Serve) -> None:
        serving = serve(APP)
        serving.connect(REQUEST)
        serving.worker.begin_shutdown(Ending.REPLACED)
        serving.runtime.advance(0.5)
        assert not serving.has_ended()
        serving.worker.begin_shutdown(Ending.STOPPED)
        serving.runtime.advance(0)
        assert serving.has_ended()

    @pytest.mark.parametrize(
        ("ending", "code"),
        [(Ending.STOPPED, 1001), (Ending.REPLACED, 1012), (Ending.OUTDATED, 1012)],
    )
    def test_what_websockets_are_told(self, serve: Serve, ending: Ending, code: int) -> None:
        serving = serve(APP)
        serving.worker.begin_shutdown(ending)
        assert serving.worker.going_away_code == code


def event_stream(told: list[str]) -> App:
    """An answer that does not end by itself."""

    async def stream(scope: Any, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await receive()
        told.append((await receive())["type"])

    return stream


class TestLate:
    """What was accepted while the worker had begun to stop."""

    def test_event_stream_is_told_as_well(self, serve: Serve) -> None:
        told: list[str] = []
        serving = serve(with_lifespan(event_stream(told)), graceful_timeout=100.0)
        serving.connect()
        serving.worker.begin_shutdown(Ending.REPLACED)
        serving.runtime.settle()
        serving.connect(REQUEST)
        serving.runtime.advance(0)
        assert told == ["http.disconnect"]

    def test_websocket_is_accepted_and_then_closed(self, serve: Serve) -> None:
        async def echo(scope: Any, receive: Receive, send: Send) -> None:
            await receive()
            await send({"type": "websocket.accept"})
            assert (await receive())["type"] == "websocket.disconnect"

        serving = serve(with_lifespan(echo), graceful_timeout=100.0)
        serving.connect()
        serving.worker.begin_shutdown(Ending.REPLACED)
        serving.runtime.settle()
        transport = serving.connect(UPGRADE)
        serving.runtime.advance(0)
        assert status(transport) == b"101"
        assert b"".join(transport.writes).endswith(b"\x88\x02" + (1012).to_bytes(2, "big"))


class TestOutdated:
    def test_idle_connections_are_closed_at_once(self, serve: Serve) -> None:
        serving = serve(APP, drain_delay=5.0)
        serving.connect(REQUEST)
        serving.worker.begin_shutdown(Ending.OUTDATED)
        serving.runtime.advance(0)
        assert serving.has_ended()


class TestDrainDelay:
    def test_it_still_serves_and_says_that_it_is_not_ready(self, serve: Serve) -> None:
        serving = serve(APP, drain_delay=5.0, readiness_path="/ready")
        before = serving.connect(PROBE)
        assert status(before) == b"200"
        serving.shut_down()
        serving.runtime.advance(4.9)
        assert [each.closed for each in serving.acceptors] == [False, False]
        assert status(serving.connect(PROBE)) == b"503"
        assert content(serving.connect(REQUEST)) == b"Hello"
        serving.runtime.advance(0.2)
        assert serving.acceptors[0].closed
        serving.runtime.advance(10)
        assert serving.has_ended()

    def test_applications_are_told_when_the_drain_begins(self, serve: Serve) -> None:
        told: list[float] = []

        async def stream(scope: Any, receive: Receive, send: Send) -> None:
            await event_stream([])(scope, receive, send)
            told.append(serving.runtime.now())

        serving = serve(with_lifespan(stream), drain_delay=5.0)
        serving.connect(REQUEST)
        stopped_at = serving.shut_down()
        serving.runtime.advance(20)
        assert told == [stopped_at + 5.0]

    def test_grace_begins_after_it(self, serve: Serve) -> None:
        serving = serve(with_lifespan(Waiter()), drain_delay=5.0, graceful_timeout=2.0)
        serving.connect(REQUEST)
        stopped_at = serving.shut_down()
        serving.runtime.advance(60)
        assert serving.ended_at is not None
        assert stopped_at + 5.0 < serving.ended_at <= stopped_at + 7.0


class TestQueue:
    @pytest.mark.parametrize("ending", [Ending.STOPPED, Ending.OUTDATED])
    def test_who_waits_to_be_accepted_is_answered(self, backend: str, ending: Ending) -> None:
        """They believe that they are connected, however many they are."""
        listening = socket.create_server(("127.0.0.1", 0), backlog=200)
        address = listening.getsockname()
        clients: list[socket.socket] = []

        def come_at_the_last_moment(worker: Worker) -> None:
            for _ in range(200):
                clients.append(socket.create_connection(address))
                clients[-1].sendall(REQUEST)
            worker.exhausted = lambda: None  # it has a supervisor
            worker.begin_shutdown(ending)

        with Served(backend, hello, sockets=[listening]) as served:
            served.call(come_at_the_last_moment)
            answers = []
            for client in clients:
                with served.peer(client) as peer:
                    answers.append(peer.answer().body)
        assert answers == [b"Hello"] * 200


class TestReadiness:
    def test_probes_are_not_the_applications(self, serve: Serve) -> None:
        serving = serve(APP, readiness_path="/ready", server_names=("a",))
        transport = serving.connect(PROBE + PROBE)
        assert b"".join(transport.writes).count(b"HTTP/1.1 200") == 2
        assert serving.notes.finished == []

    def test_other_paths_are(self, serve: Serve) -> None:
        serving = serve(APP, readiness_path="/ready")
        assert content(serving.connect(PROBE.replace(b"/ready", b"/readyz"))) == b"Hello"

    @pytest.mark.parametrize("ending", [Ending.REPLACED, Ending.OUTDATED])
    def test_worker_that_is_replaced_leaves_a_server_that_is_ready(
        self, serve: Serve, ending: Ending
    ) -> None:
        serving = serve(APP, readiness_path="/ready")
        transport = serving.connect(PROBE[:10])
        serving.worker.begin_shutdown(ending)
        serving.runtime.advance(1)
        assert transport.connection is not None
        transport.connection.data_received(PROBE[10:])
        serving.runtime.settle()
        assert status(transport) == b"200"
        assert b"connection: close" in transport.writes[-1]

    def test_server_names_hold_for_the_rest(self, serve: Serve) -> None:
        serving = serve(APP, readiness_path="/ready", server_names=("a",))
        assert status(serving.connect(PROBE.replace(b"/ready", b"/other"))) == b"404"


class TestMaxRequests:
    def test_supervisor_is_told_once_and_the_worker_goes_on(self, serve: Serve) -> None:
        told: list[int] = []
        serving = serve(APP, max_requests=2)
        serving.worker.exhausted = lambda: told.append(1)
        for _ in range(4):
            assert content(serving.connect(REQUEST)) == b"Hello"
        assert told == [1]
        serving.runtime.advance(60)
        assert not serving.has_ended()


class TestAdoption:
    def test_by_hand(self, serve: Serve) -> None:
        serving = serve(APP)
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
        listeners = [Listener(sock) for sock in sockets]
        serving.worker.adopt(2, listeners[:1])
        serving.worker.adopt(3, listeners[1:2])
        serving.runtime.settle()
        *_, second, third = serving.acceptors
        serving.worker.release(2)
        assert sockets[0].fileno() == -1
        assert [second.closed, third.closed] == [True, False]
        serving.worker.release(2)
        serving.worker.adopt(3, listeners[2:])
        assert third.closed
        serving.shut_down()
        serving.runtime.advance(20)
        assert serving.acceptors[-1].closed
        serving.worker.adopt(4, [Listener(sock := socket.create_server(("127.0.0.1", 0)))])
        assert [each.fileno() for each in (*sockets, sock)] == [-1] * 4

    def test_connections_are_accepted_until_released(
        self, backend: str, encryption: Certificate | None
    ) -> None:
        """On real loops: what waited in the queue before is served as well."""
        tls = None if encryption is None else encryption.server
        with socket.create_server(("127.0.0.1", 0)) as other:
            address = other.getsockname()
            early = socket.create_connection(address)
            with Served(backend, hello, certificate=encryption) as served:
                served.call(lambda worker: worker.adopt(7, [Listener(other.dup(), tls)]))
                with served.peer(early) as peer:
                    assert peer.get("/").body == b"Hello"
                with served.peer(socket.create_connection(address)) as peer:
                    assert peer.get("/").body == b"Hello"
                served.call(lambda worker: worker.release(7))
                with socket.create_connection(address), served.connect() as peer:
                    assert peer.get("/").body == b"Hello"
                    other.setblocking(False)
                    other.accept()[0].close()  # nobody else has
