"""No request can be smuggled: each malformed one has one fate, however its bytes arrive."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from tests.protocols.player import Outcome, play
from tests.protocols.smuggling_cases import GROUPS, SMUGGLED, Case
from tests.protocols.wire import ENGINES

CASES = [
    pytest.param(case, id=f"{group.__name__}-{number}")
    for group in GROUPS
    for number, case in enumerate(group())
]


def test_there_are_many() -> None:
    assert len(CASES) > 900


@pytest.mark.parametrize("case", CASES)
def test_fate(case: Case) -> None:
    """Over all engines, for they must agree in all that can be seen."""
    outcomes = [play(engine, [case.data + SMUGGLED]) for engine in ENGINES]

    _check(outcomes[0], case)
    assert all(outcome == outcomes[0] for outcome in outcomes)
    # What cannot become valid is refused by its last byte at the latest.
    assert play(ENGINES[0], [case.data]).refusal == case.status


def _check(outcome: Outcome, case: Case) -> None:
    assert outcome.refusal == case.status
    assert outcome.output_ended is (case.status is not None)
    if case.status is not None:
        assert [one.body for one in outcome.exchanges] == [None] * case.taken_up
    else:
        first = outcome.exchanges[0]
        assert (first.method, first.target, first.body) == (case.method, case.target, case.body)
        rest = [one.target for one in outcome.exchanges[1:]]
        assert rest == ([] if case.taken_up else [b"/smuggled"])


@pytest.mark.parametrize("case", CASES)
def test_fate_is_the_same_for_every_split(case: Case) -> None:
    data = case.data + SMUGGLED
    generator = random.Random(data)
    for engine in ENGINES:
        whole = play(engine, [data])

        if len(data) < 1_000:
            assert play(engine, [data[at : at + 1] for at in range(len(data))]) == whole
        for _ in range(3):
            cuts = generator.sample(range(1, len(data)), 4)
            pieces = [data[start:end] for start, end in pairwise(sorted([0, *cuts, len(data)]))]
            assert play(engine, pieces) == whole


TRUNCATED = [
    b"\0",
    b"\n",
    b"\r\r",
    b" ",
    b"(",
    b"GET\t",
    b"GET  ",
    b"GET / X",
    b"GET / h",
    b"GET / HTTP/x",
    b"GET / HTTP/1.1 ",
    b"GET / HTTP/1.1\n",
    b"GET / HTTP/1.1\rX",
    b"GET /\r",
    b"GET / HTTP/1.1\r\n ",
    b"GET / HTTP/1.1\r\n:",
    b"GET / HTTP/1.1\r\nHost ",
    b"GET / HTTP/1.1\r\nHost\r",
    b"GET / HTTP/1.1\r\nHost: a\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n\t",
    b"GET / HTTP/1.1\r\nHost: a\r\n\rX",
]
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
TRUNCATED_CONTENT = [
    b"\r",
    b" ",
    b"x",
    b"5\n",
    b"5 x",
    b"5;;",
    b"5;a=;",
    b"5;a=\r",
    b'5;a="\n',
    b'5;a="b"c',
    b"5\rX",
    b"0" * 16,
    b"5\r\nhello\n",
    b"5\r\nhello\rX",
    b"5\r\nhello\r\n\r",
    b"0\r\n ",
    b"0\r\n:",
    b"0\r\nX\r",
    b"0\r\nX: y\n",
    b"0\r\nX: y\r\n ",
]


@pytest.mark.parametrize(
    "data", [*TRUNCATED, *[CHUNKED + content for content in TRUNCATED_CONTENT]]
)
def test_truncated_garbage_is_refused_by_the_byte_that_is_wrong(data: bytes) -> None:
    for engine in ENGINES:
        assert play(engine, [data]).refusal == 400
        assert play(engine, [b"\r\n" + data[:-1]]).refusal is None
        assert play(engine, [b"\r\n" + data[:-1], data[-1:]]).refusal == 400
