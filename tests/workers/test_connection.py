"""A connection, driven by hand: requests, answers and the application's turn."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest

from hypercorn_protocols import HTTP1Settings
from hypercorn_workers import WorkerSettings
from tests.workers.by_hand import (
    HELLO,
    REQUEST,
    Bench,
    Idler,
    Notes,
    Receive,
    Send,
    Stream,
    body,
    hello,
    read,
    start,
)


@pytest.fixture(params=[True, False], ids=["eager", "not eager"])
def eager(request: pytest.FixtureRequest) -> bool:
    """Give both ways in which tasks are started."""
    value: bool = request.param
    return value


def upload(content: bytes, target: bytes = b"/") -> bytes:
    head = b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
    return head % (target, len(content)) + content


async def echo(scope: Any, receive: Receive, send: Send) -> None:
    content = await read(receive)
    await start(send)
    await body(send, content)


async def path(scope: Any, receive: Receive, send: Send) -> None:
    await start(send)
    await body(send, scope["path"].encode())


class TestAnswers:
    def test_an_answer_is_one_write(self, eager: bool) -> None:
        bench = Bench(hello, eager=eager)
        bench.receive(REQUEST)

        assert bench.transport.writes == [HELLO]

    def test_the_next_request(self, eager: bool) -> None:
        bench = Bench(hello, eager=eager)
        for _ in range(3):
            bench.receive(REQUEST)

        assert bench.transport.writes == [HELLO] * 3

    def test_a_request_in_pieces(self) -> None:
        bench = Bench(echo)
        for byte in upload(b"content"):
            bench.receive(bytes([byte]))

        assert bench.transport.output.endswith(b"\r\n\r\ncontent")

    def test_what_is_sent_together_is_written_together(self, eager: bool) -> None:
        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await start(send)
            for piece in (b"a", b"b", b"c"):
                await body(send, piece, more=True)
            await receive()
            await receive()

        bench = Bench(app, eager=eager)
        bench.receive(REQUEST)

        assert len(bench.transport.writes) == 1
        assert bench.transport.output.endswith(b"1\r\na\r\n1\r\nb\r\n1\r\nc\r\n")

    def test_a_piece_is_written_without_waiting_for_the_next(self, eager: bool) -> None:
        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await start(send)
            await receive()
            await body(send, b"first", more=True)
            await receive()
            await body(send, b"second")

        bench = Bench(app, eager=eager)
        request = upload(b"abcdef")
        bench.receive(request[:-5])
        assert bench.transport.output.endswith(b"5\r\nfirst\r\n")
        bench.receive(request[-5:])
        assert bench.transport.output.endswith(b"6\r\nsecond\r\n0\r\n\r\n")

    def test_continue_is_sent_when_content_is_asked_for(self, eager: bool) -> None:
        bench = Bench(echo, eager=eager)
        head, content = upload(b"x")[:-1], b"x"
        bench.receive(head.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
        assert bench.transport.output == b"HTTP/1.1 100 Continue\r\n\r\n"
        bench.receive(content)

        assert bench.transport.output.endswith(b"\r\n\r\nx")

    def test_an_interim_answer_does_not_wait_for_the_final_one(self, eager: bool) -> None:
        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await send({"type": "http.response.early_hint", "links": [b"</a>"]})
            await Idler()(scope, receive, send)

        bench = Bench(app, eager=eager)
        bench.receive(REQUEST)

        assert bench.transport.output == b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"

    def test_default_fields_are_made_once_a_second(self) -> None:
        made: list[str] = []

        def fields(protocol: str) -> Sequence[tuple[bytes, bytes]]:
            made.append(protocol)
            return [(b"date", b"today, %d" % len(made))]

        bench = Bench(hello, WorkerSettings(response_headers=fields))
        for _ in range(5):
            bench.receive(REQUEST)
        assert made == ["h11", "h2"]
        bench.runtime.advance(1)
        bench.receive(REQUEST)
        assert made == ["h11", "h2"] * 2
        assert b"today, 3" in bench.transport.writes[-1]

    def test_default_fields_of_what_the_protocol_answers(self) -> None:
        settings = WorkerSettings(response_headers=lambda protocol: [(b"server", b"ours")])
        bench = Bench(hello, settings)
        bench.receive(b"nonsense\r\n\r\n")

        assert bench.transport.output.startswith(b"HTTP/1.1 400 ")
        assert b"\r\nserver: ours\r\n" in bench.transport.output


class TestPipelining:
    def test_answers_come_in_order(self, eager: bool) -> None:
        bench = Bench(path, eager=eager)
        bench.receive(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % n for n in range(100)))
        answers = bench.transport.output.split(b"HTTP/1.1 200 ")[1:]

        assert [int(answer.rpartition(b"/")[2]) for answer in answers] == list(range(100))

    def test_others_have_their_turn(self) -> None:
        bench = Bench(hello)
        bench.connection.data_received(REQUEST * 100)
        answered = [bench.transport.output.count(b"Hello")]
        while bench.runtime.turn():
            answered.append(bench.transport.output.count(b"Hello"))

        assert answered[-1] == 100
        assert len(answered) > 5
        assert max(later - before for before, later in pairwise(answered)) < 20

    def test_answers_that_are_not_taken_hold_up_the_requests(self, eager: bool) -> None:
        ran = []

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            ran.append(scope["path"])
            await start(send)
            await body(send, b"x" * 10_000)

        bench = Bench(app, eager=eager)
        bench.transport.takes_all = False
        bench.receive(REQUEST * 200)

        assert len(ran) < 30
        assert not bench.transport.is_read()
        while len(ran) < 200:
            before = len(ran)
            bench.transport.take(bench.transport.waiting)
            bench.runtime.settle()
            assert len(ran) > before
        bench.transport.take(bench.transport.waiting)
        bench.runtime.settle()
        assert bench.transport.is_read()
        assert bench.transport.output.count(b"HTTP/1.1 200 ") == 200

    def test_what_waits_is_bounded(self) -> None:
        bench = Bench(Idler())
        bench.receive(REQUEST * 3000)

        assert not bench.transport.is_read()

    def test_a_request_behind_a_slow_one(self) -> None:
        async def app(scope: Any, receive: Receive, send: Send) -> None:
            content = await read(receive)
            await start(send)
            await body(send, content or b"none")

        bench = Bench(app)
        bench.receive(upload(b"abc")[:-1])
        bench.receive(b"c" + REQUEST)

        assert bench.transport.output.endswith(b"none")
        assert b"\r\n\r\nabc" in bench.transport.output


class TestBackPressure:
    def test_an_application_waits_for_its_next_turn(self, eager: bool) -> None:
        """It sends without end: others have their turn, and little is held."""
        app = Stream(10_000, 1000)
        bench = Bench(app, eager=eager)
        bench.connection.data_received(REQUEST)
        sent = [app.sent]
        while bench.runtime.turn():
            sent.append(app.sent)

        assert app.sent == 1000
        assert max(later - before for before, later in pairwise(sent)) <= 8
        assert max(len(data) for data in bench.transport.writes) < 2 * 65_536

    def test_a_client_that_has_left_ends_it(self, eager: bool) -> None:
        app = Stream(100_000, 1_000_000_000)
        bench = Bench(app, eager=eager)
        bench.connection.data_received(REQUEST)
        for _ in range(10):
            bench.runtime.turn()
        bench.transport.lose()
        bench.runtime.settle()

        assert isinstance(app.error, OSError)
        assert bench.is_over

    def test_an_application_waits_for_its_client(self, eager: bool) -> None:
        app = Stream(10_000, 100)
        bench = Bench(app, eager=eager)
        bench.transport.takes_all = False
        bench.receive(REQUEST)
        stopped_at = app.sent
        assert 5 <= stopped_at <= 15
        bench.transport.take(10_000)
        bench.runtime.settle()
        assert app.sent == stopped_at

        while app.sent < 100:
            bench.transport.take(bench.transport.waiting)
            bench.runtime.settle()
        assert bench.transport.output.endswith(b"\r\n0\r\n\r\n")

    def test_the_last_piece_is_not_waited_for(self, eager: bool) -> None:
        """Work after an answer goes on whether or not it has been taken."""
        done = []

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await start(send)
            await body(send, b"x" * 200_000)
            done.append("work")

        bench = Bench(app, eager=eager)
        bench.transport.takes_all = False
        bench.receive(REQUEST)

        assert done == ["work"]
        assert bench.transport.waiting > 200_000

    def test_an_answer_that_begins_when_another_is_not_taken(self) -> None:
        """A complete answer never waits, whenever it comes."""
        done = []

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await receive()
            await start(send)
            await body(send, b"x" * 100_000)
            done.append(scope["path"])

        bench = Bench(app, eager=False)
        bench.transport.takes_all = False
        bench.connection.data_received(REQUEST)
        bench.connection.data_received(REQUEST)
        bench.runtime.settle()
        bench.transport.take(bench.transport.waiting)
        bench.runtime.settle()

        assert done == ["/", "/"]

    def test_an_upload_that_is_not_read(self) -> None:
        bench = Bench(Idler())
        bench.receive(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
        pieces = 0
        while bench.transport.is_read():
            bench.receive(b"x" * 10_000)
            pieces += 1

        assert 5 <= pieces <= 12

    def test_an_upload_is_read_on(self) -> None:
        received: list[Any] = []

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            gate = bench.runtime.create_wakeup()
            gates.append(gate)
            await gate.wait()
            received.append(len(await read(receive)))
            await start(send)
            await body(send, b"")

        gates: list[Any] = []
        bench = Bench(app)
        bench.receive(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n")
        bench.receive(b"x" * 100_000)
        assert not bench.transport.is_read()
        gates[0].set()
        bench.runtime.settle()
        assert bench.transport.is_read()
        bench.receive(b"x" * 100_000)

        assert received == [200_000]


class TestErrors:
    def test_an_application_that_raises(self, eager: bool) -> None:
        async def app(scope: Any, receive: Receive, send: Send) -> None:
            raise ValueError("of the application's")

        notes = Notes()
        bench = Bench(app, observer=notes, eager=eager)
        bench.receive(REQUEST * 2)

        assert bench.transport.output.count(b"HTTP/1.1 500 ") == 2
        assert [str(error) for error in notes.failed] == ["of the application's"] * 2
        assert notes.finished == [(500, True, 0.0)] * 2

    def test_an_application_that_raises_within_its_answer(self) -> None:
        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await start(send)
            await body(send, b"begun", more=True)
            raise ValueError("of the application's")

        notes = Notes()
        bench = Bench(app, observer=notes)
        bench.receive(REQUEST * 2)

        assert bench.transport.output.endswith(b"5\r\nbegun\r\n")
        assert bench.transport.state == "closed"
        assert notes.finished == [(200, False, 0.0)]
        assert bench.is_over

    def test_an_answer_that_ends_with_the_connection_is_aborted(self) -> None:
        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await start(send)
            await body(send, b"begun", more=True)

        bench = Bench(app)
        bench.receive(b"GET / HTTP/1.0\r\n\r\n")

        assert bench.transport.state == "aborted"
        assert bench.is_over

    def test_a_header_that_cannot_be(self) -> None:
        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await start(send, (b"x", b"a\r\nb: c"))
            await body(send, b"content")

        notes = Notes()
        bench = Bench(app, observer=notes)
        bench.receive(REQUEST)

        assert bench.transport.output.startswith(b"HTTP/1.1 500 ")
        assert len(notes.failed) == 1

    def test_a_host_that_is_not_served(self) -> None:
        settings = WorkerSettings(server_names=["b"], response_headers=lambda protocol: ())
        bench = Bench(hello, settings)
        bench.receive(REQUEST + b"GET / HTTP/1.1\r\nHost: b\r\n\r\n" + REQUEST)

        statuses = [part[:3] for part in bench.transport.output.split(b"HTTP/1.1 ")[1:]]
        assert statuses == [b"404", b"200", b"404"]

    def test_durations(self) -> None:
        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await receive()
            await hello(scope, receive, send)

        notes = Notes()
        bench = Bench(app, observer=notes)
        bench.receive(upload(b"ab")[:-2])
        bench.runtime.advance(1.5)
        bench.receive(b"ab")

        assert notes.finished == [(200, True, 1.5)]


def test_last_request_of_a_worker() -> None:
    settings = WorkerSettings(max_requests=2, response_headers=lambda protocol: ())
    bench = Bench(hello, settings)
    stopping = []
    for _ in range(2):
        bench.receive(REQUEST)
        stopping.append(bench.worker.stopping)

    assert stopping == [False, True]
    assert bench.transport.output == HELLO * 2


def test_state_is_copied_and_shared() -> None:
    states = []

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        states.append(scope["state"])
        scope["state"]["own"] = True
        await hello(scope, receive, send)

    bench = Bench(app)
    bench.worker.lifespan_state["shared"] = []
    bench.receive(REQUEST * 2)

    assert states[0] is not states[1]
    assert states[0]["shared"] is states[1]["shared"]
    assert bench.worker.lifespan_state == {"shared": []}


def test_the_engine_is_the_settings() -> None:
    for engine in ("h11", "httptools"):
        http1 = HTTP1Settings(engine=engine)
        bench = Bench(hello, WorkerSettings(http1=http1, response_headers=lambda protocol: ()))
        bench.receive(REQUEST)

        assert bench.transport.output == HELLO
