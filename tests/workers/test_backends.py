"""What every backend has to do, on its own loop with real sockets: one body for all of them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable
from contextvars import ContextVar
from pathlib import Path
from queue import Queue
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from hypercorn_asgi.errors import LifespanFailureError, LifespanTimeoutError
from hypercorn_asgi.wrappers import WSGIWrapper
from hypercorn_protocols import HTTP1Settings
from hypercorn_workers import Worker, WorkerSettings
from tests.peer import TIMEOUT, IncompleteAnswer, Peer
from tests.workers.by_hand import Notes, Receive, Send, body, hello, read, start
from tests.workers.loops import Certificate, Served

Encryption = Certificate | None


async def echo(scope: Any, receive: Receive, send: Send) -> None:
    """Answer piece by piece as the request comes."""
    await start(send)
    more = True
    while more:
        message = await receive()
        more = message.get("more_body", False)
        await body(send, message.get("body", b""), more=more)


async def show_path(scope: Any, receive: Receive, send: Send) -> None:
    await start(send)
    await body(send, scope["path"].encode())


class Reporter:
    """An application that waits for a disconnect and reports what it has seen."""

    def __init__(self) -> None:
        self.reports: Queue[Any] = Queue()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Wait."""
        if scope["type"] != "http":
            raise ValueError
        self.reports.put("begun")
        while (await receive())["type"] != "http.disconnect":
            pass
        try:
            await hello(scope, receive, send)
        except OSError as error:
            self.reports.put(type(error).__name__)

    def next(self) -> Any:
        """Wait for the next report."""
        return self.reports.get(timeout=TIMEOUT)


class TestTransfer:
    def test_requests_and_answers(self, backend: str, encryption: Encryption) -> None:
        with Served(backend, hello, certificate=encryption) as served, served.connect() as peer:
            assert served.addresses[0].startswith("https:" if encryption else "http:")
            for _ in range(3):
                assert peer.get("/").body == b"Hello"

    def test_pipelining(self, backend: str, encryption: Encryption) -> None:
        with (
            Served(backend, show_path, certificate=encryption) as served,
            served.connect() as peer,
        ):
            peer.send(b"".join(peer.head(f"/{number}") for number in range(200)))

            for number in range(200):
                assert peer.answer().body == b"/%d" % number

    def test_both_directions_at_once(self, backend: str, encryption: Encryption) -> None:
        """More than all buffers hold: neither side waits for the other for ever."""
        block, count = bytes(range(256)) * 256, 100
        with Served(backend, echo, certificate=encryption) as served, served.connect() as peer:
            peer.send(peer.head("/", method="POST", length=count * len(block)))
            peer.send_and_read(block * count)
            answer = peer.answer()

        assert answer.body == block * count

    def test_many_connections(self, backend: str) -> None:
        with Served(backend, hello) as served:
            peers = [served.connect() for _ in range(100)]
            for peer in peers:
                peer.request("/")
            bodies = [peer.answer().body for peer in peers]
            for peer in peers:
                peer.close()

        assert bodies == [b"Hello"] * 100

    def test_several_listeners(self, backend: str) -> None:
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
        ports = [sock.getsockname()[1] for sock in sockets]
        with Served(backend, hello, sockets=sockets) as served:
            assert served.addresses == [f"http://127.0.0.1:{port}" for port in ports]
            for index in range(3):
                with served.connect(index) as peer:
                    assert peer.get("/").body == b"Hello"
        assert [sock.fileno() for sock in sockets] == [-1] * 3

    def test_unix_socket(self, backend: str) -> None:
        scopes: list[Any] = []

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            scopes.append(scope)
            await hello(scope, receive, send)

        with TemporaryDirectory(prefix="hc") as folder:
            path = str(Path(folder) / "socket")
            listening = socket.socket(socket.AF_UNIX)
            listening.bind(path)
            with Served(backend, app, sockets=[listening]) as served:
                assert served.addresses == [f"http://unix:{path}"]
                with socket.socket(socket.AF_UNIX) as sock:
                    sock.settimeout(TIMEOUT)
                    sock.connect(path)
                    with Peer(sock, "a") as peer:
                        assert peer.get("/").body == b"Hello"

        assert scopes[-1]["client"] is None
        assert scopes[-1]["server"] == (path, None)

    def test_addresses(self, backend: str, encryption: Encryption) -> None:
        scopes: list[Any] = []

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            scopes.append(scope)
            await hello(scope, receive, send)

        with Served(backend, app, certificate=encryption) as served, served.connect() as peer:
            local, remote = peer.sock.getsockname(), peer.sock.getpeername()
            peer.get("/")

        assert scopes[-1]["client"] == local
        assert scopes[-1]["server"] == remote
        assert ("tls" in scopes[-1]["extensions"]) is (encryption is not None)


