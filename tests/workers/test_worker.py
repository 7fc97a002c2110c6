"""A worker's life, driven by hand: its start, its end, and how long each may take."""

from __future__ import annotations

import socket
from collections.abc import Coroutine
from typing import Any

import pytest

from hypercorn_asgi.errors import LifespanFailureError, LifespanTimeoutError
from hypercorn_workers import Listener, WorkerSettings
from tests.workers.by_hand import (
    REQUEST,
    Cancelled,
    HandRuntime,
    Idler,
    Receive,
    Send,
    Stream,
    body,
    hello,
    make_worker,
    start,
)
from tests.workers.serving import Acceptor, Serve, lifespan, with_lifespan


class TestStart:
    def test_order(self, serve: Serve) -> None:
        order = []

        async def life(scope: Any, receive: Receive, send: Send) -> None:
            scope["state"]["key"] = "value"
            order.append("startup")
            await lifespan(scope, receive, send)
            order.append("shutdown")

        serving = serve(with_lifespan(hello, life))

        assert order == ["startup"]
        assert len(serving.acceptors) == 2
        assert serving.addresses == serving.notes.addresses
        assert [address.rpartition(":")[0] for address in serving.addresses] == [
            "http://127.0.0.1"
        ] * 2
        assert serving.worker.lifespan_state == {"key": "value"}

    def test_without_lifespan(self, serve: Serve) -> None:
        async def app(scope: Any, receive: Receive, send: Send) -> None:
            assert scope["type"] == "http"
            await hello(scope, receive, send)

        serving = serve(app)

        assert [type(error) for error in serving.notes.unsupported] == [AssertionError]
        assert serving.connect(REQUEST).output.endswith(b"Hello")
        serving.shut_down()
        assert serving.error is None
        assert serving.ended_at is not None

    def test_failure(self, serve: Serve) -> None:
        async def life(scope: Any, receive: Receive, send: Send) -> None:
            await receive()
            await send({"type": "lifespan.startup.failed", "message": "no database"})

        serving = serve(with_lifespan(hello, life))

        assert isinstance(serving.error, LifespanFailureError)
        assert "no database" in str(serving.error)
        assert serving.listeners == []

    def test_timeout(self, serve: Serve) -> None:
        serving = serve(with_lifespan(hello, Idler()), startup_timeout=5.0)
        serving.runtime.advance(4.9)
        assert not serving.has_ended()
        serving.runtime.advance(0.2)

        assert isinstance(serving.error, LifespanTimeoutError)
        assert serving.listeners == []

    def test_who_is_told_of_the_addresses_may_stop_it_at_once(self) -> None:
        runtime = HandRuntime(eager=False)
        stop = runtime.create_wakeup()
        worker = make_worker(with_lifespan(hello), runtime, WorkerSettings())
        errors: list[BaseException] = []
        runtime.spawn(
            collect(errors, worker.serve(list, refuse, stop.wait, lambda addresses: stop.set()))
        )
        runtime.settle()

        assert worker.stopping
        assert errors == []


