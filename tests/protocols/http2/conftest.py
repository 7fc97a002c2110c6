"""Everything of HTTP/2 is tested over every engine."""

from __future__ import annotations

import pytest

from hypercorn_protocols.settings import HTTP2EngineName
from tests.protocols.http2.client import ENGINES, Client


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> HTTP2EngineName:
    """The name of an engine."""
    name: HTTP2EngineName = request.param
    return name


@pytest.fixture
def client(engine: HTTP2EngineName) -> Client:
    """A client whose connection is established."""
    return Client(engine)
