"""What the options on WebSocket do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.serving import Certificates, Server, serving
from tests.integration.websocket_compression import Inflater, deflated
from tests.integration.websocket_ways import VERSIONS, Way
from tests.websocket_peer import Opcode, binary, continuation, frame, ping, text

LIMIT = 1000
OFFER = ("Sec-WebSocket-Extensions", "permessage-deflate")


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def small(worker_class: str) -> Iterator[Server]:
    """Serve with a limit that is quickly reached."""
    options = ("--websocket-max-message-size", str(LIMIT))
    with serving(worker_class, *options) as running:
        yield running


class TestMessageSize:
    def test_largest(self, small: Server, version: str) -> None:
        with Way(small.clear, version).open("/echo", OFFER) as websocket:
            inflater = Inflater()
            for message in (
                text("x" * LIMIT),
                text("x", fin=False) + continuation(b"x" * (LIMIT - 1), fin=True),
                frame(Opcode.TEXT, deflated(b"x" * LIMIT), reserved=4),
            ):
                websocket.send(message)
                assert inflater.content(websocket.frame()) == b"x" * LIMIT
            websocket.leave()

    @pytest.mark.parametrize(
        "data",
        [
            text("x" * (LIMIT + 1)),
            text("x", fin=False) + continuation(b"x" * LIMIT),
            text("\u20ac" * (LIMIT // 3 + 1)),
            frame(Opcode.TEXT, deflated(b"x" * (LIMIT + 1)), reserved=4),
            frame(Opcode.BINARY, deflated(bytes(10_000_000)), reserved=4),
        ],
        ids=["frame", "fragments", "in UTF-8", "inflated", "bomb"],
    )
    def test_larger(self, small: Server, version: str, data: bytes) -> None:
        with Way(small.clear, version).open("/echo", OFFER) as websocket:
            websocket.send(data)

            assert websocket.closure()[0] == 1009


def test_no_compression() -> None:
    with serving("asyncio", "--no-websocket-permessage-deflate") as server:
        for version in VERSIONS:
            with Way(server.clear, version).open("/echo", OFFER) as websocket:
                assert websocket.answer["sec-websocket-extensions"] is None
                assert websocket.ask("x" * 1000) == "x" * 1000
                websocket.leave()


@pytest.mark.parametrize("engine", ["builtin", "websockets", "wsproto"])
def test_engines(engine: str, certificates: Certificates) -> None:
    """That they are used; what they do is tested where they are."""
    options = ("--websocket-engine", engine)
    with serving("asyncio", *options, certificates=certificates) as server:
        for version in VERSIONS:
            with Way(server.encrypted, version).open("/echo") as websocket:
                assert websocket.ask("Hello") == "Hello"
                websocket.send(binary(bytes(200_000)))
                assert websocket.message() == bytes(200_000)
                websocket.send(ping(b"there?"))
                assert websocket.pong() == b"there?"
                websocket.send(frame(3))
                assert websocket.closure()[0] == 1002


def test_access_log(worker_class: str, tmp_path: Path) -> None:
    """A line for each handshake, and one for each that was refused."""
    log = tmp_path / "access"
    form = "%(m)s %(U)s %(H)s %(s)s"
    with serving(worker_class, "--access-logfile", str(log), "--access-logformat", form) as server:
        for version in VERSIONS:
            way = Way(server.clear, version)
            with way.open("/echo") as websocket:
                websocket.ask("Hello")
                websocket.leave()
            for target in ("/deny", "/deny-by-response?status=401", "/leave-first"):
                way.refusal(target)
        server.signal()
        assert server.wait() == 0

    lines = [line.rpartition("] ")[2] for line in log.read_text().splitlines()]
    assert sorted(lines) == [
        *("GET /deny 1.1 403", "GET /deny 2 403"),
        *("GET /deny-by-response 1.1 401", "GET /deny-by-response 2 401"),
        *("GET /echo 1.1 101", "GET /echo 2 200"),
        *("GET /leave-first 1.1 500", "GET /leave-first 2 500"),
    ]
