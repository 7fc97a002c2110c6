"""WebSockets through the server's middleware."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.integration.serving import Certificates, Server, serving
from tests.integration.websocket_ways import VERSIONS, Way


@pytest.fixture(scope="module")
def layered(worker_class: str, certificates: Certificates) -> Iterator[Server]:
    """Serve ``apps/middleware.py``."""
    loop = "trio" if worker_class == "trio" else "asyncio"
    target = f"tests.integration.apps.middleware:on_{loop}"
    with serving(worker_class, target=target, certificates=certificates) as running:
        yield running


@pytest.fixture(params=VERSIONS)
def clear(request: pytest.FixtureRequest, layered: Server) -> Way:
    return Way(layered.clear, request.param)


@pytest.fixture(params=VERSIONS)
def encrypted(request: pytest.FixtureRequest, layered: Server) -> Way:
    return Way(layered.encrypted, request.param)


def test_proxy_fix(clear: Way) -> None:
    forwarded = ("Forwarded", "for=192.0.2.7;proto=https;host=outer.example")
    with clear.open("/proxied/scope", forwarded) as websocket:
        scope = json.loads(websocket.message())
        websocket.leave()

    assert scope["client"][0] == "192.0.2.7"
    assert scope["scheme"] == "wss"
    assert ["host", "outer.example"] in scope["headers"]
    assert scope["root_path"] == "/proxied"


def test_redirect(clear: Way, encrypted: Way) -> None:
    answer = clear.refusal("/secure/echo?a=b")

    scheme = "wss" if clear.version == "1.1" else "https"
    assert answer.status == 307
    assert answer["location"] == f"{scheme}://{clear.endpoint.netloc}/secure/echo?a=b"
    with encrypted.open("/secure/echo") as websocket:
        assert websocket.ask("Hello") == "Hello"
        websocket.leave()


@pytest.mark.parametrize("target", ["/nowhere", "/wsgi/echo"])
def test_nobody_to_talk_to(clear: Way, encrypted: Way, target: str) -> None:
    for way in (clear, encrypted):
        assert way.refusal(target).status == 404
