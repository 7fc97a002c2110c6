"""WebSockets as frameworks use them, on every event loop that they run on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import socketio

from tests.integration.clients import aiohttp_session
from tests.integration.serving import WORKER_CLASSES, Certificates, Endpoint, Server, serving
from tests.integration.websocket_ways import VERSIONS, Way
from tests.websocket_peer import binary

FRAMEWORKS = {
    "starlette_websocket:app": WORKER_CLASSES,
    "fastapi_websocket:app": WORKER_CLASSES,
    "quart_websocket:app": [name for name in WORKER_CLASSES if name != "trio"],
    "quart_websocket:trio_app": ["trio"],
    "channels_websocket:app": [name for name in WORKER_CLASSES if name != "trio"],
}
COMBINATIONS = [(target, loop) for target, loops in FRAMEWORKS.items() for loop in loops]


@pytest.fixture(scope="module", params=COMBINATIONS, ids="-".join)
def framework(
    request: pytest.FixtureRequest, certificates: Certificates
) -> Iterator[tuple[str, Server]]:
    name, worker_class = request.param
    target = f"tests.integration.apps.{name}"
    with serving(worker_class, target=target, certificates=certificates) as running:
        yield name, running


@pytest.fixture(params=[(scheme, version) for scheme in ("ws", "wss") for version in VERSIONS])
def way(request: pytest.FixtureRequest, framework: tuple[str, Server]) -> Way:
    scheme, version = request.param
    server = framework[1]
    return Way(server.clear if scheme == "ws" else server.encrypted, version)


def test_echo(way: Way) -> None:
    with way.open("/echo", ("Sec-WebSocket-Protocol", "chat, other")) as websocket:
        assert websocket.answer["sec-websocket-protocol"] == "chat"
        for content in ("Hello", "é" * 50_000):
            assert websocket.ask(content) == content.upper()
        assert websocket.leave(4000, "enough") == (4000, "")


def test_close(way: Way) -> None:
    with way.open("/finish") as websocket:
        assert websocket.answer["x-field"] == "value"
        websocket.send(binary(b"\xff"))

        assert websocket.message() == b"\xff"
        assert websocket.goodbye() == (4001, "done")


def test_refusal(way: Way) -> None:
    with way.connect() as connection:
        assert connection.refusal("/refuse").status == 403


def test_denial(way: Way, framework: tuple[str, Server]) -> None:
    if "channels" in framework[0]:  # which has no answers of its own
        assert way.refusal("/refuse").body == b""
        return
    answer = way.refusal("/deny")

    assert answer.status == 402
    assert b"pay first" in answer.body


def test_client_that_vanishes(way: Way, framework: tuple[str, Server]) -> None:
    """No reason to complain."""
    with way.open("/echo") as websocket:
        assert websocket.ask("Hello") == "HELLO"
        websocket.stream.reset()
    with way.open("/echo") as websocket:
        assert websocket.ask("Hello") == "HELLO"
        websocket.leave()
    assert "[ERROR]" not in framework[1].log


@pytest.fixture(scope="module", params=[loop for loop in WORKER_CLASSES if loop != "trio"])
def chat(request: pytest.FixtureRequest, certificates: Certificates) -> Iterator[Server]:
    """Serve ``apps/socketio_chat.py``."""
    target = "tests.integration.apps.socketio_chat:app"
    with serving(request.param, target=target, certificates=certificates) as running:
        yield running


@pytest.mark.parametrize("transports", [["websocket"], ["polling", "websocket"]])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_socketio(chat: Server, scheme: str, transports: list[str]) -> None:
    endpoint = chat.clear if scheme == "http" else chat.encrypted

    asyncio.run(_talk_by_socketio(endpoint, transports))


async def _talk_by_socketio(endpoint: Endpoint, transports: list[str]) -> None:
    async with aiohttp_session(ssl=endpoint.context or True) as session:
        client = socketio.AsyncSimpleClient(http_session=session)
        await client.connect(endpoint.url("/"), transports=transports)
        assert await client.call("shout", "Hello") == "HELLO"
        heard = await client.receive()
        assert await client.call("transport") == "websocket"
        await client.disconnect()
    assert heard == ["heard", {"text": "Hello", "bytes": b"Hello"}]
