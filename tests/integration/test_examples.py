"""Every example, on every event loop, clear and TLS, asked by clients that are not ours."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from websockets.sync.client import connect

from tests.integration.clients import Client
from tests.integration.serving import (
    ROOT,
    WORKER_CLASSES,
    Certificates,
    Endpoint,
    Server,
    serving,
)
from tests.peer import TIMEOUT

EXAMPLES = {
    "starlette_app": "Starlette",
    "fastapi_app": "FastAPI",
    "quart_app": "Quart",
    "quart_trio_app": "Quart",
    "django_asgi": "Django",
    "django_wsgi": "Django",
    "flask_app": "Flask",
}
LINES = b"".join(b"line %d\n" % number for number in range(10))
UPLOAD = bytes(range(256)) * 1000


def _combinations() -> Iterator[tuple[str, str]]:
    for example in EXAMPLES:
        for worker_class in WORKER_CLASSES:
            on_trio = worker_class == "trio"
            # Quart needs asyncio, and has a sibling for trio.
            if example not in ("quart_app", "quart_trio_app") or on_trio == ("trio" in example):
                yield example, worker_class


COMBINATIONS = list(_combinations())


@pytest.fixture(scope="module", params=COMBINATIONS, ids="-".join)
def example(request: pytest.FixtureRequest) -> tuple[str, str]:
    name, worker_class = request.param
    return name, worker_class


@pytest.fixture(scope="module")
def example_server(example: tuple[str, str], certificates: Certificates) -> Iterator[Server]:
    """Serve an example as its README says, workers and all."""
    name, worker_class = example
    target = f"examples.{name}:app"
    with serving(worker_class, target=target, certificates=certificates, workers=1) as running:
        yield running


@pytest.fixture(params=["http", "https"])
def where(request: pytest.FixtureRequest, example_server: Server) -> Endpoint:
    return example_server.clear if request.param == "http" else example_server.encrypted


@pytest.fixture
def framework(example: tuple[str, str]) -> str:
    return EXAMPLES[example[0]]


def test_page(where: Endpoint, client: Client, framework: str) -> None:
    answer = client(where, "GET", "/", None)

    assert answer.status == 200
    assert answer.body.decode() == f"Hello from {framework}\n"
    assert answer["server"] == "hypercorn-h11"
    assert answer["date"] is not None


def test_stream(where: Endpoint, client: Client) -> None:
    answer = client(where, "GET", "/stream", None)

    assert answer.status == 200
    assert answer.body == LINES


def test_upload(where: Endpoint, client: Client) -> None:
    answer = client(where, "POST", "/upload", UPLOAD)

    assert answer.status == 200
    assert answer.body.decode().strip() == hashlib.sha256(UPLOAD).hexdigest()


def test_missing(where: Endpoint, client: Client) -> None:
    assert client(where, "GET", "/nowhere", None).status == 404


def test_error(where: Endpoint, client: Client, example_server: Server) -> None:
    answer = client(where, "GET", "/error", None)

    assert answer.status == 500
    assert "this route always fails" not in answer.body.decode()
    example_server.await_log("RuntimeError: this route always fails")


@pytest.mark.parametrize("worker_class", WORKER_CLASSES)
def test_chat(worker_class: str, certificates: Certificates) -> None:
    target = "examples.chat:app"
    with serving(worker_class, target=target, certificates=certificates, workers=1) as running:
        address = running.clear.netloc
        with (
            connect(f"ws://{address}/") as one,
            connect(f"ws://{address}/") as other,
        ):
            for said in ("Hello?", "Is anybody there?"):
                one.send(said)
                assert (one.recv(TIMEOUT), other.recv(TIMEOUT)) == (said, said)


def test_every_example_is_listed() -> None:
    text = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")

    assert [name for name in (*EXAMPLES, "chat") if f"examples.{name}:app" not in text] == []
