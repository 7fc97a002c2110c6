"""The backends, clear and with TLS."""

from __future__ import annotations

import pytest

from tests.workers.loops import BACKENDS, Certificate


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
