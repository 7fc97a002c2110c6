"""Messages that are larger than they look, or in more pieces than it takes."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.integration.http2_abuse.costs import MIB, await_quiet, costing
from tests.integration.serving import Server
from tests.integration.websocket_abuse.attacks import OFFER, closure, message, pour, zeros
from tests.integration.websocket_ways import Way
from tests.websocket_peer import CLEAR, Opcode, continuation, frame, frame_header, text

LIMIT = 16 * MIB
"""Of a message, unless the server is told otherwise."""


class TestBombs:
    def test_one_frame(self, victim: Server, way: Way) -> None:
        """1 MiB that becomes 1 GiB."""
        bomb = message(zeros(1024), compressed=True)
        with costing(victim) as cost, way.open("/discard", OFFER) as websocket:
            pour(websocket, [bomb])

            assert closure(websocket) == 1009
            await_quiet(victim)
        cost.check(cpu=1.5, memory=3 * LIMIT)

    def test_fragments(self, victim: Server, way: Way) -> None:
        bomb = zeros(256)
        pieces = [
            frame(Opcode.BINARY, b"", fin=False, reserved=4),
            *[continuation(bomb[at : at + 1000]) for at in range(0, len(bomb), 1000)],
        ]
        with costing(victim) as cost, way.open("/discard", OFFER) as websocket:
            pour(websocket, pieces)

            assert closure(websocket) == 1009
            await_quiet(victim)
        cost.check(cpu=1.5, memory=3 * LIMIT)

    def test_many_at_once(self, victim: Server, way: Way) -> None:
        """Each just below the limit, and all of them are messages."""
        storm = message(zeros(15), compressed=True) * 10
        with costing(victim) as cost, way.open("/discard", OFFER) as websocket:
            pour(websocket, [storm, text("last")])

            assert websocket.leave() == (1000, "")
            await_quiet(victim)
        cost.check(cpu=3.0, memory=5 * LIMIT, wait=0.5)

    def test_many_small_ones(self, victim: Server, way: Way) -> None:
        storm = message(b"\0", compressed=True) * 20_000
        with costing(victim) as cost, way.open("/discard", OFFER) as websocket:
            pour(websocket, [storm])

            assert websocket.leave() == (1000, "")
            await_quiet(victim)
        cost.check(cpu=4.0)


class TestFragments:
    def test_without_an_end(self, victim: Server, way: Way) -> None:
        """200 MiB."""
        first = frame(Opcode.BINARY, bytes(MIB), fin=False, mask=CLEAR)
        further = frame(Opcode.CONTINUATION, bytes(MIB), fin=False, mask=CLEAR)
        with costing(victim) as cost, way.open("/discard") as websocket:
            pour(websocket, [first, *[further] * 199])

            assert closure(websocket) == 1009
            await_quiet(victim)
        cost.check(cpu=3.0, memory=3 * LIMIT)

    @pytest.mark.parametrize(("payload", "compressed"), [(b"", True), (b"x", False)])
    def test_of_hardly_anything(
        self, victim: Server, way: Way, payload: bytes, compressed: bool
    ) -> None:
        """300,000 of them."""
        first = frame(Opcode.BINARY, b"", fin=False, reserved=4 * compressed)
        with costing(victim) as cost, way.open("/discard", OFFER) as websocket:
            pour(websocket, [first, *[continuation(payload) * 100_000] * 3])

            assert closure(websocket) in (1007, 1008)
            await_quiet(victim)
        cost.check(cpu=2.0)


class TestLengths:
    @pytest.mark.parametrize(
        ("opcode", "length"),
        [(Opcode.TEXT, 2**32), (Opcode.BINARY, LIMIT + 1), (Opcode.BINARY, 2**63 - 1)],
    )
    def test_beyond_the_limit(self, victim: Server, way: Way, opcode: Opcode, length: int) -> None:
        """Whatever comes of it."""
        with costing(victim) as cost, way.open("/discard") as websocket:
            websocket.send(frame_header(0x80 | opcode, length) + CLEAR + b"x" * 1000)

            assert closure(websocket) == 1009
            await_quiet(victim)
        cost.check(cpu=0.5)

    def test_that_nothing_comes_of(self, victim: Server, version: str) -> None:
        """As large as may be, by many clients: what is announced is not set aside."""
        announced = frame_header(0x82, LIMIT) + CLEAR
        with costing(victim) as cost, ExitStack() as stack:
            for _ in range(50):
                websocket = stack.enter_context(Way(victim.clear, version).open("/discard"))
                websocket.send(announced, b"x" * 1000)
                websocket.stream.send(b"x")
        await_quiet(victim)
        cost.check(cpu=2.0)
