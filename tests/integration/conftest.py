"""Servers that tests share: one process for each worker class, clear and TLS at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.integration.clients import CLIENTS, Client
from tests.integration.serving import WORKER_CLASSES, Certificates, Endpoint, Server, serving
from tests.integration.websocket_ways import VERSIONS, Way


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session", params=WORKER_CLASSES)
def worker_class(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def unix_path() -> Iterator[Path]:
    """Give a path that is short enough for a socket."""
    with TemporaryDirectory(prefix="hc") as folder:
        yield Path(folder) / "socket"


@pytest.fixture(scope="session")
def server(worker_class: str, certificates: Certificates, unix_path: Path) -> Iterator[Server]:
    """Serve ``apps/inspecting.py`` with the defaults; clients may show a certificate."""
    options = ["--ca-certs", certificates.authority, "--verify-mode", "CERT_OPTIONAL"]
    options += ["--insecure-bind", f"unix:{unix_path}"]
    with serving(worker_class, *options, certificates=certificates) as running:
        yield running


@pytest.fixture(params=["http", "https"])
def endpoint(request: pytest.FixtureRequest, server: Server) -> Endpoint:
    """Give the shared server's address for each scheme in turn."""
    return server.clear if request.param == "http" else server.encrypted


@pytest.fixture(params=VERSIONS)
def way(request: pytest.FixtureRequest, endpoint: Endpoint) -> Way:
    """Give each way to a WebSocket in turn."""
    return Way(endpoint, request.param)


@pytest.fixture(params=VERSIONS)
def clear_way(request: pytest.FixtureRequest, server: Server) -> Way:
    """Give each way to a WebSocket in turn, for what has nothing to do with TLS."""
    return Way(server.clear, request.param)


@pytest.fixture(params=list(CLIENTS))
def client(request: pytest.FixtureRequest) -> Client:
    return CLIENTS[request.param]


@pytest.fixture
def gate(request: pytest.FixtureRequest) -> str:
    """Give a name for a gate or a report of the application's that no other test uses."""
    return re.sub(r"\W+", "-", request.node.nodeid)
