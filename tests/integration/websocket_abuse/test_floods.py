"""Frames without an end, and answers that nobody reads."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.integration.http2_abuse.costs import MIB, await_quiet, costing
from tests.integration.http2_peer import stalled
from tests.integration.serving import Server
from tests.integration.websocket_abuse.attacks import (
    await_end,
    message,
    narrow_websocket,
    pour,
    send_until_stuck,
)
from tests.integration.websocket_ways import HTTP2Connection, HTTP2Stream, Way
from tests.protocols.http2 import frames
from tests.websocket_peer import Opcode, ping, pong, text

COUNT = 100_000
KIB = 1024


class TestControlFrames:
    @pytest.mark.parametrize("flood", [pong(), ping(bytes(125))], ids=["pong", "ping"])
    def test_read_meanwhile(self, victim: Server, way: Way, flood: bytes) -> None:
        with costing(victim) as cost, way.open("/echo") as websocket:
            pour(websocket, [flood * (COUNT // 10)] * 10)
            websocket.send(ping(b"last"))
            while (frame := websocket.frame()).payload != b"last":
                assert frame.opcode == Opcode.PONG

            assert websocket.ask("Hello") == "Hello"
            websocket.leave()
        cost.check(cpu=4.0)

    def test_pongs_that_nobody_reads(self, victim: Server) -> None:
        way = Way(victim.clear, "1.1")
        with costing(victim) as cost, narrow_websocket(way, "/echo") as websocket:
            send_until_stuck(websocket, ping(bytes(125)), 20 * MIB)
            pour(websocket, [ping(b"last")])
            while (frame := websocket.frame()).payload != b"last":
                assert frame.opcode == Opcode.PONG

            assert websocket.ask("Hello") == "Hello"
        cost.check(cpu=4.0)

    def test_pongs_for_a_shut_window(self, victim: Server) -> None:
        """Only the latest of them are kept."""
        with costing(victim) as cost, stalled(victim.clear) as peer:
            websocket = HTTP2Connection(peer).open("/echo")
            websocket.send(ping(bytes(125)) * COUNT, ping(b"last"))
            peer.settle()
            assert isinstance(websocket.stream, HTTP2Stream)
            peer.send(frames.window_update(websocket.stream.stream_id, 2**20))
            count = 1
            while websocket.frame().payload != b"last":
                count += 1

        assert count < 2000
        cost.check(cpu=4.0)


class TestEchoesThatNobodyReads:
    def test_on_sockets(self, victim: Server) -> None:
        way = Way(victim.clear, "1.1")
        with costing(victim) as cost, ExitStack() as stack:
            for _ in range(3):
                websocket = stack.enter_context(narrow_websocket(way, "/echo"))
                # All else waits in the sockets.
                sent = send_until_stuck(websocket, message(bytes(64 * KIB)), 64 * MIB)
                assert sent < 64 * MIB
        await_quiet(victim)
        cost.check(cpu=2.0)

    def test_for_shut_windows(self, victim: Server) -> None:
        """Each lets its own be shut, too."""
        echo = message(bytes(32 * KIB))
        with costing(victim) as cost, stalled(victim.clear) as peer:
            connection = HTTP2Connection(peer)
            streams = [connection.open("/echo").stream for _ in range(50)]
            for stream in streams:
                assert isinstance(stream, HTTP2Stream)
                assert _send_until_shut(stream, echo * 100) < len(echo) * 50

            neighbour = peer.request("/digest", method="POST", end=False)
            peer.upload(neighbour, bytes(MIB))
            assert peer.start_of_answer(neighbour).status == 200
        await_quiet(victim)
        cost.check(cpu=2.0, memory=32 * MIB)

    def test_are_not_waited_for(self, impatient: Server) -> None:
        """For longer than an answer of any other kind."""
        with costing(impatient) as cost, stalled(impatient.clear) as peer:
            websocket = HTTP2Connection(peer).open("/echo")
            websocket.send(text("x" * 1000))

            await_end(websocket)
            await_quiet(impatient)
        cost.check(cpu=1.0)


def _send_until_shut(stream: HTTP2Stream, data: bytes) -> int:
    """Send until the server does not open the stream's window any more; tell how much."""
    peer, sent = stream.peer, 0
    while size := peer.window(stream.stream_id):
        piece = data[sent : sent + size]
        assert piece, "it takes everything"
        peer.send(frames.data(stream.stream_id, piece))
        sent += len(piece)
        if not peer.window(stream.stream_id):
            peer.settle()
    return sent
