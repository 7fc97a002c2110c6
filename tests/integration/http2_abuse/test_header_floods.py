"""Header sections that do not end, or that are larger than they look."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.integration.http2_abuse.attacks import (
    attacker,
    literal,
    request_block,
    requests,
)
from tests.integration.http2_abuse.costs import (
    MIB,
    costing,
    open_gate,
)
from tests.integration.serving import Server
from tests.protocols.http2 import frames

FRAME = 16_384

BLOCK = request_block("/")

# An entry as large as the table lets it be (RFC 7541 section 4.1), and a reference to it.
ENTRY = literal(b"x-bomb", b"x" * (4096 - 32 - len("x-bomb")), 0x40)
REFERENCE = b"\xbe"


def in_pieces(stream_id: int, block: bytes) -> bytes:
    """A header section in frames of the usual size."""
    pieces = [block[at : at + FRAME] for at in range(0, len(block), FRAME)]
    head = frames.headers(stream_id, pieces[0], end_headers=len(pieces) == 1)
    return head + b"".join(
        frames.continuation(stream_id, piece, end_headers=number == len(pieces))
        for number, piece in enumerate(pieces[1:], 2)
    )


class TestContinuation:
    """CVE-2024-27316 and its kin."""

    @pytest.mark.parametrize("size", [0, 1, 100, FRAME])
    def test_without_end(self, victim: Server, size: int) -> None:
        count = 100_000 if size < 100 else 2000
        flood = frames.continuation(1, bytes(size), end_headers=False) * count
        with costing(victim) as cost, attacker(victim.clear) as client:
            client.send(frames.headers(1, BLOCK, end_headers=False), flood)
            client.await_calm()

        cost.check(cpu=0.3, memory=8 * MIB)
        assert cost.requests == 0

    def test_of_trailers(self, victim: Server) -> None:
        flood = frames.continuation(1, bytes(FRAME), end_headers=False) * 1000
        with costing(victim) as cost, attacker(victim.clear) as client:
            post = request_block("/digest", method="POST")
            client.send(frames.headers(1, post, end=False), frames.data(1, b"content"))
            client.send(frames.headers(1, b"", end_headers=False), flood)
            client.await_calm()

        cost.check(cpu=0.3)


class TestBombs:
    """Few bytes that stand for many, by references into the table."""

    @pytest.mark.parametrize("references", [16_000, 200_000])
    def test_far_above_the_limit(self, victim: Server, references: int) -> None:
        bomb = in_pieces(1, BLOCK + ENTRY + REFERENCE * references)
        with costing(victim) as cost:
            for _ in range(10):
                with attacker(victim.clear) as client:
                    client.send(bomb)
                    client.await_calm()

        cost.check(cpu=0.3, memory=4 * MIB)
        assert cost.requests == 0

    def test_above_the_limit(self, victim: Server) -> None:
        """Each of a thousand is refused by itself; each stands for 200 kB."""
        with costing(victim) as cost, attacker(victim.clear) as client:
            client.send(frames.headers(1, BLOCK + ENTRY))
            client.send(requests(1000, BLOCK + REFERENCE * 50, 3))
            client.await_answers(1001)

            statuses = client.statuses()
            assert statuses.pop(1) == 200
            assert set(statuses.values()) == {431}
            assert len(statuses) == 1000
        cost.check(cpu=1.0, memory=8 * MIB)
        assert cost.requests == 1

    def test_below_the_limit(self, victim: Server) -> None:
        """These reach the application, and nothing of them stays."""
        with costing(victim) as cost, attacker(victim.clear) as client:
            client.send(frames.headers(1, BLOCK + ENTRY))
            client.await_answers(1)
            for number in range(20):
                client.send(requests(50, BLOCK + REFERENCE * 15, 3 + 100 * number))
                client.await_answers(51 + 50 * number)

            assert set(client.statuses().values()) == {200}
        cost.check(cpu=2.0)

    def test_of_what_is_remembered(self, victim: Server) -> None:
        """Whatever is kept for the next request, few bytes do not make it much."""
        crumb = literal(b"cookie", b"x" * (4096 - 32 - len("cookie")), 0x40)
        with costing(victim) as cost, ExitStack() as stack:
            for _ in range(20):
                client = stack.enter_context(attacker(victim.clear))
                client.send(frames.headers(1, BLOCK + crumb))
                for count in range(1, 65):
                    block = request_block(f"/?{count}") + REFERENCE * 15
                    client.send(frames.headers(1 + 2 * count, block))
                client.await_answers(65)
        cost.check(cpu=2.0, memory=16 * MIB)

    def test_of_ever_new_ones(self, victim: Server) -> None:
        """What is remembered of one header section is forgotten for the next."""
        with costing(victim) as cost, attacker(victim.clear) as client:
            for count in range(400):
                value = (b"%d" % count).ljust(60_000, b"~")
                client.send(in_pieces(1 + 2 * count, BLOCK + literal(b"x", value)))
                client.await_answers(1 + count)

            assert set(client.statuses().values()) == {200}
        cost.check(cpu=2.0, memory=8 * MIB)

    def test_of_cookies(self, victim: Server) -> None:
        """Crumbs are put together again (RFC 9113 section 8.2.3): within the same limit."""
        entry = literal(b"cookie", b"x" * (4096 - 32 - len("cookie")), 0x40)
        with costing(victim) as cost, attacker(victim.clear) as client:
            client.send(frames.headers(1, BLOCK + entry))
            client.await_answers(1)
            client.send(frames.headers(3, BLOCK + REFERENCE * 15))
            client.send(frames.headers(5, BLOCK + REFERENCE * 17))
            client.await_answers(3)

            assert client.statuses() == {1: 200, 3: 200, 5: 431}
        cost.check(cpu=0.3)

    def test_of_table_sizes(self, victim: Server) -> None:
        """The table is emptied and filled again by each of many requests."""
        # RFC 7541 section 6.3: to 0, and back to 4096.
        resize = b"\x20\x3f\xe1\x1f"
        small = b"".join(literal(b"n%d" % number, b"", 0x40) for number in range(100))
        with costing(victim) as cost, attacker(victim.clear) as client:
            for number in range(10):
                client.send(requests(50, resize + BLOCK + small, 1 + 100 * number))
                client.await_answers(50 + 50 * number)

            assert set(client.statuses().values()) == {200}
        cost.check(cpu=2.0)


class TestLimits:
    """What one request may have; the others on its connection have nothing to do with it."""

    @pytest.mark.parametrize(
        "fields",
        [
            pytest.param(literal(b"x", b"~" * 70_000), id="one field"),
            pytest.param(literal(b"x", b"~" * 100) * 600, id="many fields"),
            pytest.param(literal(b"x", b"") * 129, id="many empty fields"),
            pytest.param(literal(b"x" * 70_000, b""), id="one name"),
            pytest.param(literal(b"cookie", b"~" * 700) * 100, id="cookies"),
        ],
    )
    def test_of_a_request(self, victim: Server, fields: bytes, gate: str) -> None:
        with costing(victim) as cost, attacker(victim.clear) as client:
            client.send(frames.headers(1, request_block(f"/wait?gate={gate}")))
            client.send(in_pieces(3, BLOCK + fields), frames.headers(5, BLOCK))
            client.await_answers(2)
            open_gate(victim, gate)
            client.await_answers(3)

            assert client.statuses() == {1: 200, 3: 431, 5: 200}
        cost.check(cpu=0.3)
        assert cost.requests == 2

    def test_of_a_target(self, victim: Server) -> None:
        with attacker(victim.clear) as client:
            long = request_block("/" + "x" * 70_000)
            client.send(in_pieces(1, long), frames.headers(3, BLOCK))
            client.await_answers(2)

            assert client.statuses() == {1: 431, 3: 200}

    def test_of_trailers(self, victim: Server) -> None:
        post = request_block("/digest", method="POST")
        with attacker(victim.clear) as client:
            client.send(frames.headers(1, post, end=False), frames.data(1, b"content"))
            client.send(frames.headers(1, literal(b"x", b"") * 200), frames.headers(3, BLOCK))
            client.await_answers(2)

            assert client.statuses() == {1: 431, 3: 200}
