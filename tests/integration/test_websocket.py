"""What a WebSocket is for: an application is told of a client, and messages go both ways."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.gates import await_gate, open_gate
from tests.integration.serving import Certificates, Endpoint, Server
from tests.integration.websocket_ways import ACCEPT, KEY, Way
from tests.websocket_peer import CLEAR, Opcode, binary, continuation, frame, ping, pong, text

MEBIBYTE = 2**20


def scope_of(way: Way, target: str, *fields: tuple[str, str]) -> Any:
    with way.open(target, *fields) as websocket:
        content = websocket.message()
        websocket.leave()
    return json.loads(content)


class TestScope:
    def test_whole(self, way: Way) -> None:
        origin = ("Origin", "https://example.org")
        twice = [("X-Twice", "1"), ("X-Twice", "2")]
        offered = ("Sec-WebSocket-Protocol", "chat, superchat")
        scope = scope_of(way, "/scope/a%20b?c=%20d", origin, *twice, offered)

        fields, client, extensions = [scope.pop(k) for k in ("headers", "client", "extensions")]
        assert scope == {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.5"},
            "http_version": way.version,
            "scheme": way.scheme,
            "path": "/scope/a b",
            "raw_path": "/scope/a%20b",
            "query_string": "c=%20d",
            "root_path": "",
            "server": ["127.0.0.1", way.endpoint.port],
            "subprotocols": ["chat", "superchat"],
        }
        assert fields[0] == ["host", way.endpoint.netloc]
        assert ["origin", "https://example.org"] in fields
        assert [value for name, value in fields if name == "x-twice"] == ["1", "2"]
        assert not [name for name, _ in fields if name.startswith(":")]
        assert client[0] == "127.0.0.1"
        assert extensions["websocket.http.response"] == {}
        assert ("tls" in extensions) == (way.scheme == "wss")

    def test_client_certificate(self, server: Server, certificates: Certificates) -> None:
        context = certificates.context_with_client_certificate()
        with server.encrypted.connect(context) as peer:
            peer.request(
                "/scope",
                *("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
                f"Sec-WebSocket-Key: {KEY}",
            )
            assert peer.start()["sec-websocket-accept"] == ACCEPT
            data = peer.some()

        assert b"CN=A Client" in data

    def test_state(self, way: Way) -> None:
        """Each has a copy of its own of what the lifespan has left."""
        for _ in range(2):
            assert scope_of(way, "/state") == ["shared"]


class TestMessages:
    @pytest.mark.parametrize("content", ["Hello", "", "é€😀", "x" * 125, "x" * 126, "é" * 40_000])
    def test_text(self, way: Way, content: str) -> None:
        with way.open("/echo") as websocket:
            assert websocket.ask(content) == content
            websocket.leave()

    @pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 3 * MEBIBYTE])
    def test_binary(self, way: Way, size: int) -> None:
        content = b"\xff" * size
        with way.open("/echo") as websocket:
            websocket.send(binary(content))
            assert websocket.message() == content
            websocket.leave()

    def test_fragments(self, way: Way) -> None:
        """A character may be cut in two, and control frames may come in between."""
        cut = "a€b".encode()
        with way.open("/echo") as websocket:
            websocket.send(
                frame(Opcode.TEXT, cut[:2], fin=False),
                continuation(b""),
                ping(b"in between"),
                continuation(cut[2:3]),
                continuation(cut[3:], fin=True),
            )

            assert websocket.pong() == b"in between"
            assert websocket.message() == "a€b"
            websocket.leave()

    def test_many_at_once(self, way: Way) -> None:
        """All are answered, in their order."""
        contents = [str(number) for number in range(500)]
        with way.open("/echo") as websocket:
            websocket.send(*[text(content) for content in contents])

            assert [websocket.message() for _ in contents] == contents
            websocket.leave()

    def test_byte_by_byte(self, way: Way) -> None:
        with way.open("/echo") as websocket:
            for octet in text("Hello") + frame(Opcode.BINARY, bytes(126)):
                websocket.send(bytes([octet]))

            assert websocket.message() == "Hello"
            assert websocket.message() == bytes(126)
            websocket.leave()

    def test_mask_that_changes_nothing(self, way: Way) -> None:
        with way.open("/echo") as websocket:
            websocket.send(frame(Opcode.BINARY, b"\0" * 100_000, mask=CLEAR))

            assert websocket.message() == b"\0" * 100_000
            websocket.leave()

    def test_before_the_handshake_is_answered(self, way: Way, gate: str) -> None:
        """A client that does not wait; what it has sent is not lost."""
        with way.connect() as connection:
            connection.ask(f"/hesitate?gate={gate}")
            await_gate(way.endpoint, f"{gate}-begun")
            connection.stream().send(text("early"))
            open_gate(way.endpoint, gate)
            websocket = connection.accepted()

            assert websocket.message() == "early"
            websocket.leave()


class TestOnOneConnection:
    """What HTTP/2 has room for."""

    def test_many_and_requests_between_them(self, endpoint: Endpoint) -> None:
        with Way(endpoint, "2").connect() as connection:
            websockets = [connection.open("/echo") for _ in range(30)]
            for turn in range(3):
                for number, websocket in enumerate(websockets):
                    websocket.send(text(f"{number} in turn {turn}"))
                assert connection.get("/").body == b"Hello"
                for number, websocket in reversed(list(enumerate(websockets))):
                    assert websocket.message() == f"{number} in turn {turn}"
            for websocket in websockets:
                assert websocket.leave() == (1000, "")
            assert connection.get("/").body == b"Hello"

    def test_large_messages_at_once(self, endpoint: Endpoint) -> None:
        with Way(endpoint, "2").connect() as connection:
            websockets = [connection.open("/echo") for _ in range(3)]
            contents = [bytes([number]) * MEBIBYTE for number in range(3)]
            for websocket, content in zip(websockets, contents, strict=True):
                websocket.send(binary(content))

            assert [websocket.message() for websocket in websockets] == contents


class TestPings:
    def test_are_answered(self, way: Way) -> None:
        with way.open("/echo") as websocket:
            for payload in (b"", b"payload", bytes(125)):
                websocket.send(ping(payload))
                assert websocket.pong() == payload
            websocket.leave()

    def test_are_answered_while_the_application_is_busy(self, way: Way, gate: str) -> None:
        with way.open(f"/hold?gate={gate}") as websocket:
            websocket.send(text("unread"), ping(b"there?"))

            assert websocket.pong() == b"there?"
            open_gate(way.endpoint, gate)
            assert websocket.message()
            websocket.leave()

    def test_pong_that_nobody_asked_for(self, way: Way) -> None:
        with way.open("/echo") as websocket:
            websocket.send(pong(b"unasked"))

            assert websocket.ask("Hello") == "Hello"
            websocket.leave()
