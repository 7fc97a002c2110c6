"""Servers to attack, one process of each for each worker class, and the ways to them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.http2_abuse.costs import attacked
from tests.integration.serving import Certificates, Server
from tests.integration.websocket_abuse.attacks import warm_up
from tests.integration.websocket_ways import VERSIONS, Way

IMPATIENT = (
    *("--keep-alive", "1"),
    *("--read-header-timeout", "0.5"),
    *("--read-idle-timeout", "0.5"),
    *("--write-idle-timeout", "1"),
    *("--websocket-close-timeout", "0.5"),
    *("--websocket-ping-interval", "0.5"),
    *("--websocket-ping-timeout", "0.5"),
)


@pytest.fixture(scope="session")
def victim(worker_class: str, certificates: Certificates) -> Iterator[Server]:
    """Serve with the defaults."""
    with attacked(worker_class, certificates=certificates) as running:
        warm_up(running)
        yield running


@pytest.fixture(scope="session")
def impatient(worker_class: str, certificates: Certificates) -> Iterator[Server]:
    """Serve with timers that a test can wait for."""
    with attacked(worker_class, *IMPATIENT, certificates=certificates) as running:
        warm_up(running)
        yield running


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def way(version: str, victim: Server) -> Way:
    """Give each way to the patient server, without TLS."""
    return Way(victim.clear, version)


@pytest.fixture
def hurried(version: str, impatient: Server) -> Way:
    """Give each way to the impatient server, without TLS."""
    return Way(impatient.clear, version)
