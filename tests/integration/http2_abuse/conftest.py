"""Servers to attack, one process of each for each worker class."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.http2_abuse.costs import attacked, await_quiet, open_gate
from tests.integration.serving import Certificates, Server

IMPATIENT = (
    *("--keep-alive", "1"),
    *("--keep-alive-max-requests", "1000000"),
    *("--read-header-timeout", "0.5"),
    *("--h2-settings-timeout", "0.7"),
    *("--read-idle-timeout", "0.5"),
    *("--read-min-rate", "10000"),
    *("--write-idle-timeout", "1"),
    *("--write-min-rate", "10000"),
    *("--rate-grace", "1"),
)


@pytest.fixture(scope="session")
def victim(worker_class: str, certificates: Certificates) -> Iterator[Server]:
    """Serve with the defaults, but for that a connection may have many requests."""
    options = ("--keep-alive-max-requests", "1000000")
    with attacked(worker_class, *options, certificates=certificates) as running:
        yield running


@pytest.fixture(scope="session")
def impatient(worker_class: str, certificates: Certificates) -> Iterator[Server]:
    """Serve with timers that a test can wait for."""
    with attacked(worker_class, *IMPATIENT, certificates=certificates) as running:
        yield running


@pytest.fixture
def held(victim: Server, gate: str) -> Iterator[str]:
    """Give a gate for requests to wait at; afterwards they are let go."""
    yield gate
    open_gate(victim, gate)
    await_quiet(victim)
