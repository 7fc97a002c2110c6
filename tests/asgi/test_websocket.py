"""WebSocketExchange: which ASGI message may come when, and what it does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from hypercorn_asgi import ClientDisconnected, UnexpectedMessageError, WebSocketExchange
from tests.asgi.driving import Message, websocket_scope

ACCEPT: Message = {"type": "websocket.accept"}
CLOSE: Message = {"type": "websocket.close"}
START: Message = {
    "type": "websocket.http.response.start",
    "status": 401,
    "headers": [(b"www-authenticate", b"Basic")],
}
PIECE: Message = {"type": "websocket.http.response.body", "body": b"a", "more_body": True}
BODY: Message = {"type": "websocket.http.response.body", "body": b"b"}

App = Callable[[Any, Any, Any], Coroutine[Any, Any, None]]


class Wakeup:
    """What the server's event loop gives to wait for."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        event, self._event = self._event, asyncio.Event()
        event.set()

    async def wait(self) -> None:
        await self._event.wait()


class Server:
    """A server's side that notes all calls, and all reports."""

    observes_requests = True

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.failures: list[BaseException] = []
        self.finished: list[tuple[int, bool] | None] = []
        self.time = 0.0
        self.observer: Any = self

    def now(self) -> float:
        self.time += 1.0
        return self.time

    def create_wakeup(self) -> Wakeup:
        return Wakeup()

    def accept(self, subprotocol: str | None, headers: Any) -> int:
        self.calls.append(("accept", subprotocol, list(headers)))
        return 101

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args: self.calls.append((name, *args))

    async def request_finished(self, scope: Any, response: Any, duration: float) -> None:
        answer = None if response is None else (response.status, response.complete)
        self.finished.append(answer)

    async def application_failed(self, scope: Any, error: BaseException) -> None:
        self.failures.append(error)


def exchange_on(server: Any) -> WebSocketExchange:
    return WebSocketExchange(server, 1, websocket_scope())


def send_all(*messages: Message) -> Server:
    """Send these messages in an exchange; raises what that raises."""
    server = Server()
    exchange = exchange_on(server)

    async def main() -> None:
        for message in messages:
            await exchange.send(message)

    asyncio.run(main())
    return server


def serve(app: App) -> Server:
    """Run an application to its end."""
    server = Server()
    asyncio.run(exchange_on(server).run(app))
    return server


def drive(body: Callable[[Server, WebSocketExchange], Awaitable[None]]) -> Server:
    """Run a test against an exchange."""
    server = Server()

    async def main() -> None:
        await body(server, exchange_on(server))

    asyncio.run(main())
    return server


# The handshake.


def test_connect_comes_first() -> None:
    async def main(server: Server, exchange: WebSocketExchange) -> None:
        exchange.message_received("early")
        assert await exchange.receive() == {"type": "websocket.connect"}

    drive(main)


def test_accept() -> None:
    headers = [(b"x-a", b"b")]
    server = send_all({"type": "websocket.accept", "subprotocol": "chat", "headers": headers})

    assert server.calls == [("accept", "chat", headers)]
    assert server.finished == [(101, True)]


def test_accept_without_anything() -> None:
    assert send_all(ACCEPT).calls == [("accept", None, [])]
    accept: Message = {"type": "websocket.accept", "subprotocol": None, "headers": None}
    assert send_all(accept).calls == [("accept", None, [])]


def test_close_before_accepting_is_403() -> None:
    server = send_all(CLOSE)

    assert server.calls == [("send_response", 403, (), b"", True)]
    assert server.finished == [(403, True)]


def test_denial() -> None:
    server = send_all(START, PIECE, BODY)

    assert server.calls == [
        ("send_response", 401, [(b"www-authenticate", b"Basic")], b"a", False),
        ("send_body", b"b", True),
    ]
    assert server.finished == [(401, True)]


def test_denial_in_one() -> None:
    assert send_all(START, BODY).calls[0][3:] == (b"b", True)


