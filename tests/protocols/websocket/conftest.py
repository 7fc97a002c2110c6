"""Everything that finds frames is tested over every engine."""

from __future__ import annotations

import pytest

from hypercorn_protocols.settings import WebSocketEngineName
from tests.protocols.websocket.player import ENGINES


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> WebSocketEngineName:
    """The name of an engine."""
    name: WebSocketEngineName = request.param
    return name
