"""Header compression is tested over every engine."""

from __future__ import annotations

import pytest

from hypercorn_protocols.http2.headers import Codec, select_codec
from hypercorn_protocols.settings import HTTP2EngineName
from tests.protocols.http2.headers.blocks import ENGINES


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> HTTP2EngineName:
    """The name of an engine."""
    name: HTTP2EngineName = request.param
    return name


@pytest.fixture
def codec(engine: HTTP2EngineName) -> Codec:
    """An engine."""
    return select_codec(engine)
