"""The backends, clear and with TLS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.workers.by_hand import App
from tests.workers.loops import BACKENDS, Certificate
from tests.workers.serving import Serve, Serving


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def certificate() -> Certificate:
    return Certificate()


@pytest.fixture(params=["clear", "tls"])
def encryption(request: pytest.FixtureRequest, certificate: Certificate) -> Certificate | None:
    """Give None for clear text."""
    return certificate if request.param == "tls" else None


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Give a way to serve by hand that closes its sockets whatever happens."""
    started: list[Serving] = []

    def make(app: App, **options: Any) -> Serving:
        started.append(Serving(app, **options))
        return started[-1]

    yield make
    for serving in started:
        for listener in serving.listeners:
            listener.sock.close()