class TestEnds:
    def test_connection_close(self, backend: str, encryption: Encryption) -> None:
        with Served(backend, hello, certificate=encryption) as served, served.connect() as peer:
            assert peer.get("/", "Connection: close").body == b"Hello"
            assert peer.end() == "closed"

    def test_half_closed_client_is_answered(self, backend: str) -> None:
        with Served(backend, hello) as served, served.connect() as peer:
            peer.request("/")
            peer.half_close()

            assert peer.answer().body == b"Hello"
            assert peer.end() == "closed"

    def test_half_closed_client_gets_a_long_answer(self, backend: str) -> None:
        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await start(send)
            for _ in range(100):
                await body(send, b"x" * 65_536, more=True)
            await body(send, b"")

        with Served(backend, app) as served, served.connect() as peer:
            peer.request("/")
            peer.half_close()

            assert len(peer.answer().body) == 6_553_600

    @pytest.mark.parametrize("leave", [Peer.close, Peer.reset], ids=["close", "reset"])
    def test_client_leaves(self, backend: str, encryption: Encryption, leave: Any) -> None:
        app = Reporter()
        with Served(backend, app, certificate=encryption) as served:
            peer = served.connect()
            peer.request("/")
            assert app.next() == "begun"
            leave(peer)

            assert app.next() == "ClientDisconnected"

    def test_client_leaves_within_its_answer(self, backend: str, encryption: Encryption) -> None:
        errors: Queue[str] = Queue()

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            try:
                await start(send)
                while True:
                    await body(send, b"x" * 65_536, more=True)
            except OSError as error:
                errors.put(type(error).__name__)

        with Served(backend, app, certificate=encryption) as served:
            with served.connect() as peer:
                peer.request("/")
                assert peer.start().status == 200
            assert errors.get(timeout=TIMEOUT) == "ClientDisconnected"

    def test_cut_off_answer_is_no_complete_one(self, backend: str, encryption: Encryption) -> None:
        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await start(send)
            await body(send, b"begun", more=True)

        with Served(backend, app, certificate=encryption) as served, served.connect() as peer:
            peer.request("/")
            assert peer.start().status == 200
            assert peer.chunk() == b"begun"
            with pytest.raises((IncompleteAnswer, ConnectionResetError)):
                peer.chunk()

    def test_abort_is_a_reset(self, backend: str) -> None:
        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await start(send)
            await body(send, b"begun", more=True)

        with Served(backend, app) as served, served.connect() as peer:
            peer.send(b"GET / HTTP/1.0\r\n\r\n")

            assert peer.end() == "reset"

    def test_unread_answer(self, backend: str, encryption: Encryption) -> None:
        errors: Queue[str] = Queue()

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            try:
                await start(send)
                while True:
                    await body(send, b"x" * 65_536, more=True)
            except OSError as error:
                errors.put(type(error).__name__)

        settings = WorkerSettings(write_idle_timeout=0.3)
        with (
            Served(backend, app, settings, encryption) as served,
            served.connect() as peer,
        ):
            peer.request("/")

            assert errors.get(timeout=TIMEOUT) == "ClientDisconnected"

    def test_idle_connection(self, backend: str, encryption: Encryption) -> None:
        settings = WorkerSettings(http1=HTTP1Settings(keep_alive_timeout=0.1))
        with (
            Served(backend, hello, settings, encryption) as served,
            served.connect() as peer,
        ):
            assert peer.get("/").body == b"Hello"
            assert peer.end() == "closed"

    def test_request_that_came_while_the_loop_was_held_up(
        self, backend: str, encryption: Encryption
    ) -> None:
        """By an application that blocks, for longer than the connection may be idle."""

        def hold_up(worker: Worker) -> None:
            peer.request("/")
            time.sleep(1.1)

        settings = WorkerSettings(http1=HTTP1Settings(keep_alive_timeout=1.0))
        with Served(backend, hello, settings, encryption) as served:
            for _ in range(2):  # on some loops it is a matter of chance what comes first
                with served.connect() as peer:
                    assert peer.get("/").body == b"Hello"
                    served.call(hold_up)
                    assert peer.answer().body == b"Hello"

    def test_refused_upload(self, backend: str) -> None:
        """Its client can read why (RFC 9112 section 9.6)."""
        with Served(backend, hello) as served, served.connect() as peer:
            peer.send(peer.head("/", method="POST", length=4_000_000))
            for _ in range(61):
                peer.send(b"x" * 65_536)

            assert peer.answer().body == b"Hello"

    def test_failed_handshakes(self, backend: str, certificate: Certificate) -> None:
        settings = WorkerSettings(ssl_handshake_timeout=0.2)
        with Served(backend, hello, settings, certificate) as served:
            port = int(served.addresses[0].rpartition(":")[2])
            for data in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01"):
                sock = socket.create_connection(("127.0.0.1", port), TIMEOUT)
                with Peer(sock, "a") as plain:
                    plain.send(data)
                    assert b"HTTP" not in plain.rest()
            with served.connect() as peer:
                assert peer.get("/").body == b"Hello"


