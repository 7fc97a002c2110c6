"""A connection over HTTP/2, driven by hand: what differs from one request at a time."""

from __future__ import annotations

from typing import Any

import pytest

from hypercorn_protocols import HTTP1Settings, HTTP2Settings
from hypercorn_workers import Connection, Peer, WorkerSettings
from tests.h2_peer import H2Response, h2_client, understand
from tests.websocket_peer import Opcode, frame
from tests.workers.by_hand import (
    PEER,
    App,
    Bench,
    HandRuntime,
    HandTransport,
    HandWakeup,
    Receive,
    Send,
    Stream,
    Waiter,
    body,
    hello,
    make_worker,
    start,
)

NO_FIELDS: dict[str, Any] = {"response_headers": lambda protocol: ()}


def settings(http2: HTTP2Settings | None = None, **changes: Any) -> WorkerSettings:
    return WorkerSettings(
        http1=HTTP1Settings(switch_to_http2=True),
        http2=http2 or HTTP2Settings(),
        **{**NO_FIELDS, **changes},
    )


class Client:
    """A client that knows HTTP/2 from the start, and the worker that it is connected to."""

    def __init__(self, app: App, http2: HTTP2Settings | None = None, **options: Any) -> None:
        eager = options.pop("eager", True)
        self.bench = Bench(app, settings(http2, **options), eager=eager)
        self.transport = self.bench.transport
        self.h2 = h2_client()
        self.responses: dict[int, H2Response] = {}
        self._read = 0

    def start(self) -> Client:
        """Send the preface."""
        self.h2.initiate_connection()
        self.exchange()
        return self

    def request(self, target: str = "/", method: str = "GET", *, end: bool = True) -> int:
        """Have a request sent with the next exchange."""
        stream_id = self.h2.get_next_available_stream_id()
        head = [(":method", method), (":scheme", "http"), (":authority", "a"), (":path", target)]
        self.h2.send_headers(stream_id, head, end_stream=end)
        return stream_id

    def credit(self, stream_id: int, size: int) -> None:
        """Have the windows of a stream (and of the connection) grow with the next exchange."""
        self.h2.increment_flow_control_window(size)
        if stream_id:
            self.h2.increment_flow_control_window(size, stream_id)

    def exchange(self) -> None:
        """Send what is to be sent, and take what comes of it."""
        data = self.h2.data_to_send()
        if data:
            self.bench.receive(data)
        self.take()

    def take(self) -> None:
        """Take what has come."""
        output = self.transport.output
        new, self._read = output[self._read :], len(output)
        for event in self.h2.receive_data(new):
            understand(event, self.responses)

    def get(self, target: str = "/") -> H2Response:
        """Send a request and take the answer."""
        stream_id = self.request(target)
        self.exchange()
        return self.responses[stream_id]


@pytest.fixture(params=[True, False], ids=["eager", "not eager"])
def eager(request: pytest.FixtureRequest) -> bool:
    """Give both ways in which tasks are started."""
    value: bool = request.param
    return value


