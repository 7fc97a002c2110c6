"""What holds for every input, tried out on many. ``tools/fuzz_websocket.py`` tries more."""

from __future__ import annotations

from random import Random

import pytest

from hypercorn_protocols.settings import WebSocketEngineName
from tests.protocols.websocket.mutation import input_of
from tests.protocols.websocket.player import ENGINES, converse, is_alike, listen

SEEDS = range(300)


def test_engines_agree_however_it_is_cut() -> None:
    for seed in SEEDS:
        cuts, deflate = input_of(seed)
        expected = listen("builtin", cuts[0], deflate=deflate)
        for engine in ENGINES:
            outcomes = [listen(engine, cut, deflate=deflate) for cut in cuts]
            assert outcomes[1:] == outcomes[:-1]
            assert is_alike(engine, outcomes[0], expected)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_sent_is_understood(engine: WebSocketEngineName) -> None:
    for seed in SEEDS:
        cuts, deflate = input_of(seed)
        for cut in cuts:
            converse(engine, cut, Random(seed), deflate=deflate)
