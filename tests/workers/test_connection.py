"""A connection, driven by hand: no loop, no socket, no clock."""

from __future__ import annotations

from typing import Any

import pytest

from hypercorn_asgi import ClientDisconnected
from hypercorn_workers import Connection, NullObserver, ServedResponse
from tests.workers.hand import GET, PEER, Hand

START = {"type": "http.response.start", "status": 200, "headers": []}
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await send(START)
    await send({"type": "http.response.body", "body": b"hello"})


class Streaming:
    """Sends pieces when told to, and notes what happens to it."""

    def __init__(self, size: int = 10, pieces: int = 1_000_000) -> None:
        self.sent = 0
        self.messages: list[Any] = []
        self.error: BaseException | None = None
        self._size = size
        self._pieces = pieces

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await send(START)
            for _ in range(self._pieces):
                body = b"x" * self._size
                await send({"type": "http.response.body", "body": body, "more_body": True})
                self.sent += 1
            await send({"type": "http.response.body"})
        except OSError as error:
            self.error = error
            raise


class Receiving:
    """Takes messages whenever it is let."""

    def __init__(self, at_most: int = 1_000_000) -> None:
        self.messages: list[Any] = []
        self.allowed = at_most

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while self.allowed:
            self.allowed -= 1
            self.messages.append(await receive())
            if self.messages[-1]["type"] == "http.disconnect":
                return
            if not self.messages[-1]["more_body"]:
                break
        await hello(scope, receive, send)


class TestAnswering:
    def test_a_small_answer_is_one_write(self) -> None:
        hand = Hand(hello)
        hand.receive(GET)
        sent = hand.sent()
        assert sent.startswith(b"HTTP/1.1 200 OK\r\n")
        assert sent.endswith(b"server: hand\r\ncontent-length: 5\r\n\r\nhello")
        assert hand.transport.writes == 1

    def test_what_is_streamed_in_one_turn_is_one_write(self) -> None:
        hand = Hand(Streaming(pieces=3))
        hand.receive(GET)
        assert hand.sent().count(b"xxxxxxxxxx") == 3
        assert hand.transport.writes == 1

    def test_pipelined_requests_are_answered_in_one_write(self) -> None:
        order: list[str] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            order.append(scope["path"])
            await hello(scope, receive, send)

        hand = Hand(app)
        hand.receive(b"".join(GET.replace(b"/ ", b"/%d " % n, 1) for n in range(40)))
        hand.runtime.advance(0)
        assert order == [f"/{n}" for n in range(40)]
        assert hand.sent().count(b"hello") == 40

    def test_what_the_protocol_refuses_has_the_default_fields(self) -> None:
        hand = Hand(hello)
        hand.receive(b"nonsense\r\n\r\n")
        sent = hand.sent()
        assert sent.startswith(b"HTTP/1.1 400 ")
        assert b"\r\nserver: hand\r\n" in sent

    def test_other_hosts_are_not_served(self) -> None:
        hand = Hand(hello, server_names=("a:80",))
        hand.receive(GET)
        assert hand.sent().startswith(b"HTTP/1.1 404 ")
        hand.receive(GET.replace(b"Host: a", b"Host: a:80"))
        assert hand.sent().startswith(b"HTTP/1.1 200 ")

    def test_an_application_that_raises(self) -> None:
        failures: list[BaseException] = []

        class Noting(NullObserver):
            async def application_failed(self, scope: Any, error: BaseException) -> None:
                failures.append(error)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            raise ValueError("a defect")

        hand = Hand(app, Noting())
        hand.receive(GET)
        assert hand.sent().startswith(b"HTTP/1.1 500 ")
        assert [str(error) for error in failures] == ["a defect"]

    def test_an_application_that_raises_within_its_answer(self) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send(START)
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            raise ValueError("a defect")

        hand = Hand(app)
        hand.receive(GET)
        assert not hand.sent().endswith(b"0\r\n\r\n")
        assert hand.transport.is_closed()

    def test_what_is_reported(self) -> None:
        reports: list[tuple[str, ServedResponse | None, float]] = []

        class Noting(NullObserver):
            observes_requests = True

            async def request_finished(
                self, scope: Any, response: ServedResponse | None, duration: float
            ) -> None:
                reports.append((scope["path"], response, duration))

        hand = Hand(hello, Noting())
        hand.receive(GET)
        assert reports == [("/", ServedResponse(200, [], True), 0.0)]