class TestTasks:
    def test_each_request_has_a_context(self, backend: str) -> None:
        seen: ContextVar[str] = ContextVar("seen", default="nothing")
        found: list[str] = []

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                raise ValueError
            await read(receive)
            found.append(seen.get())
            seen.set(scope["path"])
            await hello(scope, receive, send)

        with Served(backend, app) as served, served.connect() as peer:
            waiting = peer.head("/upload", method="POST", length=1)
            peer.send((peer.head("/a") + waiting + b"x") * 3 + waiting)
            for _ in range(6):
                assert peer.answer().body == b"Hello"
            peer.send(b"x" + peer.head("/b"))
            assert peer.answer().body == b"Hello"
            assert peer.answer().body == b"Hello"

        assert found == ["nothing"] * 8

    def test_work_after_the_answer(self, backend: str, encryption: Encryption) -> None:
        done: Queue[str] = Queue()

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await hello(scope, receive, send)
            await receive()
            done.put(scope["path"])

        with Served(backend, app, certificate=encryption) as served, served.connect() as peer:
            for _ in range(3):
                assert peer.get("/").body == b"Hello"
                assert done.get(timeout=TIMEOUT) == "/"

    def test_application_errors(self, backend: str) -> None:
        async def app(scope: Any, receive: Receive, send: Send) -> None:
            raise ValueError(scope["type"])

        notes = Notes()
        with Served(backend, app, observer=notes) as served, served.connect() as peer:
            assert [peer.get("/").status for _ in range(2)] == [500, 500]

        assert [str(error) for error in notes.unsupported] == ["lifespan"]
        assert [str(error) for error in notes.failed] == ["http"] * 2
        assert [(status, whole) for status, whole, _ in notes.finished] == [(500, True)] * 2
        assert notes.addresses == served.addresses

    def test_wsgi(self, backend: str, encryption: Encryption) -> None:
        def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain")])
            while piece := environ["wsgi.input"].read(4):
                yield piece.upper()

        wrapped = WSGIWrapper(app, 1000)
        with Served(backend, wrapped, certificate=encryption) as served, served.connect() as peer:
            peer.send(peer.head("/", method="POST", length=8) + b"abcd")
            assert peer.start().status == 200
            assert peer.chunk() == b"ABCD"
            peer.send(b"efgh")
            assert peer.chunk() == b"EFGH"
            assert peer.chunk() == b""
            peer.request("/", method="POST", body=b"x" * 1001)
            assert peer.answer().status == 413

    def test_many_threads(self, backend: str) -> None:
        """As many as meet here run at once."""
        meeting = threading.Barrier(4, timeout=TIMEOUT)

        def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            meeting.wait()
            start_response("200 OK", [])
            return [b"met"]

        with Served(backend, WSGIWrapper(app, 1000)) as served:
            peers = [served.connect() for _ in range(4)]
            for peer in peers:
                peer.request("/")
            bodies = [peer.answer().body for peer in peers]
            for peer in peers:
                peer.close()

        assert bodies == [b"met"] * 4


