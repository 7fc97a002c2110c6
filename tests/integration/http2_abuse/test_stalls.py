"""Clients that do not take what they asked for, or do not send what they announced.

They are waited for as long as the options say, at no cost, and then let go.
"""

from __future__ import annotations

import pytest

from tests.integration.http2_abuse.attacks import (
    attacker,
    connected,
    narrow_attacker,
    per_stream,
    request_block,
    requests,
)
from tests.integration.http2_abuse.costs import (
    MIB,
    STREAMS,
    await_quiet,
    costing,
    open_gate,
)
from tests.integration.http2_peer import http2
from tests.integration.serving import Server
from tests.protocols.http2 import frames
from tests.protocols.http2.frames import MAX_WINDOW, Code, Setting, Type

NO_WINDOW = (Setting.INITIAL_WINDOW_SIZE, 0)
WIDE_WINDOW = (Setting.INITIAL_WINDOW_SIZE, MAX_WINDOW)

# 2 MiB either way: in pieces, and as a whole.
ANSWERS = ["/stream?blocks=32", "/whole"]

# Whoever spins for the second that is waited, spends more.
IDLE = 0.4


class TestWindows:
    """Answers that wait for the client's windows."""

    @pytest.mark.parametrize("target", ANSWERS)
    def test_of_streams_shut(self, impatient: Server, target: str) -> None:
        with costing(impatient) as cost, attacker(impatient.clear, NO_WINDOW) as client:
            client.send(requests(STREAMS, request_block(target)))
            codes = client.await_resets(STREAMS)
            await_quiet(impatient)

            assert codes == [Code.CANCEL] * STREAMS
            client.send(frames.headers(401, request_block("/", method="HEAD")))
            client.await_answers(STREAMS + 1)
        cost.check(cpu=IDLE, memory=20 * MIB)

    @pytest.mark.parametrize("target", ANSWERS)
    def test_of_the_connection_shut(self, impatient: Server, target: str) -> None:
        with costing(impatient) as cost, attacker(impatient.clear, WIDE_WINDOW) as client:
            client.send(requests(STREAMS, request_block(target)))
            codes = client.await_resets(STREAMS)
            await_quiet(impatient)

            assert codes == [Code.CANCEL] * STREAMS
            assert client.content_size() == 65_535
            client.send(frames.window_update(0, 100), frames.headers(401, request_block("/")))
            client.await_answers(STREAMS + 1)
        cost.check(cpu=IDLE, memory=20 * MIB)

    def test_of_the_connection_shut_later(self, impatient: Server) -> None:
        """When a part of every answer has been taken, and the applications have more."""
        with costing(impatient) as cost, attacker(impatient.clear, WIDE_WINDOW) as client:
            client.send(frames.window_update(0, 16 * MIB))
            client.send(requests(STREAMS, request_block("/endless?report=shut")))
            codes = client.await_resets(STREAMS)
            await_quiet(impatient)

            assert codes == [Code.CANCEL] * STREAMS
            assert client.content_size() == 16 * MIB + 65_535
        cost.check(cpu=1.0, memory=20 * MIB)

    def test_of_one_byte(self, impatient: Server) -> None:
        """Always something, and never enough."""
        with costing(impatient) as cost, attacker(impatient.clear, NO_WINDOW) as client:
            client.send(requests(20, request_block("/stream?blocks=32")))
            client.await_answers(20)
            client.trickle(
                per_stream(20, lambda number: frames.window_update(number, 1)),
                lambda: len(client.of(Type.RST_STREAM)) >= 20,
            )
            await_quiet(impatient)

            assert set(client.await_resets(20)) == {Code.CANCEL}
            client.settle()
        cost.check(cpu=2 * IDLE, memory=8 * MIB)

    def test_opened_by_settings_again_and_again(self, impatient: Server) -> None:
        """One frame that lets a byte go on each of many streams."""
        with costing(impatient) as cost, attacker(impatient.clear, NO_WINDOW) as client:
            client.send(requests(STREAMS, request_block("/stream?blocks=32")))
            client.await_answers(STREAMS)
            client.send(
                *[
                    frames.settings((Setting.INITIAL_WINDOW_SIZE, size))
                    for size in range(1, 20_000)
                ]
            )
            client.await_calm()
        await_quiet(impatient)
        cost.check(cpu=3.0)

    def test_turned_back(self, impatient: Server) -> None:
        """RFC 9113 section 6.9.2: windows can become negative."""
        with costing(impatient) as cost, attacker(impatient.clear) as client:
            client.send(requests(10, request_block("/stream?blocks=32")))
            client.await_answers(10)
            client.send(frames.settings(NO_WINDOW), frames.window_update(0, 2**24))
            codes = client.await_resets(10)
            await_quiet(impatient)

            assert codes == [Code.CANCEL] * 10
        cost.check(cpu=IDLE)

    def test_do_not_hold_up_an_open_one(self, impatient: Server) -> None:
        with attacker(impatient.clear, NO_WINDOW) as client:
            client.send(requests(50, request_block("/whole")))
            client.send(frames.headers(101, request_block("/")), frames.window_update(101, 5))
            client.read_until(lambda: client.content_size() == 5)
            client.send(frames.goaway())
        await_quiet(impatient)