def test_nothing_is_sent_of_a_denial_without_a_body() -> None:
    assert send_all(START).calls == []


def test_denial_without_status() -> None:
    with pytest.raises(KeyError, match="status"):
        send_all({"type": "websocket.http.response.start"})


@pytest.mark.parametrize("denial", [(CLOSE,), (START, BODY)])
def test_after_a_denial_it_is_disconnected(denial: tuple[Message, ...]) -> None:
    async def main(server: Server, exchange: WebSocketExchange) -> None:
        for message in denial:
            await exchange.send(message)
        await exchange.receive()
        assert (await exchange.receive())["code"] == 1006

    drive(main)


@pytest.mark.parametrize(
    "messages",
    [
        [{"type": "websocket.send", "text": "a"}],
        [START, ACCEPT],
        [START, CLOSE],
        [START, PIECE, ACCEPT],
        [BODY],
        [ACCEPT, ACCEPT],
        [ACCEPT, START],
        [ACCEPT, CLOSE, {"type": "websocket.send", "text": "a"}],
        [CLOSE, ACCEPT],
        [{"type": "http.response.start", "status": 200}],
        [ACCEPT, {"type": "websocket.nothing"}],
    ],
)
def test_out_of_order(messages: list[Message]) -> None:
    with pytest.raises(UnexpectedMessageError):
        send_all(*messages)


def test_closing_twice_is_no_error() -> None:
    assert send_all(ACCEPT, CLOSE, CLOSE).calls[1:] == [("close", 1000, "")]


# Messages.


@pytest.mark.parametrize(
    ("message", "sent"),
    [
        ({"text": "a"}, "a"),
        ({"text": ""}, ""),
        ({"bytes": b"a"}, b"a"),
        ({"bytes": b""}, b""),
        ({"bytes": None, "text": "a"}, "a"),
        ({"bytes": b"a", "text": None}, b"a"),
        ({"bytes": bytearray(b"a")}, b"a"),
        ({"bytes": memoryview(b"a")}, b"a"),
    ],
)
def test_send(message: Message, sent: str | bytes) -> None:
    server = send_all(ACCEPT, {"type": "websocket.send", **message})

    assert server.calls[1:] == [("send_message", sent)]
    assert type(server.calls[1][1]) is type(sent)


@pytest.mark.parametrize("message", [{}, {"text": b"a"}, {"bytes": "a"}, {"text": None}])
def test_what_is_no_message(message: Message) -> None:
    with pytest.raises(TypeError):
        send_all(ACCEPT, {"type": "websocket.send", **message})


def test_receive() -> None:
    async def main(server: Server, exchange: WebSocketExchange) -> None:
        await exchange.receive()
        await exchange.send(ACCEPT)
        exchange.message_received("ä")
        exchange.message_received(b"b")
        exchange.message_received("")
        assert await exchange.receive() == {
            "type": "websocket.receive",
            "text": "ä",
            "bytes": None,
        }
        assert await exchange.receive() == {
            "type": "websocket.receive",
            "text": None,
            "bytes": b"b",
        }
        assert (await exchange.receive())["text"] == ""

    drive(main)


def test_receive_waits() -> None:
    async def main(server: Server, exchange: WebSocketExchange) -> None:
        await exchange.receive()
        await exchange.send(ACCEPT)
        receiving = asyncio.ensure_future(exchange.receive())
        await asyncio.sleep(0)
        assert not receiving.done()
        exchange.message_received("a")
        assert (await receiving)["text"] == "a"

    drive(main)


def test_the_server_is_told_when_enough_was_taken() -> None:
    async def main(server: Server, exchange: WebSocketExchange) -> None:
        await exchange.receive()
        for _ in range(4):
            exchange.message_received("0123456789")
        exchange.low_water = exchange.queued // 2
        await exchange.receive()
        assert server.calls == []
        await exchange.receive()
        assert server.calls == [("messages_taken",)]
        await exchange.receive()
        await exchange.receive()
        assert server.calls == [("messages_taken",)]  # it asks anew if it wants to know more
        assert exchange.queued == 0

    drive(main)


