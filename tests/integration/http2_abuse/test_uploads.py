"""Uploads that nobody reads, and that come in pieces as small as can be."""

from __future__ import annotations

from tests.integration.http2_abuse.attacks import attacker, request_block
from tests.integration.http2_abuse.costs import MIB, await_quiet, costing, open_gate
from tests.integration.http2_peer import http2
from tests.integration.serving import Server
from tests.protocols.http2 import frames
from tests.protocols.http2.frames import Code


def test_never_read(victim: Server, gate: str) -> None:
    """What is kept of them is bounded by their windows, and they hold nobody up."""
    block = request_block(f"/never-reader?gate={gate}", method="POST")
    content = frames.data(1, bytes(16_384))[9:]
    with costing(victim) as cost, attacker(victim.clear) as client:
        for number in range(1, 2 * 99, 2):
            client.send(
                frames.headers(number, block, end=False),
                *[frames.data(number, content)] * 4,
            )
        client.settle()
        with http2(victim.clear) as peer:
            assert peer.post("/echo", bytes(10**6)).body == bytes(10**6)
        client.send(frames.headers(401, request_block("/")))
        client.await_answers(1)
        client.send(frames.data(1, b"one byte too much"))
        client.settle()

        assert client.await_resets(1) == [Code.FLOW_CONTROL_ERROR]
        open_gate(victim, gate)
        client.await_answers(99)
    await_quiet(victim)
    cost.check(cpu=2.0, memory=20 * MIB)


def test_in_single_bytes(victim: Server, gate: str) -> None:
    """As many frames as bytes, which the application reads or does not."""
    target = f"/late-reader?gate={gate}"
    content = frames.data(1, b"x") * 60_000
    with costing(victim) as cost, attacker(victim.clear) as client:
        client.send(frames.headers(1, request_block(target, method="POST"), end=False))
        client.send(content, frames.data(1, end=True))
        open_gate(victim, gate)
        client.read_until(lambda: client.content_size() >= 60_000)
    cost.check(cpu=1.0, wait=0.5)