class Gate:
    """An application that answers at once and ends when it is let."""

    def __init__(self) -> None:
        self.waiting: list[HandWakeup] = []
        self.runtime = HandRuntime()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer, then wait."""
        await hello(scope, receive, send)
        wakeup = HandWakeup(self.runtime)
        self.waiting.append(wakeup)
        await wakeup.wait()

    def open(self, index: int = 0) -> None:
        """Let one of those that wait end."""
        self.waiting.pop(index).set()
        self.runtime.settle()


class TestRequests:
    def test_their_answers_are_one_write(self, eager: bool) -> None:
        client = Client(hello, eager=eager).start()
        before = len(client.transport.writes)
        stream_ids = [client.request() for _ in range(10)]
        client.exchange()

        assert [client.responses[each].body for each in stream_ids] == [b"Hello"] * 10
        if eager:
            assert len(client.transport.writes) == before + 1

    def test_scope(self) -> None:
        scopes: list[Any] = []

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            scopes.append(scope)
            await hello(scope, receive, send)

        Client(app).start().get("/a?b")

        assert scopes[0]["http_version"] == "2"
        assert scopes[0]["path"] == "/a"
        assert scopes[0]["query_string"] == b"b"
        assert scopes[0]["headers"] == [(b"host", b"a")]
        assert scopes[0]["extensions"] == {
            "http.response.trailers": {},
            "http.response.early_hint": {},
            "http.response.push": {},
        }

    def test_default_fields(self) -> None:
        client = Client(hello, response_headers=lambda protocol: [(b"server", protocol.encode())])

        assert client.start().get().values(b"server") == [b"h2"]

    def test_alpn(self) -> None:
        runtime = HandRuntime()
        worker = make_worker(hello, runtime, settings())
        transport = HandTransport(runtime)
        Connection(worker, transport, Peer(PEER.client, PEER.server, {}, "h2"))

        assert transport.output[3:5] == b"\4\0"  # its SETTINGS, before anything was said

    def test_server_names(self) -> None:
        client = Client(hello, HTTP2Settings(max_concurrent_streams=1), server_names=["b"])
        client.start()

        assert [client.get().status for _ in range(3)] == [404] * 3

    def test_each_counts_for_the_worker(self) -> None:
        client = Client(hello, max_requests=3).start()
        for _ in range(3):
            client.request()
        client.exchange()

        assert client.bench.worker.stopping
        assert len(client.responses) == 3

    def test_push(self, eager: bool) -> None:
        async def app(scope: Any, receive: Receive, send: Send) -> None:
            if scope["path"] == "/":
                await send({"type": "http.response.push", "path": "/pushed", "headers": []})
            await start(send)
            await body(send, scope["path"].encode())

        client = Client(app, eager=eager).start()

        assert client.get().body == b"/"
        client.take()
        assert client.responses[2].body == b"/pushed"


class TestRelease:
    def test_an_application_that_still_runs_counts(self, eager: bool) -> None:
        gate = Gate()
        client = Client(gate, HTTP2Settings(max_concurrent_streams=2), eager=eager).start()
        assert [client.get().body for _ in range(2)] == [b"Hello"] * 2
        assert client.get().reset == 7  # REFUSED_STREAM
        gate.open()

        assert client.get().body == b"Hello"

    def test_one_that_was_given_up_counts_until_it_ends(self) -> None:
        gate = Gate()
        settings = HTTP2Settings(max_concurrent_streams=1, linger_timeout=0.0)
        client = Client(gate, settings).start()
        stream_id = client.request(method="POST", end=False)
        client.exchange()
        assert client.responses[stream_id].ended
        assert client.get().reset == 7
        gate.open()

        assert client.get().body == b"Hello"

    def test_what_was_asked_before_the_upgrade_is_answered_before_it(self, eager: bool) -> None:
        client = Client(hello, eager=eager)
        encoded = client.h2.initiate_upgrade_connection()
        client.bench.receive(
            b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n"
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
            b"Upgrade: h2c\r\nHTTP2-Settings: %b\r\n\r\n" % (encoded or b"")
        )
        answer, separator, rest = client.transport.output.partition(b"HTTP/1.1 101")
        assert answer.startswith(b"HTTP/1.1 200")
        assert answer.endswith(b"Hello")
        assert separator

        client._read = len(answer + separator) + rest.index(b"\r\n\r\n") + 4
        client.exchange()
        assert client.responses[1].body == b"Hello"

    def test_an_application_of_http1_does_not_end_a_stream(self) -> None:
        """It has the same number."""
        gate = Gate()
        client = Client(gate, HTTP2Settings(max_concurrent_streams=1))
        client.bench.receive(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        client._read = len(client.transport.output)
        encoded = client.h2.initiate_upgrade_connection()
        client.bench.receive(
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
            b"Upgrade: h2c\r\nHTTP2-Settings: %b\r\n\r\n" % (encoded or b"")
        )
        client._read += client.transport.output[client._read :].index(b"\r\n\r\n") + 4
        client.exchange()
        assert client.responses[1].body == b"Hello"
        gate.open(0)

        assert client.get().reset == 7
        gate.open(0)
        assert client.get().body == b"Hello"

    def test_shutdown_waits_for_applications(self) -> None:
        gate = Gate()
        client = Client(gate).start()
        client.get()
        assert len(client.bench.worker._exchanges) == 1
        gate.open()

        assert not client.bench.worker._exchanges


class TestBackPressure:
    def test_a_stream_waits_for_its_own_window(self, eager: bool) -> None:
        stream = Stream(10_000, 100)

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await (stream if scope["path"] == "/stream" else hello)(scope, receive, send)

        client = Client(app, eager=eager).start()
        client.credit(0, 2**24)
        stream_id = client.request("/stream")
        client.exchange()
        # 65,535 bytes are out, and a little more than that waits.
        assert len(client.responses[stream_id].body) == 65_535
        assert stream.sent <= 14
        for _ in range(3):
            assert client.get().body == b"Hello"

        while not client.responses[stream_id].ended:
            sent = stream.sent
            client.credit(stream_id, 50_000)
            client.exchange()
            assert stream.sent <= sent + 7
        assert len(client.responses[stream_id].body) == 1_000_000

    def test_it_goes_on_at_half(self) -> None:
        stream = Stream(10_000, 100)
        client = Client(stream, write_buffer=40_000).start()
        stream_id = client.request()
        client.exchange()
        waiting = stream.sent * 10_000
        client.credit(stream_id, 20_000)
        client.exchange()
        assert stream.sent * 10_000 == waiting
        client.credit(stream_id, 20_000)
        client.exchange()

        assert stream.sent * 10_000 > waiting

    def test_nothing_is_handed_to_a_transport_that_is_full(self, eager: bool) -> None:
        stream = Stream(10_000, 30)
        client = Client(stream, eager=eager).start()
        for _ in range(20):
            client.credit(client.request(), 2**24)
        client.transport.takes_all = False
        client.exchange()

        assert 65_536 < client.transport.waiting < 3 * 65_536
        assert not client.transport.is_read()
        while client.transport.waiting:
            client.transport.take(min(client.transport.waiting, 10_000))
            client.bench.runtime.settle()
            assert client.transport.waiting < 3 * 65_536
        client.take()
        assert [len(each.body) for each in client.responses.values()] == [300_000] * 20

    def test_an_exchange_waits_for_both(self) -> None:
        """Its stream's window is shut and the transport is full: one alone frees nobody."""
        narrow, wide = Stream(10_000, 100), Stream(10_000, 100)

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await (narrow if scope["path"] == "/narrow" else wide)(scope, receive, send)

        client = Client(app).start()
        client.credit(0, 2**24)
        narrow_id = client.request("/narrow")
        client.exchange()
        held = narrow.sent
        client.transport.takes_all = False
        client.credit(client.request("/wide"), 2**24)
        client.exchange()
        assert not client.transport.is_read()
        # The window opens, as far as a message that was read at once can tell.
        client.h2.increment_flow_control_window(2**24, narrow_id)
        client.bench.connection.data_received(client.h2.data_to_send())
        client.bench.runtime.settle()
        assert narrow.sent == held
        client.transport.takes_all = True
        client.transport.take(client.transport.waiting)
        client.bench.runtime.settle()

        assert narrow.sent == wide.sent == 100

    def test_a_resumed_transport_does_not_free_a_shut_window(self) -> None:
        narrow, wide = Stream(10_000, 100), Stream(10_000, 100)

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await (narrow if scope["path"] == "/narrow" else wide)(scope, receive, send)

        client = Client(app).start()
        client.credit(0, 2**24)
        client.request("/narrow")
        client.exchange()
        held = narrow.sent
        client.transport.takes_all = False
        client.credit(client.request("/wide"), 2**24)
        client.exchange()
        client.transport.takes_all = True
        client.transport.take(client.transport.waiting)
        client.bench.runtime.settle()

        assert wide.sent == 100
        assert narrow.sent == held

    def test_one_turn_writes_so_much(self) -> None:
        """Others have their turn, however much is there to be sent."""

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await start(send)
            await body(send, bytes(1_000_000))

        client = Client(app).start()
        client.credit(0, 2**24)
        for _ in range(3):
            client.credit(client.request(), 2**24)
        client.exchange()

        assert max(map(len, client.transport.writes)) < 3 * 65_536
        assert all(len(each.body) == 1_000_000 for each in client.responses.values())

    def test_a_client_that_takes_nothing_is_let_go(self) -> None:
        stream = Stream(10_000, 1_000_000)
        client = Client(stream, write_idle_timeout=30.0).start()
        client.transport.takes_all = False
        client.credit(client.request(), 2**24)
        client.exchange()
        client.bench.runtime.advance(36)

        assert client.transport.state == "aborted"
        assert isinstance(stream.error, OSError)
        assert client.bench.is_over