def test_empty_messages_count() -> None:
    exchange = exchange_on(Server())
    for _ in range(1000):
        exchange.message_received(b"")

    assert exchange.queued >= 32_000


def test_send_waits_while_congested() -> None:
    async def main(server: Server, exchange: WebSocketExchange) -> None:
        await exchange.send(ACCEPT)
        exchange.congested(True)
        message = {"type": "websocket.send", "text": "a"}
        sending = asyncio.ensure_future(exchange.send(message))
        await asyncio.sleep(0)
        assert server.calls[-1] == ("send_message", "a")
        assert not sending.done()
        exchange.congested(False)
        await sending

    drive(main)


def test_who_waits_is_freed_when_the_client_leaves() -> None:
    async def main(server: Server, exchange: WebSocketExchange) -> None:
        await exchange.send(ACCEPT)
        exchange.congested(True)
        sending = asyncio.ensure_future(exchange.send({"type": "websocket.send", "text": "a"}))
        await asyncio.sleep(0)
        exchange.disconnected()
        await sending

    drive(main)


# The end.


def test_the_end_comes_in_its_place() -> None:
    async def main(server: Server, exchange: WebSocketExchange) -> None:
        await exchange.receive()
        await exchange.send(ACCEPT)
        exchange.message_received("a")
        exchange.closed(4000, "bye")
        assert (await exchange.receive())["text"] == "a"
        await exchange.send({"type": "websocket.send", "text": "b"})
        assert ("disconnect_told",) not in server.calls
        assert await exchange.receive() == {
            "type": "websocket.disconnect",
            "code": 4000,
            "reason": "bye",
        }
        assert server.calls[-2:] == [("send_message", "b"), ("disconnect_told",)]
        assert (await exchange.receive())["code"] == 4000
        assert server.calls.count(("disconnect_told",)) == 1
        with pytest.raises(ClientDisconnected):
            await exchange.send({"type": "websocket.send", "text": "c"})
        await exchange.send(CLOSE)  # which has happened

    drive(main)


def test_closed_by_the_application() -> None:
    async def main(server: Server, exchange: WebSocketExchange) -> None:
        await exchange.receive()
        await exchange.send(ACCEPT)
        exchange.message_received("never read")
        await exchange.send({"type": "websocket.close", "code": 4001, "reason": "enough"})
        assert server.calls[-1] == ("close", 4001, "enough")
        assert exchange.queued == 0
        exchange.closed(1000, "")  # the client agrees
        exchange.disconnected()
        assert await exchange.receive() == {
            "type": "websocket.disconnect",
            "code": 4001,
            "reason": "enough",
        }
        assert ("disconnect_told",) not in server.calls

    drive(main)


@pytest.mark.parametrize("reason", [{}, {"reason": None}, {"reason": ""}])
def test_close_without_a_reason(reason: Message) -> None:
    server = send_all(ACCEPT, {"type": "websocket.close", "code": 1000, **reason})
    assert server.calls[1:] == [("close", 1000, "")]


def test_stream_lost() -> None:
    async def main(server: Server, exchange: WebSocketExchange) -> None:
        await exchange.receive()
        await exchange.send(ACCEPT)
        exchange.disconnected()
        with pytest.raises(ClientDisconnected):
            await exchange.send({"type": "websocket.send", "text": "c"})
        assert (await exchange.receive())["code"] == 1006

    drive(main)


def test_who_sends_while_another_task_closes_is_freed_with_the_stream() -> None:
    async def main(server: Server, exchange: WebSocketExchange) -> None:
        await exchange.send(ACCEPT)
        exchange.congested(True)
        sending = asyncio.ensure_future(exchange.send({"type": "websocket.send", "text": "a"}))
        await asyncio.sleep(0)
        await exchange.send(CLOSE)
        exchange.disconnected()
        await sending

    drive(main)


