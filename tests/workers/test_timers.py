"""The one timer of a connection, and what it lets go of."""

from __future__ import annotations

from typing import Any

import pytest

from hypercorn_protocols import HTTP1Settings
from hypercorn_workers import WorkerSettings
from tests.workers.by_hand import (
    REQUEST,
    Bench,
    Idler,
    Receive,
    Send,
    Stream,
    Waiter,
    body,
    hello,
    start,
)

UPLOAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"
HTTP1 = HTTP1Settings(
    keep_alive_timeout=5,
    head_timeout=4,
    read_idle_timeout=10,
    read_min_rate=100,
    rate_grace=20,
    linger_timeout=1,
)


def settings(**changes: Any) -> WorkerSettings:
    write: dict[str, Any] = {"write_idle_timeout": 30.0, "write_min_rate": 0, **changes}
    return WorkerSettings(http1=HTTP1, response_headers=lambda protocol: (), **write)


class TestIdle:
    def test_from_the_start(self) -> None:
        bench = Bench(hello, settings())
        bench.runtime.advance(4.9)
        assert bench.transport.state == "open"
        bench.runtime.advance(0.2)

        assert bench.transport.state == "closed"
        assert bench.transport.output == b""
        assert bench.is_over

    def test_from_the_last_answer(self) -> None:
        bench = Bench(hello, settings())
        for _ in range(10):
            bench.runtime.advance(4)
            bench.receive(REQUEST)
        bench.runtime.advance(4.9)
        assert bench.transport.state == "open"
        bench.runtime.advance(0.2)

        assert bench.transport.state == "closed"

    def test_timers_that_are_a_little_early(self) -> None:
        bench = Bench(hello, settings())
        bench.runtime.early = 0.001
        bench.receive(REQUEST)
        bench.runtime.advance(5.1)

        assert bench.transport.state == "closed"
        assert bench.is_over

    def test_not_while_a_request_is_answered(self) -> None:
        app = Idler()
        bench = Bench(app, settings())
        bench.receive(REQUEST)
        bench.runtime.advance(1000)

        assert bench.transport.state == "open"

    def test_timers_are_not_made_for_every_request(self) -> None:
        """They are set anew when they fire too early."""
        bench = Bench(hello, settings())
        for _ in range(1000):
            bench.receive(REQUEST)
            bench.runtime.advance(0.001)

        assert bench.runtime.timers_made < 10


class TestReading:
    def test_a_head_that_stalls(self) -> None:
        bench = Bench(hello, settings())
        bench.runtime.advance(2)
        bench.receive(REQUEST[:10])
        bench.runtime.advance(3.9)
        assert bench.transport.output == b""
        bench.runtime.advance(0.2)

        assert bench.transport.output.startswith(b"HTTP/1.1 408 ")
        bench.runtime.advance(1)
        assert bench.is_over

    def test_a_head_that_trickles(self) -> None:
        bench = Bench(hello, settings())
        for byte in REQUEST[:9]:
            bench.receive(bytes([byte]))
            bench.runtime.advance(0.5)

        assert bench.transport.output.startswith(b"HTTP/1.1 408 ")

    def test_content_that_stalls(self) -> None:
        app = Waiter()
        bench = Bench(app, settings())
        bench.receive(UPLOAD)
        for _ in range(3):
            bench.runtime.advance(9)
            bench.receive(b"x" * 1000)
        bench.runtime.advance(10.1)

        assert bench.transport.output.startswith(b"HTTP/1.1 408 ")
        assert app.messages[-1] == {"type": "http.disconnect"}
        bench.runtime.advance(1)
        assert bench.is_over

    def test_content_that_trickles(self) -> None:
        app = Waiter()
        bench = Bench(app, settings())
        bench.receive(UPLOAD)
        seconds = 0
        while not bench.transport.output:
            bench.receive(b"x")
            bench.runtime.advance(1)
            seconds += 1

        assert 20 <= seconds <= 21
        assert bench.transport.output.startswith(b"HTTP/1.1 408 ")

    def test_not_while_the_application_is_waited_for(self) -> None:
        bench = Bench(Idler(), settings())
        bench.receive(UPLOAD + b"x" * 100_000)
        assert not bench.transport.is_read()
        bench.runtime.advance(1000)

        assert bench.transport.state == "open"
        assert bench.transport.output == b""


class TestWriting:
    def test_a_peer_that_takes_nothing(self) -> None:
        app = Stream(100_000, 100)
        bench = Bench(app, settings())
        bench.transport.takes_all = False
        bench.receive(REQUEST)
        bench.runtime.advance(29)
        assert bench.transport.state == "open"
        bench.runtime.advance(1.1)

        assert bench.transport.state == "aborted"
        assert isinstance(app.error, OSError)
        assert bench.is_over

    def test_a_peer_that_takes_some(self) -> None:
        app = Stream(100_000, 3)
        bench = Bench(app, settings())
        bench.transport.takes_all = False
        bench.receive(REQUEST)
        for _ in range(20):
            bench.runtime.advance(20)
            bench.transport.take(1000)
        assert bench.transport.state == "open"
        bench.runtime.advance(40)

        assert bench.transport.state == "aborted"

    def test_a_peer_that_takes_too_little(self) -> None:
        bench = Bench(Stream(100_000, 100), settings(write_min_rate=1000))
        bench.transport.takes_all = False
        bench.receive(REQUEST)
        seconds = 0
        while bench.transport.state == "open":
            bench.transport.take(10)
            bench.runtime.advance(1)
            seconds += 1

        # The grace, and the pause between two looks at it.
        assert 20 <= seconds <= 25

    def test_a_small_answer_that_is_not_taken(self) -> None:
        """Too little to hold an application up, but a connection all the same."""
        bench = Bench(hello, settings())
        bench.transport.takes_all = False
        bench.receive(REQUEST)
        bench.runtime.advance(100)

        assert bench.transport.state == "aborted"
        assert bench.is_over

    def test_the_end_of_an_answer_that_is_not_taken(self) -> None:
        bench = Bench(hello, settings(), half_closes=False)
        bench.transport.takes_all = False
        bench.receive(b"GET / HTTP/1.0\r\n\r\n")
        assert bench.transport.state == "closing"
        bench.runtime.advance(100)

        assert bench.transport.state == "aborted"
        assert bench.is_over

    @pytest.mark.parametrize("takes_all", [True, False])
    def test_a_slow_application_is_not_the_peers_fault(self, takes_all: bool) -> None:
        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await start(send)
            await body(send, b"begun", more=True)
            await Idler()(scope, receive, send)

        bench = Bench(app, settings(write_min_rate=1000))
        bench.transport.takes_all = takes_all
        bench.receive(REQUEST)
        bench.transport.take(bench.transport.waiting)
        bench.runtime.advance(1000)

        assert bench.transport.state == "open"

    def test_a_peer_that_takes_all_again(self) -> None:
        """The guard begins anew each time that something waits."""
        app = Stream(100_000, 10)
        bench = Bench(app, settings(write_min_rate=1000))
        bench.transport.takes_all = False
        bench.receive(REQUEST)
        while app.sent < 10:
            bench.runtime.advance(15)
            bench.transport.take(bench.transport.waiting)
            bench.runtime.settle()

        assert bench.transport.output.endswith(b"\r\n0\r\n\r\n")
        assert bench.transport.state == "open"
