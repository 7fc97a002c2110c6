"""WebSockets as clients that are not ours speak them."""

from __future__ import annotations

import json

import pytest

from tests.integration.serving import Endpoint
from tests.integration.websocket_clients import COMPRESSING, WEBSOCKET_CLIENTS
from tests.integration.websocket_conversations import CODE, Client, Message, Topic

MESSAGES: list[Message] = [
    "Hello",
    b"\x00\xff",
    "",
    b"",
    "é€😀" * 1000,
    bytes(range(256)) * 8192,
    "x" * 300_000,
]


@pytest.fixture(params=list(WEBSOCKET_CLIENTS))
def talk(request: pytest.FixtureRequest) -> Client:
    return WEBSOCKET_CLIENTS[request.param]


def test_messages(endpoint: Endpoint, talk: Client) -> None:
    conversation = talk(endpoint, Topic("/echo", MESSAGES))

    assert conversation.answers == MESSAGES
    assert conversation.code == CODE
    assert conversation.subprotocol is None


@pytest.mark.parametrize("name", COMPRESSING)
def test_compression_is_agreed_on(endpoint: Endpoint, name: str) -> None:
    conversation = WEBSOCKET_CLIENTS[name](endpoint, Topic("/echo", ["x" * 1000] * 3))

    assert conversation.answers == ["x" * 1000] * 3
    assert "permessage-deflate" in conversation.extensions


def test_subprotocol(endpoint: Endpoint, talk: Client) -> None:
    target = "/choose?subprotocol=two"
    conversation = talk(endpoint, Topic(target, subprotocols=["one", "two"]))

    assert conversation.subprotocol == "two"


def test_scope(endpoint: Endpoint, talk: Client) -> None:
    topic = Topic("/scope/a%20b?c=d", ["?"], ["one", "two"], {"X-Field": "value"})
    (answer,) = talk(endpoint, topic).answers
    scope = json.loads(answer)

    assert scope["type"] == "websocket"
    assert scope["scheme"] == ("wss" if endpoint.scheme == "https" else "ws")
    assert scope["path"] == "/scope/a b"
    assert scope["query_string"] == "c=d"
    assert scope["subprotocols"] == ["one", "two"]
    assert ["host", endpoint.netloc] in scope["headers"]
    assert ["x-field", "value"] in scope["headers"]


@pytest.mark.parametrize(
    ("query", "code", "reason"),
    [("", 1000, ""), ("?code=1001&reason=later", 1001, "later"), ("?code=4000", 4000, "")],
)
def test_close(endpoint: Endpoint, talk: Client, query: str, code: int, reason: str) -> None:
    conversation = talk(endpoint, Topic(f"/close{query}", leaves=False))

    assert (conversation.code, conversation.reason) == (code, reason)