class TestEnd:
    def test_nothing_open(self, serve: Serve) -> None:
        serving = serve(with_lifespan(hello))
        began_at = serving.shut_down()

        assert serving.ended_at == began_at
        assert serving.error is None
        assert all(acceptor.closed for acceptor in serving.acceptors)
        assert all(listener.sock.fileno() == -1 for listener in serving.listeners)

    def test_idle_connections(self, serve: Serve) -> None:
        serving = serve(with_lifespan(hello))
        transports = [serving.connect(REQUEST), serving.connect(REQUEST * 2)]
        began_at = serving.shut_down()

        assert [transport.state for transport in transports] == ["closed"] * 2
        assert serving.ended_at == began_at

    def test_connections_without_a_request(self, serve: Serve) -> None:
        """Their peers may have sent it already."""
        serving = serve(with_lifespan(hello))
        transport = serving.connect()
        serving.shut_down()
        assert transport.state == "open"
        serving.runtime.advance(1)

        assert transport.state == "closed"
        assert serving.ended_at is not None

    def test_a_request_within_the_grace(self, serve: Serve) -> None:
        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await gate.wait()
            await hello(scope, receive, send)

        serving = serve(with_lifespan(app))
        gate = serving.runtime.create_wakeup()
        transport = serving.connect(REQUEST)
        serving.shut_down()
        serving.runtime.advance(5)
        assert not serving.has_ended()
        gate.set()
        serving.runtime.settle()
        assert transport.output.endswith(b"connection: close\r\n\r\nHello")
        serving.runtime.advance(2)

        assert serving.ended_at is not None

    def test_stages_of_the_grace(self, serve: Serve) -> None:
        """Told after eight tenths of it, cancelled shortly before the end."""
        seen = []

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await receive()
            seen.append(((await receive())["type"], serving.runtime.now()))
            try:
                await Idler()(scope, receive, send)
            except BaseException:
                seen.append(("cancelled", serving.runtime.now()))
                raise

        serving = serve(with_lifespan(app))
        serving.connect(REQUEST)
        began_at = serving.shut_down()
        serving.runtime.advance(20)

        assert seen == [("http.disconnect", began_at + 8), ("cancelled", began_at + 9.5)]
        assert serving.ended_at == began_at + 9.5
        assert serving.error is None

    def test_timers_that_are_a_little_early(self, serve: Serve) -> None:
        serving = serve(with_lifespan(Idler()), early=0.001)
        serving.connect(REQUEST)
        began_at = serving.shut_down()
        serving.runtime.advance(11)

        assert serving.ended_at == pytest.approx(began_at + 10)

    def test_an_event_stream_is_told_at_once(self, serve: Serve) -> None:
        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await start(send, (b"content-type", b"text/event-stream"))
            await body(send, b"begun", more=True)
            await receive()
            await receive()

        serving = serve(with_lifespan(app))
        serving.connect(REQUEST)
        began_at = serving.shut_down()

        assert serving.ended_at == began_at

    def test_an_application_that_swallows_cancellation(self, serve: Serve) -> None:
        async def app(scope: Any, receive: Receive, send: Send) -> None:
            while True:
                try:
                    await Idler()(scope, receive, send)
                except Cancelled as error:
                    cancelled.append(error)

        cancelled: list[BaseException] = []
        serving = serve(with_lifespan(app))
        transport = serving.connect(REQUEST)
        began_at = serving.shut_down()
        serving.runtime.advance(20)

        assert serving.ended_at == began_at + 10
        assert cancelled
        assert transport.state == "aborted"

    def test_an_answer_that_is_not_taken(self, serve: Serve) -> None:
        serving = serve(with_lifespan(Stream(100_000, 100)))
        transport = serving.connect()
        transport.takes_all = False
        assert transport.connection is not None
        transport.connection.data_received(REQUEST)
        began_at = serving.shut_down()
        serving.runtime.advance(20)

        assert serving.ended_at is not None
        assert serving.ended_at <= began_at + 10
        assert transport.state == "aborted"

    def test_work_after_an_answer_is_waited_for(self, serve: Serve) -> None:
        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await hello(scope, receive, send)
            await gate.wait()

        serving = serve(with_lifespan(app))
        gate = serving.runtime.create_wakeup()
        serving.connect(REQUEST)
        serving.shut_down()
        serving.runtime.advance(5)
        assert not serving.has_ended()
        gate.set()
        serving.runtime.settle()

        assert serving.ended_at == serving.runtime.now()

    def test_failure_of_the_lifespan(self, serve: Serve) -> None:
        async def life(scope: Any, receive: Receive, send: Send) -> None:
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.failed", "message": "could not save"})

        serving = serve(with_lifespan(hello, life))
        serving.shut_down()

        assert isinstance(serving.error, LifespanFailureError)

    def test_timeout_of_the_lifespan(self, serve: Serve) -> None:
        async def life(scope: Any, receive: Receive, send: Send) -> None:
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await Idler()(scope, receive, send)

        serving = serve(with_lifespan(hello, life), shutdown_timeout=5.0)
        serving.shut_down()
        serving.runtime.advance(5.1)

        assert isinstance(serving.error, LifespanTimeoutError)

    def test_a_trigger_that_raises(self) -> None:
        stopped = []

        async def life(scope: Any, receive: Receive, send: Send) -> None:
            await lifespan(scope, receive, send)
            stopped.append(True)

        runtime = HandRuntime()
        worker = make_worker(with_lifespan(hello, life), runtime, WorkerSettings())
        errors: list[BaseException] = []

        async def trigger() -> None:
            raise ValueError("of the trigger")

        runtime.spawn(collect(errors, worker.serve(list, refuse, trigger, list)))
        runtime.settle()

        assert [str(error) for error in errors] == ["of the trigger"]
        assert stopped == [True]

    def test_last_request(self, serve: Serve) -> None:
        serving = serve(with_lifespan(hello), max_requests=3)
        transport = serving.connect(REQUEST)
        serving.connect(REQUEST)
        assert not serving.has_ended()
        serving.connect(REQUEST)
        assert all(acceptor.closed for acceptor in serving.acceptors)
        assert transport.state == "open"  # another worker takes over: nobody is in a hurry
        serving.runtime.advance(5.0)

        assert serving.ended_at is not None
        assert transport.state == "closed"


async def collect(errors: list[BaseException], coroutine: Coroutine[Any, Any, None]) -> None:
    try:
        await coroutine
    except BaseException as error:
        errors.append(error)


async def refuse(listener: Listener) -> Acceptor:
    raise OSError("cannot be accepted on")


def test_listeners_that_cannot_be_opened() -> None:
    ended = []

    async def life(scope: Any, receive: Receive, send: Send) -> None:
        try:
            await lifespan(scope, receive, send)
        except BaseException:
            ended.append(True)
            raise

    def listeners() -> list[Listener]:
        raise OSError("address in use")

    runtime = HandRuntime()
    worker = make_worker(with_lifespan(hello, life), runtime, WorkerSettings())
    errors: list[BaseException] = []
    runtime.spawn(
        collect(errors, worker.serve(listeners, refuse, runtime.create_wakeup().wait, list))
    )
    runtime.settle()

    assert [str(error) for error in errors] == ["address in use"]
    assert ended == [True]


def test_sockets_are_closed_when_accepting_fails() -> None:
    listener = Listener(socket.create_server(("127.0.0.1", 0)))
    runtime = HandRuntime()
    worker = make_worker(with_lifespan(hello), runtime, WorkerSettings())
    errors: list[BaseException] = []
    trigger = runtime.create_wakeup().wait
    runtime.spawn(collect(errors, worker.serve(lambda: [listener], refuse, trigger, list)))
    runtime.settle()

    assert [str(error) for error in errors] == ["cannot be accepted on"]
    assert listener.sock.fileno() == -1