class TestEnds:
    def test_all_applications_are_told(self) -> None:
        waiters = [Waiter() for _ in range(3)]
        unused = iter(waiters)

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await next(unused)(scope, receive, send)

        client = Client(app).start()
        for _ in waiters:
            client.request(method="POST", end=False)
        client.exchange()
        client.transport.lose()
        client.bench.runtime.settle()

        assert [each.messages[-1]["type"] for each in waiters] == ["http.disconnect"] * 3
        assert not client.bench.worker._exchanges
        assert client.bench.is_over

    def test_a_reset_tells_its_application_alone(self) -> None:
        waiters = {"/a": Waiter(), "/b": Waiter()}

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await waiters[scope["path"]](scope, receive, send)

        client = Client(app).start()
        stream_id = client.request("/a", "POST", end=False)
        client.request("/b", "POST", end=False)
        client.exchange()
        client.h2.reset_stream(stream_id)
        client.exchange()

        assert [each["type"] for each in waiters["/a"].messages] == ["http.disconnect"]
        assert waiters["/b"].messages == []

    def test_shutdown(self) -> None:
        client = Client(Waiter()).start()
        client.request(method="POST", end=False)
        client.exchange()
        client.bench.connection.shutdown()
        client.bench.connection.disconnect_applications(endless_only=False)
        client.bench.runtime.settle()

        client.bench.runtime.advance(5)
        assert b"\0\0\x08\7\0\0\0\0\0\x7f\xff\xff\xff\0\0\0\0" in client.transport.output
        assert client.bench.is_over

    def test_a_switch_when_the_worker_stops(self) -> None:
        client = Client(hello)
        client.bench.worker.stopping = True
        client.h2.initiate_connection()
        client.bench.receive(client.h2.data_to_send())

        assert b"\7\0\0\0\0\0\x7f\xff\xff\xff\0\0\0\0" in client.transport.output

    def test_idle(self) -> None:
        client = Client(hello, HTTP2Settings(keep_alive_timeout=3.0)).start()
        client.get()
        client.bench.runtime.advance(2.9)
        assert client.transport.state == "open"
        client.bench.runtime.advance(10)

        assert client.transport.state == "closed"
        assert client.bench.is_over


class TestWebSockets:
    def test_small_windows_are_given_back_in_time(self) -> None:
        """Whatever the buffers of HTTP/1.1 are."""
        received: list[str] = []

        async def app(scope: Any, receive: Receive, send: Send) -> None:
            await receive()
            await send({"type": "websocket.accept"})
            while (message := await receive())["type"] == "websocket.receive":
                received.append(message["text"])

        client = Client(app, HTTP2Settings(max_body_buffer=1000)).start()
        stream_id = client.h2.get_next_available_stream_id()
        head = [
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", "http"),
            (":authority", "a"),
            (":path", "/"),
            ("sec-websocket-version", "13"),
        ]
        client.h2.send_headers(stream_id, head)
        client.exchange()
        for _ in range(50):
            client.h2.send_data(stream_id, frame(Opcode.TEXT, b"a" * 100))
            client.exchange()

        assert received == ["a" * 100] * 50
