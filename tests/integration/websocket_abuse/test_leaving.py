"""Handshakes that do not end, and clients that leave without a word, or do not leave."""

from __future__ import annotations

from contextlib import ExitStack, suppress

import pytest

from tests.integration.http2_abuse.costs import await_quiet, costing
from tests.integration.serving import Server
from tests.integration.websocket_abuse.attacks import await_end, closure, message, trickle
from tests.integration.websocket_ways import HTTP2Connection, Way, handshake_fields
from tests.peer import IncompleteAnswer
from tests.protocols.http2.frames import Code

MANY = 200


class TestHandshakes:
    def test_halves(self, impatient: Server) -> None:
        with costing(impatient) as cost, ExitStack() as stack:
            peers = [stack.enter_context(impatient.clear.connect()) for _ in range(MANY)]
            for peer in peers:
                head = peer.head("/echo", *handshake_fields())
                peer.send(head[: len(head) // 2])

            for peer in peers:
                assert peer.answer().status == 408
        cost.check(cpu=2.0)

    def test_without_an_end(self, victim: Server) -> None:
        """Field after field."""
        with costing(victim) as cost, victim.clear.connect() as peer:
            peer.send(peer.head("/echo", *handshake_fields())[:-2])
            with suppress(ConnectionError):
                for _ in range(10_000):
                    peer.send(b"X-Filler: " + b"x" * 100 + b"\r\n")

            assert peer.rest().startswith((b"HTTP/1.1 431 ", b""))
        cost.check(cpu=1.0)

    def test_that_nobody_waits_for(self, victim: Server, version: str, gate: str) -> None:
        """The application is told, and starts over with the next."""
        with costing(victim) as cost:
            for _ in range(MANY):
                with Way(victim.clear, version).connect() as connection:
                    connection.ask("/discard")
            await_quiet(victim)
        cost.check(cpu=2.0, apps=MANY)


class TestClients:
    def test_that_vanish(self, victim: Server, version: str) -> None:
        """A thousand of them, or as many connections of HTTP/2 as take that long."""
        way = Way(victim.clear, version)
        with costing(victim) as cost:
            for _ in range(1000 if version == "1.1" else 300):
                with way.open("/discard") as websocket:
                    websocket.stream.reset()
            await_quiet(victim)
        cost.check(cpu=4.0)

    def test_that_reset_streams(self, victim: Server) -> None:
        """A thousand, on one connection."""
        with costing(victim) as cost, Way(victim.clear, "2").connect() as connection:
            assert isinstance(connection, HTTP2Connection)
            with pytest.raises(IncompleteAnswer):
                _open_and_reset(connection, 1000)
            await_quiet(victim)

            assert connection.peer.goodbyes[0].code == Code.ENHANCE_YOUR_CALM
        cost.check(cpu=2.0)

    def test_that_never_close(self, impatient: Server, hurried: Way) -> None:
        """And never say anything else."""
        with costing(impatient) as cost, ExitStack() as stack:
            websockets = [stack.enter_context(hurried.open("/close")) for _ in range(50)]
            for websocket in websockets:
                assert closure(websocket) == 1000
            for websocket in websockets:
                await_end(websocket)
            await_quiet(impatient)
        cost.check(cpu=2.0)

    def test_that_say_nothing(self, impatient: Server, hurried: Way) -> None:
        """Not even that they are still there."""
        with costing(impatient) as cost, ExitStack() as stack:
            websockets = [stack.enter_context(hurried.open("/discard")) for _ in range(50)]
            for websocket in websockets:
                assert closure(websocket) == 1011
            await_quiet(impatient)
        cost.check(cpu=2.0)

    def test_that_go_on_for_ever(self, impatient: Server, hurried: Way) -> None:
        """They were told to close, and have other things to say."""
        with costing(impatient) as cost, hurried.open("/close") as websocket:
            trickle(websocket, message(bytes(1000)))
            await_quiet(impatient)
        cost.check(cpu=1.0)


def _open_and_reset(connection: HTTP2Connection, times: int) -> None:
    for _ in range(times):
        connection.open("/discard").stream.reset()
