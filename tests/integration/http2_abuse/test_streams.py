"""Streams that are opened to no purpose: no more get work done than may be open at once."""

from __future__ import annotations

from collections import Counter
from functools import partial

import pytest

from tests.integration.http2_abuse.attacks import (
    Attacker,
    attacker,
    per_stream,
    request_block,
    requests,
)
from tests.integration.http2_abuse.costs import (
    MIB,
    STREAMS,
    attacked,
    await_quiet,
    costing,
    open_gate,
)
from tests.integration.serving import Server
from tests.protocols.http2 import frames
from tests.protocols.http2.frames import Code, Type

MANY = 20_000

BLOCK = request_block("/")


def waiting(gate: str) -> bytes:
    """The header block of a request whose application does not care who leaves."""
    return request_block(f"/wait?gate={gate}")


class TestLimit:
    def test_three_hundred_at_once(self, victim: Server, held: str) -> None:
        """RFC 9113 section 5.1.2: those above the limit are refused, and nobody else."""
        with costing(victim) as cost, attacker(victim.clear) as client:
            client.send(requests(300, waiting(held)))
            codes = client.await_resets(200)
            open_gate(victim, held)
            client.await_answers(100)

            assert codes == [Code.REFUSED_STREAM] * 200
            assert client.statuses() == dict.fromkeys(range(1, 200, 2), 200)
            client.send(frames.headers(601, BLOCK))
            client.await_answers(101)
            assert client.statuses()[601] == 200
        cost.check(cpu=0.3)
        assert cost.apps == STREAMS
        assert cost.requests == STREAMS + 1

    def test_applications_that_go_on_after_a_reset_count(self, victim: Server, held: str) -> None:
        """A stream is given up; who works for it is not done for that."""
        with costing(victim) as cost, attacker(victim.clear) as client:
            client.send(requests(STREAMS, waiting(held)))
            client.send(per_stream(STREAMS, frames.rst_stream))
            client.settle()
            client.send(frames.headers(201, BLOCK))
            assert client.await_resets(1) == [Code.REFUSED_STREAM]
            open_gate(victim, held)
            await_quiet(victim)
            client.send(frames.headers(203, BLOCK))
            client.await_answers(1)

            assert client.statuses() == {203: 200}
        cost.check(cpu=0.3)

    def test_who_does_not_stop_is_told_to_calm_down(self, victim: Server, held: str) -> None:
        with costing(victim) as cost, attacker(victim.clear) as client:
            client.send(requests(MANY, waiting(held)))
            client.await_calm()

            refused = Counter(frame.code for frame in client.of(Type.RST_STREAM))
            assert set(refused) == {Code.REFUSED_STREAM}
        cost.check(cpu=0.5)

    def test_is_an_option(self, worker_class: str, gate: str) -> None:
        options = ("--h2-max-concurrent-streams", "3")
        with (
            attacked(worker_class, *options) as running,
            costing(running) as cost,
            attacker(running.clear) as client,
        ):
            client.send(requests(5, waiting(gate)))

            assert client.await_resets(2) == [Code.REFUSED_STREAM] * 2
            open_gate(running, gate)
            client.await_answers(3)
        assert cost.apps == 3


class TestIdentifiers:
    def test_that_decrease(self, victim: Server) -> None:
        """RFC 9113 section 5.1.1."""
        with attacker(victim.clear) as client:
            client.send(frames.headers(5, BLOCK), frames.headers(3, BLOCK))
            assert client.await_goodbye().code == Code.PROTOCOL_ERROR

    def test_the_last_one(self, victim: Server) -> None:
        last = 2**31 - 1
        with attacker(victim.clear) as client:
            client.send(frames.headers(last, BLOCK))
            client.await_answers(1)
            assert client.statuses() == {last: 200}
            client.send(frames.headers(1, BLOCK))
            assert client.await_goodbye().code == Code.PROTOCOL_ERROR

    @pytest.mark.parametrize("number", [2, 0])
    def test_that_are_not_a_clients(self, victim: Server, number: int) -> None:
        with attacker(victim.clear) as client:
            client.send(frames.headers(number, BLOCK))
            assert client.await_goodbye().code == Code.PROTOCOL_ERROR

    def test_far_apart(self, victim: Server) -> None:
        """Nothing is kept of those that are passed over."""
        with costing(victim) as cost, attacker(victim.clear) as client:
            step = 2**21
            for count in range(2**31 // step):
                client.send(frames.headers(1 + step * count, BLOCK))
                client.await_answers(1 + count)
        cost.check(cpu=5.0)


class TestFrameSizes:
    def test_larger_than_is_taken(self, victim: Server) -> None:
        """RFC 9113 section 4.2; nothing has to be read to know that."""
        for kind in (Type.DATA, Type.HEADERS, Type.SETTINGS, Type.PING, 0xFA):
            with attacker(victim.clear) as client:
                client.send(frames.frame(kind, 0, 1)[3:].rjust(9, b"\xff"))
                assert client.await_goodbye().code == Code.FRAME_SIZE_ERROR

    def test_large_ones_of_no_use(self, victim: Server) -> None:
        with costing(victim) as cost, attacker(victim.clear) as client:
            client.send(frames.frame(0xFA, 0, 0, bytes(16_384)) * 2000)
            client.await_calm()
        cost.check(cpu=0.5, memory=8 * MIB)


class TestPush:
    def test_by_a_client(self, victim: Server) -> None:
        """RFC 9113 section 8.4: "A client cannot push"."""
        with attacker(victim.clear) as client:
            client.send(frames.push_promise(1, 2, BLOCK))
            assert client.await_goodbye().code == Code.PROTOCOL_ERROR

    def test_of_more_than_there_may_be_streams(self, victim: Server, held: str) -> None:
        """What is pushed is limited as requests are, and apart from them."""
        block = request_block(f"/push?path=/wait%3Fgate%3D{held}")
        with costing(victim) as cost, attacker(victim.clear) as client:
            for number in range(10):
                client.send(requests(50, block, 1 + 100 * number))
                client.await_answers(50 + 50 * number)
            promises = len(client.of(Type.PUSH_PROMISE))
            open_gate(victim, held)
            await_quiet(victim)

            assert 50 <= promises <= STREAMS
        cost.check(cpu=1.0, apps=2 * STREAMS)

    def test_reset_again_and_again(self, victim: Server) -> None:
        """RFC 9113 section 8.4.2 lets a client do so, and it is work in vain all the same."""
        block = request_block("/push?path=/await-disconnect%3Freport%3Dpush")
        with costing(victim) as cost, attacker(victim.clear) as client:
            for first in range(1, 1000, 50):
                client.send(requests(25, block, first))
                client.read_until(partial(_has_promises, client, first // 2 + 25))
                promises = client.of(Type.PUSH_PROMISE)[-25:]
                client.send(*[frames.rst_stream(promise.last_stream_id) for promise in promises])
                await_quiet(victim)
            client.await_calm()
        cost.check(cpu=1.0)
        assert len(client.of(Type.PUSH_PROMISE)) < 500


def _has_promises(client: Attacker, count: int) -> bool:
    return client.has_goodbye() or len(client.of(Type.PUSH_PROMISE)) >= count
