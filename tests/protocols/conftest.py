"""Everything of HTTP/1.1 is tested over every engine."""

from __future__ import annotations

import pytest

from hypercorn_protocols.settings import HTTP1EngineName
from tests.protocols.wire import ENGINES


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> HTTP1EngineName:
    """The name of an engine."""
    name: HTTP1EngineName = request.param
    return name
