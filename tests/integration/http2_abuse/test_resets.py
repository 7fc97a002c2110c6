"""Streams that are reset as soon as they are opened, by the client or because of what it sends."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.http2_abuse.attacks import (
    attacker,
    per_stream,
    request_block,
    requests,
)
from tests.integration.http2_abuse.costs import (
    STREAMS,
    await_quiet,
    costing,
    open_gate,
)
from tests.integration.serving import Server
from tests.protocols.http2 import frames
from tests.protocols.http2.frames import MAX_WINDOW, Setting, Type

MANY = 20_000

BLOCK = request_block("/")


def waiting(gate: str) -> bytes:
    """The header block of a request whose application does not care who leaves."""
    return request_block(f"/wait?gate={gate}")


class TestRapidReset:
    """CVE-2023-44487."""

    def test_of_applications_that_go_on(self, victim: Server, held: str) -> None:
        block = waiting(held)
        with costing(victim) as cost, attacker(victim.clear) as client:
            client.send(per_stream(MANY, lambda number: opened_and_reset(number, block)))
            client.await_calm()

        cost.check(cpu=0.5)
        assert cost.requests == STREAMS

    def test_of_applications_that_listen(self, victim: Server) -> None:
        block = request_block("/await-disconnect?report=reset")
        with costing(victim) as cost, attacker(victim.clear) as client:
            client.send(per_stream(MANY, lambda number: opened_and_reset(number, block)))
            client.await_calm()
            await_quiet(victim)

        cost.check(cpu=0.5)
        assert cost.requests <= 201

    def test_of_answers_that_cannot_be_sent(self, victim: Server) -> None:
        block = request_block("/stream?blocks=100")
        stalled = (Setting.INITIAL_WINDOW_SIZE, 0)
        with costing(victim) as cost, attacker(victim.clear, stalled) as client:
            client.send(per_stream(MANY, lambda number: opened_and_reset(number, block)))
            client.await_calm()
            await_quiet(victim)

        cost.check(cpu=0.5)

    def test_of_uploads(self, victim: Server) -> None:
        block = request_block("/digest", method="POST")
        content = bytes(1000)
        with costing(victim) as cost, attacker(victim.clear) as client:
            client.send(
                per_stream(
                    MANY,
                    lambda number: (
                        frames.headers(number, block, end=False)
                        + frames.data(number, content)
                        + frames.rst_stream(number)
                    ),
                )
            )
            client.await_calm()
            await_quiet(victim)

        cost.check(cpu=0.5)

    def test_one_by_one(self, victim: Server, held: str) -> None:
        """Whoever waits between them gets no more done."""
        block = waiting(held)
        with costing(victim) as cost, attacker(victim.clear) as client:
            for number in range(1, 2 * STREAMS, 2):
                client.send(opened_and_reset(number, block))
                client.settle()
            client.send(per_stream(MANY, lambda number: opened_and_reset(number, block), 1001))
            client.await_calm()

        cost.check(cpu=1.0)
        assert cost.requests == STREAMS

    def test_a_few_are_nobodys_fault(self, victim: Server) -> None:
        with attacker(victim.clear) as client:
            client.send(per_stream(150, lambda number: opened_and_reset(number, BLOCK)))
            client.settle()


def opened_and_reset(number: int, block: bytes) -> bytes:
    return frames.headers(number, block) + frames.rst_stream(number)


# What makes a server reset a stream that a client has opened (CVE-2025-8671, "MadeYouReset").
PROVOCATIONS: dict[str, Callable[[int], bytes]] = {
    "window overflow": lambda number: frames.window_update(number, MAX_WINDOW),
    "window opened by nothing": lambda number: frames.window_update(number, 0),
    "DATA after END_STREAM": lambda number: frames.data(number, b"more"),
    "HEADERS after END_STREAM": lambda number: frames.headers(number, BLOCK),
    "dependency on itself": lambda number: frames.priority(number, number),
    "PRIORITY too short": lambda number: frames.frame(Type.PRIORITY, 0, number, b"four"),
}

PROVOCATIONS_BY_CONTENT: dict[str, Callable[[int], bytes]] = {
    "more than content-length": lambda number: frames.data(number, bytes(6)),
    "less than content-length": lambda number: frames.data(number, bytes(4), end=True),
    "a second header section": lambda number: frames.headers(number, BLOCK, end=False),
    "pseudo-header fields in trailers": lambda number: frames.headers(number, BLOCK),
}

MALFORMED: dict[str, bytes] = {
    "no path": request_block("/")[: -len("\0\5:path\1/")],
    "upper case": BLOCK + b"\0\1X\0",
    "connection-specific": BLOCK + b"\0\x0aconnection\5close",
}


class TestMadeYouReset:
    @pytest.mark.parametrize("name", list(PROVOCATIONS))
    def test_by_a_frame(self, victim: Server, name: str, held: str) -> None:
        block, provoke = waiting(held), PROVOCATIONS[name]
        attack = per_stream(MANY, lambda number: frames.headers(number, block) + provoke(number))
        with costing(victim) as cost, attacker(victim.clear) as client:
            client.send(attack)
            client.await_calm()

        cost.check(cpu=0.5)
        assert cost.requests == STREAMS

    @pytest.mark.parametrize("name", list(PROVOCATIONS_BY_CONTENT))
    def test_by_content(self, victim: Server, name: str, held: str) -> None:
        provoke = PROVOCATIONS_BY_CONTENT[name]
        block = waiting(held) + b"\0\x0econtent-length\1" + b"5"
        attack = per_stream(
            MANY, lambda number: frames.headers(number, block, end=False) + provoke(number)
        )
        with costing(victim) as cost, attacker(victim.clear) as client:
            client.send(attack)
            client.await_calm()

        cost.check(cpu=0.5)
        assert cost.requests == STREAMS

    @pytest.mark.parametrize("name", list(MALFORMED))
    def test_malformed_requests(self, victim: Server, name: str) -> None:
        """The application never hears of them, and even so they cannot go on for ever."""
        with costing(victim) as cost, attacker(victim.clear) as client:
            client.send(requests(MANY, MALFORMED[name]))
            client.await_calm()

        cost.check(cpu=0.3)
        assert cost.requests == 0

    def test_one_is_not_the_others_fault(self, victim: Server, held: str) -> None:
        with attacker(victim.clear) as client:
            client.send(requests(len(PROVOCATIONS) + 1, waiting(held)))
            for number, provoke in enumerate(PROVOCATIONS.values(), 1):
                client.send(provoke(2 * number + 1))
            client.await_resets(len(PROVOCATIONS))
            client.settle()
            open_gate(victim, held)
            client.await_answers(1)

            assert client.statuses() == {1: 200}