def test_stream_that_ends_while_it_is_accepted() -> None:
    class Ending(Server):
        def accept(self, subprotocol: str | None, headers: Any) -> int:
            exchange.disconnected()
            return 200

    exchange = exchange_on(Ending())

    async def main() -> None:
        await exchange.send(ACCEPT)
        with pytest.raises(ClientDisconnected):
            await exchange.send({"type": "websocket.send", "text": "a"})

    asyncio.run(main())


def test_stream_lost_before_it_was_accepted() -> None:
    async def main(server: Server, exchange: WebSocketExchange) -> None:
        exchange.disconnected()
        assert (await exchange.receive())["type"] == "websocket.connect"
        assert (await exchange.receive())["type"] == "websocket.disconnect"
        with pytest.raises(ClientDisconnected):
            await exchange.send(ACCEPT)

    drive(main)


# The application's end.


async def raises(scope: Any, receive: Any, send: Any) -> None:
    raise ValueError("a defect")


async def returns(scope: Any, receive: Any, send: Any) -> None:
    return None


async def accepts_and_raises(scope: Any, receive: Any, send: Any) -> None:
    await send(ACCEPT)
    raise ValueError("a defect")


async def accepts_and_returns(scope: Any, receive: Any, send: Any) -> None:
    await send(ACCEPT)


async def denies_in_part(scope: Any, receive: Any, send: Any) -> None:
    await send(START)
    await send(PIECE)


@pytest.mark.parametrize(("begun", "finished"), [([START], None), ([START, PIECE], (401, False))])
def test_lost_within_a_denial(begun: list[Message], finished: Any) -> None:
    async def main(server: Server, exchange: WebSocketExchange) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            for message in begun:
                await send(message)
            exchange.disconnected()

        await exchange.run(app)
        assert server.finished == [finished]

    drive(main)


async def denies_without_a_body(scope: Any, receive: Any, send: Any) -> None:
    await send(START)


@pytest.mark.parametrize(
    ("app", "last", "finished"),
    [
        (raises, ("send_response", 500, (), b"", True), (500, True)),
        (returns, ("send_response", 500, (), b"", True), (500, True)),
        (accepts_and_raises, ("close", 1011, ""), (101, True)),
        (accepts_and_returns, ("close", 1011, ""), (101, True)),
        (denies_in_part, ("reset",), (401, False)),
        (denies_without_a_body, ("send_response", 500, (), b"", True), (500, True)),
    ],
)
def test_the_end_of_an_application(app: App, last: Any, finished: Any) -> None:
    server = serve(app)

    assert server.calls[-1] == last
    assert server.finished == [finished]
    assert len(server.failures) == (app in (raises, accepts_and_raises))


def test_an_application_that_passes_the_disconnect_on_has_not_failed() -> None:
    async def main(server: Server, exchange: WebSocketExchange) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send(ACCEPT)
            exchange.disconnected()
            await send({"type": "websocket.send", "text": "a"})

        await exchange.run(app)
        assert server.failures == []
        assert server.calls == [("accept", None, [])]

    drive(main)


def test_an_application_that_fails_after_the_disconnect_has_failed() -> None:
    async def main(server: Server, exchange: WebSocketExchange) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            exchange.disconnected()
            raise ValueError("a defect")

        await exchange.run(app)
        assert [type(error) for error in server.failures] == [ValueError]
        assert server.finished == [None]

    drive(main)


def test_cancelled() -> None:
    async def main(server: Server, exchange: WebSocketExchange) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await receive()

        ended: list[WebSocketExchange] = []
        exchange.ended = ended.append
        task = asyncio.ensure_future(exchange.run(app))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert server.calls == [("send_response", 503, (), b"", True)]
        assert ended == [exchange]

    drive(main)


def test_is_open() -> None:
    async def main(server: Server, exchange: WebSocketExchange) -> None:
        seen = [exchange.is_open]
        await exchange.send(ACCEPT)
        seen.append(exchange.is_open)
        exchange.closed(1000, "")
        assert [*seen, exchange.is_open] == [False, True, False]

    drive(main)