class TestLifespan:
    def test_whole_life(self, backend: str) -> None:
        events: list[str] = []

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                events.append(scope["state"]["key"])
                await hello(scope, receive, send)
                return
            for _ in range(2):
                message = await receive()
                events.append(message["type"])
                scope["state"]["key"] = "value"
                await send({"type": f"{message['type']}.complete"})

        with Served(backend, app) as served, served.connect() as peer:
            peer.get("/")

        assert events == ["lifespan.startup", "value", "lifespan.shutdown"]

    def test_failure(self, backend: str) -> None:
        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await receive()
            await send({"type": "lifespan.startup.failed", "message": "no database"})

        with pytest.raises(LifespanFailureError, match="no database"), Served(backend, app):
            pass

    def test_timeout(self, backend: str) -> None:
        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await receive()
            await receive()

        settings = WorkerSettings(startup_timeout=0.1)
        with pytest.raises(LifespanTimeoutError), Served(backend, app, settings):
            pass


class TestShutdown:
    def test_idle(self, backend: str, encryption: Encryption) -> None:
        settings = WorkerSettings(graceful_timeout=10 * TIMEOUT)
        with Served(backend, hello, settings, encryption) as served, served.connect() as peer:
            assert peer.get("/").body == b"Hello"
            served.stop()

            assert peer.end() == "closed"
            peer.close()
            served.join()

    def test_within_a_request(self, backend: str, encryption: Encryption) -> None:
        settings = WorkerSettings(graceful_timeout=10 * TIMEOUT)
        with (
            Served(backend, echo, settings, encryption) as served,
            served.connect() as peer,
            served.connect() as idle,
        ):
            peer.send(peer.head("/", method="POST", length=4) + b"ab")
            assert peer.start().status == 200
            assert peer.chunk() == b"ab"
            assert idle.get("/").status == 200
            served.stop()
            assert idle.end() == "closed"
            with pytest.raises(OSError, match="refused"):
                served.open()
            peer.send(b"cd")

            assert peer.chunk() == b"cd"
            assert peer.chunk() == b""
            assert peer.end() == "closed"
            peer.close()
            served.join()

    def test_waiting_application(self, backend: str, encryption: Encryption) -> None:
        app = Reporter()
        settings = WorkerSettings(graceful_timeout=0.3)
        with Served(backend, app, settings, encryption) as served, served.connect() as peer:
            peer.request("/")
            assert app.next() == "begun"
            served.stop()

            assert app.next() == "ClientDisconnected"
            served.join()

    def test_unread_answer(self, backend: str, encryption: Encryption) -> None:
        begun = threading.Event()

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await start(send)
            while True:
                await body(send, b"x" * 65_536, more=True)
                begun.set()

        settings = WorkerSettings(graceful_timeout=0.3)
        with Served(backend, app, settings, encryption) as served, served.connect() as peer:
            peer.request("/")
            assert begun.wait(TIMEOUT)
            served.stop()
            served.join()

    def test_after_the_last_request(self, backend: str) -> None:
        settings = WorkerSettings(max_requests=2)
        with Served(backend, hello, settings) as served, served.connect() as peer:
            assert peer.get("/").body == b"Hello"
            assert peer.get("/").body == b"Hello"
            served.join()

    def test_failing_listeners(self, backend: str) -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        listening.close()
        with pytest.raises(OSError), Served(backend, hello, sockets=[listening]):  # noqa: PT011
            pass