class TestUnreadSockets:
    """Answers that wait for the client's socket: its windows are open."""

    @pytest.mark.parametrize("scheme", ["http", "https"])
    @pytest.mark.parametrize("target", ["/endless?report=unread", "/whole"])
    def test_unread(self, impatient: Server, scheme: str, target: str) -> None:
        endpoint = impatient.clear if scheme == "http" else impatient.encrypted
        with costing(impatient) as cost, narrow_attacker(endpoint, WIDE_WINDOW) as client:
            client.send(frames.window_update(0, 2**30))
            client.send(requests(STREAMS, request_block(target)))
            client.await_answers(1)
            client.await_loss()
            await_quiet(impatient)

        cost.check(cpu=2 * IDLE, memory=20 * MIB)

    def test_whose_control_frames_are_not_read_either(self, impatient: Server) -> None:
        """Who does not read is not read: what is asked for cannot pile up."""
        with costing(impatient) as cost, narrow_attacker(impatient.clear, WIDE_WINDOW) as client:
            client.send(frames.window_update(0, 2**30))
            client.send(frames.headers(1, request_block("/endless?report=unread")))
            client.await_answers(1)
            client.send(frames.ping() * 400_000)
            await_quiet(impatient)

        cost.check(cpu=2 * IDLE, memory=8 * MIB)


class TestSlowStarts:
    @pytest.mark.parametrize("sent", [0, 10, len(frames.PREFACE), len(frames.PREFACE) + 5])
    def test_preface(self, impatient: Server, sent: int) -> None:
        data = (frames.PREFACE + frames.settings())[:sent]
        with costing(impatient) as cost, connected(impatient.encrypted) as client:
            client.send(data)

            assert client.await_goodbye().code == Code.SETTINGS_TIMEOUT
        cost.check(cpu=IDLE)

    @pytest.mark.parametrize("sent", [10, len(frames.PREFACE) + 5])
    def test_preface_without_tls(self, impatient: Server, sent: int) -> None:
        """Up to there it may be either HTTP."""
        with costing(impatient) as cost, connected(impatient.clear) as client:
            client.send((frames.PREFACE + frames.settings())[:sent])
            client.await_end()
        cost.check(cpu=IDLE)

    def test_settings_never_acknowledged(self, impatient: Server) -> None:
        with costing(impatient) as cost, connected(impatient.clear) as client:
            client.send(frames.PREFACE, frames.settings())
            client.send(frames.headers(1, request_block("/await-disconnect?report=unacked")))

            assert client.await_goodbye().code == Code.SETTINGS_TIMEOUT
        await_quiet(impatient)
        cost.check(cpu=IDLE)


class TestSlowHeaders:
    """Of a header section, as of a frame, nothing is known before its end."""

    def test_half_a_frame(self, impatient: Server) -> None:
        """The connection is without a request for too long."""
        with costing(impatient) as cost, attacker(impatient.clear) as client:
            client.send(frames.headers(1, request_block("/"))[:20])

            assert client.await_goodbye().code == Code.NO_ERROR
            client.await_end()
        cost.check(cpu=2 * IDLE)

    def test_that_never_comes(self, impatient: Server) -> None:
        with costing(impatient) as cost, attacker(impatient.clear) as client:
            client.send(frames.headers(1, request_block("/"), end_headers=False))
            client.await_calm()

        cost.check(cpu=0.3)

    def test_that_comes_slowly(self, impatient: Server) -> None:
        """Whoever keeps sending is no better than who does not."""
        with costing(impatient) as cost, attacker(impatient.clear) as client:
            client.send(frames.headers(1, request_block("/"), end_headers=False))
            piece = frames.continuation(1, b"\0\1x\1y", end_headers=False)
            client.trickle(piece, client.has_goodbye)
            client.await_calm()

        cost.check(cpu=0.5)

    def test_that_comes_slowly_while_others_wait(self, impatient: Server, gate: str) -> None:
        """An open stream does not give more time for the next one's header section."""
        with attacker(impatient.clear) as client:
            client.send(frames.headers(1, request_block(f"/wait?gate={gate}")))
            client.send(frames.headers(3, request_block("/"), end_headers=False))
            client.trickle(frames.continuation(3, b"", end_headers=False), client.has_goodbye)
            client.await_calm()
        open_gate(impatient, gate)


class TestSlowUploads:
    @pytest.mark.parametrize("sent", [b"", b"half of it"])
    def test_stalled(self, impatient: Server, sent: bytes, gate: str) -> None:
        """408 on that stream alone."""
        with costing(impatient) as cost, http2(impatient.clear) as peer:
            other = peer.request(f"/wait?gate={gate}")
            stream_id = peer.request("/echo", method="POST", end=False)
            peer.upload(stream_id, sent, end=False)

            assert peer.answer(stream_id).status == 408
            open_gate(impatient, gate)
            assert peer.answer(other).status == 200
        await_quiet(impatient)
        cost.check(cpu=IDLE)

    def test_trickled(self, impatient: Server) -> None:
        with costing(impatient) as cost, attacker(impatient.clear) as client:
            client.send(frames.headers(1, request_block("/echo", method="POST"), end=False))
            client.trickle(frames.data(1, b"x"), lambda: bool(client.of(Type.HEADERS)))

            assert client.statuses() == {1: 408}
            client.settle()
        await_quiet(impatient)
        cost.check(cpu=IDLE)

    def test_by_empty_frames(self, impatient: Server) -> None:
        """They are no content."""
        with attacker(impatient.clear) as client:
            client.send(frames.headers(1, request_block("/echo", method="POST"), end=False))
            client.trickle(frames.data(1, pad=10), lambda: bool(client.of(Type.HEADERS)))

            assert client.statuses() == {1: 408}
        await_quiet(impatient)
