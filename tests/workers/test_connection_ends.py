"""How a connection ends, from every state and by every side."""

from __future__ import annotations

from typing import Any

import pytest

from hypercorn_protocols import HTTP1Settings
from hypercorn_workers import Connection, Ending, WorkerSettings
from tests.workers.by_hand import (
    HELLO,
    PEER,
    REQUEST,
    Bench,
    HandTransport,
    Idler,
    Notes,
    Receive,
    Send,
    Stream,
    Waiter,
    body,
    hello,
    start,
)

CLOSE = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
UPLOAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"
DISCONNECT = {"type": "http.disconnect"}


class TestRegularEnd:
    def test_output_ends_first(self) -> None:
        """Then the peer is read for a while (RFC 9112 section 9.6)."""
        bench = Bench(hello)
        bench.receive(CLOSE)
        assert bench.transport.state == "half-closed"
        bench.receive(b"what it still sends")
        assert bench.transport.state == "half-closed"
        bench.end_input()

        assert bench.transport.state == "closed"
        assert bench.is_over

    def test_a_peer_that_does_not_end_its_side(self) -> None:
        bench = Bench(hello)
        bench.receive(CLOSE)
        bench.runtime.advance(1.9)
        assert bench.transport.state == "half-closed"
        bench.runtime.advance(0.2)

        assert bench.transport.state == "closed"
        assert bench.is_over

    def test_a_transport_that_cannot_half_close(self) -> None:
        bench = Bench(hello, half_closes=False)
        bench.receive(CLOSE)

        assert bench.transport.state == "closed"
        assert bench.is_over

    def test_requests_behind_it_are_not_answered(self) -> None:
        bench = Bench(hello)
        bench.receive(CLOSE + REQUEST)

        assert bench.transport.output.count(b"Hello") == 1

    def test_what_waits_is_sent_before(self) -> None:
        bench = Bench(hello, half_closes=False)
        bench.transport.takes_all = False
        bench.receive(CLOSE)
        assert bench.transport.state == "closing"
        bench.transport.take(bench.transport.waiting)
        bench.runtime.settle()

        assert bench.transport.state == "closed"
        assert bench.is_over

    def test_a_refused_upload_is_read_away(self) -> None:
        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await start(send, status=403)
            await body(send, b"no")

        bench = Bench(app)
        bench.receive(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
        for _ in range(15):
            bench.receive(b"x" * 65_536)
        assert bench.transport.state == "half-closed"
        assert bench.transport.is_read()


class TestEndOfInput:
    def test_idle(self) -> None:
        bench = Bench(hello)
        bench.receive(REQUEST)
        bench.end_input()

        assert bench.transport.state == "closed"
        assert bench.is_over

    def test_within_a_head(self) -> None:
        bench = Bench(hello)
        bench.receive(REQUEST[:10])
        bench.end_input()

        assert bench.transport.output == b""
        assert bench.transport.state == "closed"
        assert bench.is_over

    def test_within_content(self) -> None:
        app = Waiter()
        bench = Bench(app)
        bench.receive(UPLOAD + b"half")
        bench.end_input()

        assert app.messages[-1] == DISCONNECT
        assert not any(message.get("more_body") is False for message in app.messages)
        assert bench.is_over

    def test_an_application_that_asks_is_told(self) -> None:
        """And as it cannot answer any more, nobody waits for that."""
        app = Waiter()
        bench = Bench(app)
        bench.receive(REQUEST)
        bench.end_input()

        assert app.messages[-1] == DISCONNECT
        assert bench.transport.state == "closed"
        assert bench.is_over

    def test_an_application_that_does_not_ask_can_answer(self) -> None:
        gates: list[Any] = []

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            gate = bench.runtime.create_wakeup()
            gates.append(gate)
            await gate.wait()
            await hello(scope, receive, send)

        bench = Bench(app)
        bench.receive(REQUEST)
        bench.end_input()
        assert bench.transport.state == "open"
        gates[0].set()
        bench.runtime.settle()

        assert bench.transport.output == HELLO
        assert bench.is_over

    def test_behind_pipelined_requests(self) -> None:
        bench = Bench(hello)
        bench.connection.data_received(REQUEST * 40)
        bench.end_input()

        assert bench.transport.output == HELLO * 40
        assert bench.is_over

    def test_after_the_connection_was_closed(self) -> None:
        bench = Bench(hello, half_closes=False)
        bench.transport.takes_all = False
        bench.receive(CLOSE)
        bench.end_input()

        assert bench.transport.state == "closing"


class TestLoss:
    """The transport is gone, without a word."""

    @pytest.mark.parametrize(
        "received",
        [b"", REQUEST[:10], REQUEST, REQUEST * 3, b"nonsense\r\n\r\n", CLOSE],
        ids=["new", "in a head", "idle", "idle again", "refused", "closing"],
    )
    def test_without_a_request(self, received: bytes) -> None:
        bench = Bench(hello)
        if received:
            bench.receive(received)
        bench.transport.lose()
        bench.runtime.settle()

        assert bench.is_over

    @pytest.mark.parametrize("received", [REQUEST, UPLOAD, UPLOAD + b"half", REQUEST * 3])
    def test_while_an_application_receives(self, received: bytes) -> None:
        app = Waiter()
        bench = Bench(app)
        bench.receive(received)
        bench.transport.lose()
        bench.runtime.settle()

        assert app.messages[-1] == DISCONNECT
        assert bench.is_over

    @pytest.mark.parametrize("takes_all", [True, False])
    def test_while_an_application_sends(self, takes_all: bool) -> None:
        notes = Notes()
        app = Stream(10_000, 1_000_000_000)
        bench = Bench(app, observer=notes)
        bench.transport.takes_all = takes_all
        bench.connection.data_received(REQUEST)
        bench.runtime.turn()
        bench.transport.lose()
        bench.runtime.settle()

        assert isinstance(app.error, OSError)
        assert notes.failed == []
        assert notes.finished == [(200, False, 0.0)]
        assert bench.is_over

    def test_before_an_application_begins_to_send(self) -> None:
        raised = []

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await receive()
            await receive()
            for _ in range(2):
                try:
                    await start(send)
                except OSError as error:
                    raised.append(error)

        notes = Notes()
        bench = Bench(app, observer=notes)
        bench.receive(REQUEST)
        bench.transport.lose()
        bench.runtime.settle()

        assert len(raised) == 2
        assert notes.finished == [(None, False, 0.0)]

    def test_while_an_application_works_after_its_answer(self) -> None:
        received: list[Any] = []

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await hello(scope, receive, send)
            await gate.wait()
            received.append(await receive())
            await body(send, b"ignored")

        notes = Notes()
        bench = Bench(app, observer=notes)
        gate = bench.runtime.create_wakeup()
        bench.receive(REQUEST)
        bench.transport.lose()
        bench.runtime.settle()
        gate.set()
        bench.runtime.settle()

        assert received == [DISCONNECT]
        assert notes.failed == []
        assert notes.finished == [(200, True, 0.0)]

    def test_an_application_that_never_looks(self) -> None:
        app = Idler()
        bench = Bench(app)
        bench.receive(REQUEST)
        bench.transport.lose()
        bench.runtime.settle()

        assert bench.is_over


class Framework(Exception):  # noqa: N818 (as frameworks name it)
    """What a framework raises in place of the server's OSError."""


class TestWhoseFault:
    @pytest.fixture
    def raised_by(self) -> Any:
        """Give a function that says what the observer is told of an application's handler."""

        def run(handler: Any) -> list[BaseException]:
            async def app(scope: Any, receive: Receive, send: Send) -> None:
                await receive()
                await receive()
                try:
                    await start(send)
                except OSError as error:
                    handler(error)

            notes = Notes()
            bench = Bench(app, observer=notes)
            bench.receive(REQUEST)
            bench.transport.lose()
            bench.runtime.settle()
            assert len(notes.finished) == 1
            return notes.failed

        return run

    def test_passing_the_disconnect_on_is_none(self, raised_by: Any) -> None:
        def same(error: OSError) -> None:
            raise error

        assert raised_by(same) == []

    def test_neither_is_a_frameworks_own_word_for_it(self, raised_by: Any) -> None:
        def other(error: OSError) -> None:
            raise Framework

        def caused(error: OSError) -> None:
            raise Framework from error

        assert raised_by(other) == []
        assert raised_by(caused) == []

    def test_a_group_of_them_is_none(self, raised_by: Any) -> None:
        class Group(Framework):
            def __init__(self, *errors: BaseException) -> None:
                super().__init__()
                self.exceptions = errors

        def group(error: OSError) -> None:
            raise Group(error, error)

        def mixed(error: OSError) -> None:
            raise Group(error, ValueError())

        assert raised_by(group) == []
        assert len(raised_by(mixed)) == 1

    def test_a_mistake_in_handling_it_is_the_applications(self, raised_by: Any) -> None:
        def mistake(error: OSError) -> None:
            raise KeyError

        assert [type(error) for error in raised_by(mistake)] == [KeyError]

    def test_an_os_error_of_its_own_is_the_applications(self) -> None:
        async def app(scope: Any, receive: Receive, send: Send) -> None:
            raise ConnectionResetError("of a database")

        notes = Notes()
        bench = Bench(app, observer=notes)
        bench.receive(REQUEST)

        assert len(notes.failed) == 1
        assert bench.transport.output.startswith(b"HTTP/1.1 500 ")


class TestShutdown:
    def test_idle(self) -> None:
        bench = Bench(hello)
        bench.receive(REQUEST)
        bench.connection.shutdown()
        bench.runtime.settle()

        assert bench.transport.state == "closed"
        assert bench.is_over

    def test_within_a_head(self) -> None:
        """What was begun may come to its end."""
        bench = Bench(hello)
        bench.receive(REQUEST[:10])
        bench.connection.shutdown()
        bench.receive(REQUEST[10:])

        assert b"\r\nconnection: close\r\n" in bench.transport.output
        assert bench.transport.output.endswith(b"Hello")

    def test_within_a_request(self) -> None:
        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await receive()
            await hello(scope, receive, send)

        bench = Bench(app)
        bench.receive(UPLOAD)
        bench.connection.shutdown()
        bench.receive(b"0123456789")

        assert b"\r\nconnection: close\r\n" in bench.transport.output
        assert bench.transport.output.endswith(b"Hello")

    def test_with_requests_waiting(self) -> None:
        gates: list[Any] = []

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            gates.append(bench.runtime.create_wakeup())
            await gates[-1].wait()
            await hello(scope, receive, send)

        bench = Bench(app)
        bench.receive(REQUEST * 3)
        bench.connection.shutdown()
        for number in range(3):
            gates[number].set()
            bench.runtime.settle()

        assert len(gates) == 3
        assert bench.transport.output.count(b"Hello") == 3
        assert bench.transport.output.count(b"connection: close") == 1
        assert bench.transport.output.endswith(b"connection: close\r\n\r\nHello")

    def test_patience(self) -> None:
        bench = Bench(hello)
        bench.receive(REQUEST)
        bench.connection.shutdown(3.0)
        bench.runtime.advance(2.9)
        bench.receive(REQUEST)

        assert bench.transport.output.endswith(b"connection: close\r\n\r\nHello")
        assert bench.transport.output.count(b"Hello") == 2
        assert bench.transport.state == "half-closed"

    def test_patience_ends(self) -> None:
        bench = Bench(hello)
        bench.receive(REQUEST)
        bench.connection.shutdown(3.0)
        bench.runtime.advance(3.1)

        assert bench.transport.state == "closed"
        assert bench.is_over

    def test_patience_is_lost(self) -> None:
        bench = Bench(hello)
        bench.receive(REQUEST)
        bench.connection.shutdown(3.0)
        bench.connection.shutdown()
        bench.runtime.settle()

        assert bench.transport.state == "closed"

    def test_patience_with_a_peer_that_was_accepted_late(self) -> None:
        bench = Bench(hello)
        bench.worker.begin_shutdown(Ending.REPLACED)
        transport = HandTransport(bench.runtime)
        transport.connection = Connection(bench.worker, transport, PEER)
        bench.runtime.advance(2.0)
        transport.connection.data_received(REQUEST)

        assert transport.output.endswith(b"connection: close\r\n\r\nHello")

    def test_a_peer_that_was_accepted_late(self) -> None:
        """It gets what it came for, if it asks soon, and no more."""
        bench = Bench(hello)
        bench.worker.begin_shutdown(Ending.OUTDATED)
        transports = [HandTransport(bench.runtime) for _ in range(2)]
        asking, silent = (Connection(bench.worker, each, PEER) for each in transports)
        for transport, connection in zip(transports, (asking, silent), strict=True):
            transport.connection = connection
        asking.data_received(REQUEST * 2)
        bench.runtime.advance(0.6)

        assert transports[0].output.endswith(b"connection: close\r\n\r\nHello")
        assert transports[0].output.count(b"Hello") == 2
        assert transports[0].output.count(b"connection: close") == 1
        assert transports[1].state == "closed"

    @pytest.mark.parametrize(
        ("content_type", "endless_only", "told"),
        [
            (b"text/event-stream", True, True),
            (b"text/event-stream; charset=utf-8", True, True),
            (b"text/plain", True, False),
            (b"text/plain", False, True),
        ],
    )
    def test_who_is_told(self, content_type: bytes, endless_only: bool, told: bool) -> None:
        received: list[Any] = []

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await start(send, (b"Content-Type", content_type))
            await body(send, b"begun", more=True)
            await receive()
            received.append(await receive())

        bench = Bench(app)
        bench.receive(REQUEST)
        bench.connection.disconnect_applications(endless_only=endless_only)
        bench.runtime.settle()

        assert received == ([DISCONNECT] if told else [])
        # What stops short of its last chunk is cut off.
        assert bench.transport.state == ("closed" if told else "open")

    def test_a_cancelled_application(self) -> None:
        bench = Bench(Idler())
        bench.receive(REQUEST)
        for exchange in bench.worker._exchanges:
            exchange.task.cancel()
        bench.runtime.settle()

        assert bench.transport.output.startswith(b"HTTP/1.1 503 ")


def test_settings_of_lingering() -> None:
    http1 = HTTP1Settings(linger_timeout=0.5)
    bench = Bench(hello, WorkerSettings(http1=http1, response_headers=lambda protocol: ()))
    bench.receive(CLOSE)
    bench.runtime.advance(0.6)

    assert bench.is_over