class TestReading:
    def test_the_peer_is_read_again_once_content_is_taken(self) -> None:
        gate = Hand(hello).runtime.create_wakeup()
        taken: list[bytes] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await gate.wait()
            while True:
                message = await receive()
                taken.append(message["body"])
                if not message["more_body"]:
                    break
            await hello(scope, receive, send)

        hand = Hand(app, http1={"max_body_buffer": 100})
        gate._runtime = hand.runtime
        hand.receive(POST % 300 + b"x" * 150)
        assert not hand.transport.is_read()
        gate.set()
        hand.runtime.run()
        assert hand.transport.is_read()
        hand.receive(b"y" * 150)
        assert b"".join(taken) == b"x" * 150 + b"y" * 150
        assert hand.sent().endswith(b"hello")

    def test_continue_is_sent_when_content_is_asked_for(self) -> None:
        hand = Hand(Receiving())
        hand.receive((POST % 1).replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
        assert hand.sent() == b"HTTP/1.1 100 Continue\r\n\r\n"
        hand.receive(b"x")
        assert hand.sent().endswith(b"hello")

    def test_the_end_of_the_input_is_told_and_the_answer_is_sent(self) -> None:
        gate = Hand(hello).runtime.create_wakeup()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await gate.wait()
            await hello(scope, receive, send)

        hand = Hand(app)
        gate._runtime = hand.runtime
        hand.receive(GET)
        hand.connection.eof_received()
        gate.set()
        hand.runtime.run()
        assert hand.sent().endswith(b"hello")
        assert hand.transport.is_closed()

    def test_who_was_told_of_a_disconnect_cannot_send(self) -> None:
        errors: list[BaseException] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            assert (await receive())["type"] == "http.disconnect"
            try:
                await send(START)
            except OSError as error:
                errors.append(error)

        hand = Hand(app)
        hand.receive(GET)
        hand.connection.eof_received()
        hand.runtime.run()
        assert [type(error) for error in errors] == [ClientDisconnected]


class TestCongestion:
    def test_an_application_waits_until_there_is_room(self) -> None:
        app = Streaming(size=100, pieces=50)
        hand = Hand(app)

        write = hand.transport.write

        def full(data: bytes) -> None:
            write(data)
            hand.transport.waiting = len(data)
            hand.connection.pause_writing()

        hand.transport.write = full  # type: ignore[method-assign]
        hand.receive(GET)
        hand.runtime.advance(0)
        before = app.sent
        hand.runtime.advance(1)
        assert app.sent == before
        assert not hand.transport.is_read()

        hand.transport.waiting = 0
        hand.transport.write = write  # type: ignore[method-assign]
        hand.connection.resume_writing()
        hand.runtime.run()
        assert app.sent == 50
        assert hand.transport.is_read()

    def test_one_turn_does_not_belong_to_one_application(self) -> None:
        app = Streaming(size=30_000)
        hand = Hand(app)
        hand.connection.data_received(GET)
        hand.runtime.ready.popleft()()
        assert app.sent < 10

    def test_a_peer_that_takes_nothing_is_let_go(self) -> None:
        app = Streaming(size=100_000)
        hand = Hand(app, write_idle_timeout=30.0)
        write = hand.transport.write

        def full(data: bytes) -> None:
            write(data)
            hand.transport.waiting += len(data)
            hand.connection.pause_writing()

        hand.transport.write = full  # type: ignore[method-assign]
        hand.connection.data_received(GET)
        hand.runtime.advance(29)
        assert not hand.transport.is_aborted()
        hand.runtime.advance(7)
        assert hand.transport.is_aborted()
        hand.connection.connection_lost()
        hand.runtime.run()
        assert isinstance(app.error, ClientDisconnected)

    def test_a_peer_that_takes_something_is_not(self) -> None:
        hand = Hand(Streaming(size=100_000), write_idle_timeout=30.0, write_min_rate=0)
        write = hand.transport.write

        def full(data: bytes) -> None:
            write(data)
            hand.transport.waiting += len(data)
            hand.connection.pause_writing()

        hand.transport.write = full  # type: ignore[method-assign]
        hand.connection.data_received(GET)
        for _ in range(10):
            hand.runtime.advance(20)
            hand.transport.waiting -= 1
        assert not hand.transport.is_aborted()

    def test_a_peer_that_trickles_is_let_go(self) -> None:
        hand = Hand(
            Streaming(size=100_000),
            http1={"rate_grace": 10.0},
            write_idle_timeout=30.0,
            write_min_rate=1_000,
        )
        write = hand.transport.write

        def full(data: bytes) -> None:
            write(data)
            hand.transport.waiting += len(data)
            hand.connection.pause_writing()

        hand.transport.write = full  # type: ignore[method-assign]
        hand.connection.data_received(GET)
        for _ in range(20):
            hand.runtime.advance(1)
            hand.transport.waiting -= 100
        assert hand.transport.is_aborted()

    def test_a_closed_transport_is_watched_until_it_is_gone(self) -> None:
        hand = Hand(hello, half_closes=False, write_idle_timeout=30.0)
        hand.transport.waiting = 10
        hand.receive(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert hand.transport.is_closed()
        hand.runtime.advance(40)
        assert hand.transport.is_aborted()


class TestTimers:
    def test_an_idle_connection_is_closed(self) -> None:
        hand = Hand(hello)
        hand.runtime.advance(4.9)
        assert not hand.transport.is_closed()
        hand.runtime.advance(0.2)
        assert hand.transport.is_closed()
        assert hand.sent() == b""

    def test_the_timer_is_set_anew_only_when_it_fires(self) -> None:
        hand = Hand(hello)
        for _ in range(100):
            hand.receive(GET)
            hand.runtime.advance(0.01)
        assert len(hand.runtime.timers) == 1
        hand.runtime.advance(4.5)
        assert not hand.transport.is_closed()
        hand.runtime.advance(0.6)
        assert hand.transport.is_closed()

    def test_a_slow_head_is_answered(self) -> None:
        hand = Hand(hello)
        hand.receive(GET[:10])
        hand.runtime.advance(5.1)
        assert hand.sent().startswith(b"HTTP/1.1 408 ")
        assert hand.transport.half_closed

    def test_a_stalled_body_disconnects_the_application(self) -> None:
        app = Receiving()
        hand = Hand(app)
        hand.receive(POST % 10 + b"x")
        hand.runtime.advance(31)
        assert [message["type"] for message in app.messages] == ["http.request", "http.disconnect"]
        assert hand.sent().startswith(b"HTTP/1.1 408 ")

    def test_a_lost_connection_has_no_timer(self) -> None:
        hand = Hand(hello)
        hand.connection.connection_lost()
        assert [timer.callback for timer in hand.runtime.timers] == [None]
        assert not hand.worker.connections


class TestClosing:
    def test_the_output_ends_and_the_input_is_read_on(self) -> None:
        hand = Hand(hello)
        hand.receive(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert hand.transport.half_closed
        assert not hand.transport.is_closed()
        hand.receive(GET)
        assert hand.sent().count(b"hello") == 1
        hand.connection.eof_received()
        assert hand.transport.is_closed()

    def test_the_input_is_not_read_on_for_ever(self) -> None:
        hand = Hand(hello)
        hand.receive(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        hand.runtime.advance(2.1)
        assert hand.transport.is_closed()

    def test_a_transport_that_cannot_half_close_is_closed(self) -> None:
        hand = Hand(hello, half_closes=False)
        hand.receive(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert hand.transport.is_closed()

    def test_an_answer_that_ends_with_the_connection_is_reset_if_cut_off(self) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send(START)
            await send({"type": "http.response.body", "body": b"x", "more_body": True})

        hand = Hand(app)
        hand.receive(b"GET / HTTP/1.0\r\n\r\n")
        hand.runtime.run()
        assert hand.transport.is_aborted()

    @pytest.mark.parametrize("received", [b"", GET[:5], GET, POST % 5 + b"x", GET + GET[:9]])
    def test_losing_the_connection_at_any_time(self, received: bytes) -> None:
        app = Receiving()
        hand = Hand(app)
        if received:
            hand.connection.data_received(received)
        hand.connection.connection_lost()
        hand.runtime.advance(100)
        assert hand.transport.sent == b""
        assert not hand.transport.is_closed()

    def test_shutdown_lets_the_request_finish(self) -> None:
        hand = Hand(Receiving())
        hand.receive(POST % 3)
        hand.connection.shutdown()
        assert not hand.transport.is_closed()
        hand.receive(b"xyz")
        sent = hand.sent()
        assert b"\r\nconnection: close\r\n" in sent
        assert sent.endswith(b"hello")
        assert hand.transport.half_closed

    def test_shutdown_closes_what_is_idle(self) -> None:
        hand = Hand(hello)
        hand.receive(GET)
        hand.connection.shutdown()
        assert hand.transport.is_closed()

    def test_a_peer_accepted_late_is_answered_once(self) -> None:
        late = Hand(hello)
        late.worker.begin_shutdown()
        late.connection = Connection(late.worker, late.transport, PEER)
        late.receive(GET)
        assert b"\r\nconnection: close\r\n" in late.sent()
