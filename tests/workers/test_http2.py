"""HTTP/2 on every backend with real sockets, asked by a client that is not ours."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from hypercorn_protocols import HTTP1Settings, HTTP2Settings
from hypercorn_workers import WorkerSettings
from tests.h2_peer import H2Peer
from tests.peer import TIMEOUT
from tests.workers.by_hand import Notes, Receive, Send, body, hello, read, start
from tests.workers.loops import Certificate, Served

Encryption = Certificate | None
CLEAR = WorkerSettings(http1=HTTP1Settings(switch_to_http2=True))


async def echo(scope: Any, receive: Receive, send: Send) -> None:
    """Answer piece by piece as the request comes."""
    await start(send)
    more = True
    while more:
        message = await receive()
        more = message.get("more_body", False)
        await body(send, message.get("body", b""), more=more)


async def version(scope: Any, receive: Receive, send: Send) -> None:
    await start(send)
    await body(send, scope["http_version"].encode() + b" " + scope["path"].encode())


def connect(served: Served, encryption: Encryption, **options: Any) -> H2Peer:
    port = int(served.addresses[0].rpartition(":")[2])
    tls = None if encryption is None else encryption.http2_client
    return H2Peer.connect("127.0.0.1", port, tls=tls, **options)


class TestTransfer:
    def test_requests_at_once(self, backend: str, encryption: Encryption) -> None:
        with (
            Served(backend, version, CLEAR, encryption) as served,
            connect(served, encryption) as peer,
        ):
            stream_ids = [peer.request(f"/{number}") for number in range(50)]
            responses = peer.all_responses(stream_ids)

        assert [each.status for each in responses] == [200] * 50
        assert [each.body for each in responses] == [b"2 /%d" % number for number in range(50)]

    def test_both_directions_at_once(self, backend: str, encryption: Encryption) -> None:
        content = bytes(range(256)) * 8192  # 2 MiB: more than all windows and buffers hold
        with (
            Served(backend, echo, CLEAR, encryption) as served,
            connect(served, encryption) as peer,
        ):
            stream_id = peer.request("/", method="POST", body=content)
            response = peer.response(stream_id)

        assert response.body == content

    def test_trailers_and_interim_responses(self, backend: str, encryption: Encryption) -> None:
        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await send({"type": "http.response.early_hint", "links": [b"</a>"]})
            await send({"type": "http.response.start", "status": 200, "trailers": True})
            await body(send, b"message")
            trailers = [(b"grpc-status", b"0")]
            await send({"type": "http.response.trailers", "headers": trailers})

        with (
            Served(backend, app, CLEAR, encryption) as served,
            connect(served, encryption) as peer,
        ):
            response = peer.get("/", ("te", "trailers"))

        assert response.interim == [103]
        assert response.body == b"message"
        assert response.trailers == [(b"grpc-status", b"0")]

    def test_push(self, backend: str, encryption: Encryption) -> None:
        async def app(scope: Any, receive: Receive, send: Send) -> None:
            if scope["path"] == "/":
                assert "http.response.push" in scope["extensions"]
                await send({"type": "http.response.push", "path": "/ü", "headers": []})
            await version(scope, receive, send)

        with (
            Served(backend, app, CLEAR, encryption) as served,
            connect(served, encryption) as peer,
        ):
            assert peer.get("/").body == b"2 /"
            pushed = peer.response(2)

        assert pushed.promised is not None
        assert (b":path", b"/%C3%BC") in pushed.promised
        assert pushed.body == "2 /ü".encode()

    def test_push_to_who_does_not_want_it(self, backend: str, encryption: Encryption) -> None:
        async def app(scope: Any, receive: Receive, send: Send) -> None:
            assert "http.response.push" not in scope["extensions"]
            await send({"type": "http.response.push", "path": "/a", "headers": []})
            await version(scope, receive, send)

        with (
            Served(backend, app, CLEAR, encryption) as served,
            connect(served, encryption, push=False) as peer,
        ):
            assert peer.get("/").body == b"2 /"
            peer.ping()
            assert list(peer.responses) == [1]

    def test_a_stream_that_is_not_read_holds_up_nobody(
        self, backend: str, encryption: Encryption
    ) -> None:
        sent: list[int] = []

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            if scope["path"] != "/stream":
                await hello(scope, receive, send)
                return
            await start(send)
            for _ in range(1000):
                await body(send, bytes(16_384), more=True)
                sent.append(16_384)
            await body(send, b"")

        with (
            Served(backend, app, CLEAR, encryption) as served,
            connect(served, encryption, gives_credit=False) as peer,
        ):
            stalled = peer.request("/stream")
            # The connection's window is large, that of the stream is what it was.
            peer.h2.increment_flow_control_window(2**24)
            peer.flush()
            for _ in range(20):
                assert peer.get("/").body == b"Hello"
            assert sum(sent) < 400_000
            peer.gives_credit = True
            peer.credit(stalled, 2**24)
            assert len(peer.response(stalled).body) == 16_384_000


class TestNegotiation:
    def test_without_alpn_it_is_http1(self, backend: str, certificate: Certificate) -> None:
        with (
            Served(backend, version, CLEAR, certificate) as served,
            served.connect() as peer,
        ):
            assert peer.get("/").body == b"1.1 /"

    def test_clear_text_starts_as_http1(self, backend: str) -> None:
        with Served(backend, version, CLEAR) as served, served.connect() as peer:
            assert peer.get("/").body == b"1.1 /"

    def test_a_preface_in_pieces(self, backend: str) -> None:
        with Served(backend, version, CLEAR) as served:
            peer = H2Peer(served.open())
            with peer:
                peer.h2.initiate_connection()
                for byte in peer.h2.data_to_send():
                    peer.send_raw(bytes([byte]))
                assert peer.get("/").body == b"2 /"

    def test_upgrade(self, backend: str) -> None:
        with Served(backend, version, CLEAR) as served, H2Peer(served.open()) as peer:
            peer.upgrade()
            assert peer.response(1).body == b"2 /"
            assert peer.get("/next").body == b"2 /next"

    def test_upgrade_is_not_offered(self, backend: str) -> None:
        settings = "AAMAAABkAAQAAP__"
        with Served(backend, version) as served, served.connect() as peer:
            answer = peer.get(
                "/",
                "Connection: Upgrade, HTTP2-Settings",
                "Upgrade: h2c",
                f"HTTP2-Settings: {settings}",
            )

        assert answer.status == 200
        assert answer.body == b"1.1 /"


class TestEnds:
    def test_graceful_shutdown(self, backend: str, encryption: Encryption) -> None:
        """What was begun is finished, and the client is told to begin nothing more."""
        begun = threading.Event()

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                raise ValueError
            begun.set()
            await start(send)
            await body(send, await read(receive))

        with (
            Served(backend, app, CLEAR, encryption) as served,
            connect(served, encryption) as peer,
        ):
            stream_id = peer.request("/", method="POST", body=b"con", end=False)
            assert begun.wait(TIMEOUT)
            served.stop()
            peer.read_until(lambda: bool(peer.goodbyes))
            assert peer.goodbyes[0] == (2**31 - 1, 0)
            peer.send_frame(0, 1, stream_id, b"tent")  # h2 sends nothing after a GOAWAY
            peer.read_to_end()

        assert peer.responses[stream_id].body == b"content"
        assert peer.goodbyes[-1] == (stream_id, 0)

    def test_applications_are_told_of_a_lost_connection(
        self, backend: str, encryption: Encryption
    ) -> None:
        told = threading.Semaphore(0)
        begun = threading.Semaphore(0)

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                raise ValueError
            begun.release()
            while (await receive())["type"] != "http.disconnect":
                pass
            told.release()

        with Served(backend, app, CLEAR, encryption) as served:
            with connect(served, encryption) as peer:
                for _ in range(3):
                    peer.request("/", method="POST", end=False)
                for _ in range(3):
                    assert begun.acquire(timeout=TIMEOUT)
            for _ in range(3):
                assert told.acquire(timeout=TIMEOUT)

    def test_a_reset_tells_the_application(self, backend: str, encryption: Encryption) -> None:
        notes = Notes()
        told = threading.Event()

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            if scope["path"] == "/":
                await read(receive)
                told.set()
                return
            await hello(scope, receive, send)

        with (
            Served(backend, app, CLEAR, encryption, notes) as served,
            connect(served, encryption) as peer,
        ):
            stream_id = peer.request("/", method="POST", end=False)
            peer.reset(stream_id)
            assert told.wait(TIMEOUT)
            assert peer.get("/next").body == b"Hello"

    @pytest.mark.parametrize("limit", [1, 3])
    def test_streams_are_counted(self, backend: str, encryption: Encryption, limit: int) -> None:
        settings = WorkerSettings(
            http1=HTTP1Settings(switch_to_http2=True),
            http2=HTTP2Settings(max_concurrent_streams=limit),
        )
        with (
            Served(backend, hello, settings, encryption) as served,
            connect(served, encryption) as peer,
        ):
            peer.ping()
            for _ in range(10):
                responses = peer.all_responses([peer.request("/") for _ in range(limit)])
                assert [each.body for each in responses] == [b"Hello"] * limit
