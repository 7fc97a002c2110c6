"""A WebSocket on a connection, turned by hand: who waits for whom, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hypercorn_asgi import ClientDisconnected
from hypercorn_protocols.settings import WebSocketSettings
from hypercorn_workers import NullObserver, WorkerSettings
from tests.websocket_peer import Opcode, frame
from tests.workers.by_hand import App, Bench, HandWakeup, Message, Receive, Send

HANDSHAKE = (
    b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
ACCEPTED = (
    b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n"
    b"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nconnection: upgrade\r\n\r\n"
)
SETTINGS = WorkerSettings(
    response_headers=lambda protocol: (),
    websocket=WebSocketSettings(ping_interval=None, max_message_buffer=1000),
    write_buffer=1000,
)


def text(payload: str) -> bytes:
    """A client's text frame."""
    return frame(Opcode.TEXT, payload.encode())


def close(code: int = 1000) -> bytes:
    """A client's Close."""
    return frame(Opcode.CLOSE, code.to_bytes(2, "big"))


def sent(opcode: int, payload: bytes) -> bytes:
    """A server's frame of up to 125 bytes."""
    return bytes((0x80 | opcode, len(payload))) + payload


class Conversation:
    """An application that a test speaks through.

    ``received`` is what it was given. It takes nothing while it is ``paused``; whoever ends that
    sets ``pause``.
    """

    def __init__(self, answer: Callable[[Message], list[Message]] | None = None) -> None:
        self.received: list[Message] = []
        self.sends: Send | None = None
        self.errors: list[BaseException] = []
        self.pause: HandWakeup | None = None
        self.paused = False
        self._answer = answer or (lambda message: [])

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        self.sends = send
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        while True:
            while self.paused and self.pause is not None:
                await self.pause.wait()
            message = await receive()
            self.received.append(message)
            for answer in self._answer(message):
                try:
                    await send(answer)
                except ClientDisconnected as error:
                    self.errors.append(error)
            if message["type"] == "websocket.disconnect":
                return

    @property
    def texts(self) -> list[str]:
        """The texts that it was given."""
        return [message["text"] for message in self.received if "text" in message]

    @property
    def disconnect(self) -> tuple[int, str] | None:
        """What it was told of the end."""
        for message in self.received:
            if message["type"] == "websocket.disconnect":
                return message["code"], message["reason"]
        return None


def echo(message: Message) -> list[Message]:
    """What an echoing application sends."""
    return [{**message, "type": "websocket.send"}] if "text" in message else []


def opened(app: App, settings: WorkerSettings = SETTINGS, **options: Any) -> Bench:
    """A connection on which a WebSocket is open, whose output so far is forgotten."""
    bench = Bench(app, settings, **options)
    bench.receive(HANDSHAKE)
    assert bench.transport.output == ACCEPTED
    bench.transport.writes.clear()
    return bench


@pytest.fixture(params=[True, False], ids=["eager", "lazy"])
def eager(request: pytest.FixtureRequest) -> bool:
    """Whether applications run before the turn's end."""
    return bool(request.param)


# Messages.


def test_echo(eager: bool) -> None:
    bench = opened(Conversation(echo), eager=eager)
    bench.receive(text("Hello"))

    assert bench.transport.writes == [b"\x81\x05Hello"]


def test_what_came_with_the_handshake(eager: bool) -> None:
    bench = Bench(Conversation(echo), SETTINGS, eager=eager)
    bench.receive(HANDSHAKE + text("early"))

    assert bench.transport.output == ACCEPTED + b"\x81\x05early"


def test_the_first_answers_are_written_at_once_and_the_others_together() -> None:
    bench = opened(Conversation(echo))
    bench.receive(b"".join(text(str(number)) for number in range(10)))

    assert bench.transport.output == b"".join(b"\x81\x01%d" % number for number in range(10))
    assert len(bench.transport.writes) <= 3


def test_pings_are_answered_while_the_application_does_something_else() -> None:
    conversation = Conversation()
    bench = opened(conversation)
    conversation.paused, conversation.pause = True, bench.runtime.create_wakeup()
    bench.receive(text("keeps it busy") + frame(Opcode.PING, b"there?"))

    assert bench.transport.writes == [sent(Opcode.PONG, b"there?")]


def test_what_the_application_says_by_itself_is_written_once_a_turn() -> None:
    conversation = Conversation()
    bench = opened(conversation)

    async def say() -> None:
        assert conversation.sends is not None
        for number in range(5):
            await conversation.sends({"type": "websocket.send", "text": str(number)})

    for _ in range(3):
        bench.runtime.spawn(say())
        bench.runtime.settle()

    assert bench.transport.output == b"".join(b"\x81\x01%d" % n for n in range(5)) * 3
    assert len(bench.transport.writes) == 6  # the first, and the others


# Back-pressure.


def test_an_application_that_takes_nothing_is_not_sent_more() -> None:
    conversation = Conversation()
    bench = opened(conversation)
    conversation.paused, conversation.pause = True, bench.runtime.create_wakeup()
    bench.receive(text("makes it pause"))
    count = 0
    while bench.transport.is_read():
        bench.receive(b"".join(text("a" * 100) for _ in range(100)))
        count += 100
        assert count < 10_000, "there is no end to what is read"
    conversation.paused = False
    conversation.pause.set()
    bench.runtime.settle()

    assert len(conversation.texts) == count + 1  # nothing was lost
    assert bench.transport.is_read()


def test_one_large_read_is_not_turned_into_messages_all_at_once() -> None:
    conversation = Conversation()
    bench = opened(conversation)
    conversation.paused, conversation.pause = True, bench.runtime.create_wakeup()
    bench.receive(b"".join(text("a" * 100) for _ in range(1000)))
    (stream,) = bench.connection._exchanges.values()
    queued = stream.exchange.queued  # type: ignore[union-attr]
    conversation.paused = False
    conversation.pause.set()
    bench.runtime.settle()

    assert queued < 2000
    assert len(conversation.texts) == 1000


def test_the_end_of_input_does_not_lose_what_waits() -> None:
    conversation = Conversation()
    bench = opened(conversation)
    conversation.paused, conversation.pause = True, bench.runtime.create_wakeup()
    bench.receive(b"".join(text("a" * 100) for _ in range(500)))
    bench.end_input()
    conversation.paused = False
    conversation.pause.set()
    bench.runtime.settle()

    assert len(conversation.texts) == 500
    assert conversation.disconnect == (1006, "")


def test_a_client_that_does_not_read_makes_send_wait() -> None:
    progress: list[int] = []

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for number in range(100):
            await send({"type": "websocket.send", "bytes": bytes(5000)})
            progress.append(number)
        await receive()

    bench = Bench(app, SETTINGS)
    bench.transport.takes_all = False
    bench.receive(HANDSHAKE)
    held_up_at = len(progress)
    while bench.transport.waiting:
        bench.transport.take(bench.transport.waiting)
        bench.runtime.settle()

    assert held_up_at < 20
    assert len(progress) == 100


def test_pongs_do_not_pile_up_for_a_client_that_does_not_read() -> None:
    bench = opened(Conversation())
    bench.transport.takes_all = False
    for _ in range(1000):
        if not bench.transport.is_read():
            break
        bench.receive(frame(Opcode.PING, bytes(100)) * 10)

    assert bench.transport.waiting < 5000


# The end.


def test_closed_by_the_client(eager: bool) -> None:
    conversation = Conversation()
    bench = opened(conversation, eager=eager)
    bench.receive(close(4000))

    assert bench.transport.writes == [sent(Opcode.CLOSE, b"\x0f\xa0")]
    assert conversation.disconnect == (4000, "")
    assert bench.transport.state == "half-closed"
    bench.end_input()
    assert bench.is_over


def test_messages_before_the_end_are_answered_before_it() -> None:
    bench = opened(Conversation(echo))
    bench.receive(text("one") + text("two") + close())

    close_frame = sent(Opcode.CLOSE, b"\x03\xe8")
    assert bench.transport.output == b"\x81\x03one\x81\x03two" + close_frame


def test_messages_before_a_mistake_are_answered_before_the_end() -> None:
    bench = opened(Conversation(echo))
    bench.receive(text("one") + b"\xf1\x80" + bytes(4))

    assert bench.transport.output.startswith(b"\x81\x03one\x88")
    assert bench.transport.output[7:9] == b"\x03\xea"


def test_close_is_answered_though_the_application_never_asks() -> None:
    conversation = Conversation()
    bench = opened(conversation)
    conversation.paused, conversation.pause = True, bench.runtime.create_wakeup()
    bench.receive(text("keeps it busy") + close())
    assert bench.transport.output == b""
    bench.runtime.advance(1.0)

    assert bench.transport.output == sent(Opcode.CLOSE, b"\x03\xe8")
    assert bench.transport.state == "half-closed"


def test_closed_by_the_application() -> None:
    def leave(message: Message) -> list[Message]:
        return [{"type": "websocket.close", "code": 4001, "reason": "enough"}]

    conversation = Conversation(leave)
    bench = opened(conversation)
    bench.receive(text("leave"))
    assert bench.transport.output == sent(Opcode.CLOSE, b"\x0f\xa1enough")
    assert bench.transport.state == "open"  # until the client agrees
    bench.receive(text("ignored") + close(4001))

    assert bench.transport.state == "half-closed"
    assert conversation.disconnect == (4001, "enough")
    assert conversation.texts == ["leave"]


@pytest.mark.parametrize("returns", [True, False], ids=["returns", "closes"])
def test_an_application_that_ends_behind_its_client(returns: bool) -> None:
    """What it has not taken does not keep the client from saying goodbye."""
    pauses: list[HandWakeup] = []

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await pauses[0].wait()
        if not returns:
            await send({"type": "websocket.close", "code": 1011})

    bench = Bench(app, SETTINGS)
    pauses.append(bench.runtime.create_wakeup())
    bench.receive(HANDSHAKE)
    bench.transport.writes.clear()
    while bench.transport.is_read():
        bench.receive(b"".join(text("a" * 100) for _ in range(100)))
    pauses[0].set()
    bench.runtime.settle()
    assert bench.transport.output == sent(Opcode.CLOSE, b"\x03\xf3")
    bench.receive(text("more") + close(1011))

    assert bench.transport.state == "half-closed"


def test_a_client_that_does_not_agree_to_the_end() -> None:
    conversation = Conversation(lambda message: [{"type": "websocket.close"}])
    bench = opened(conversation)
    bench.receive(text("leave"))
    bench.receive(text("I stay") * 100)
    bench.runtime.advance(5.0)

    assert bench.transport.state == "half-closed"


def test_an_application_that_returns(eager: bool) -> None:
    async def app(scope: Any, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})

    bench = Bench(app, SETTINGS, eager=eager)
    bench.receive(HANDSHAKE)

    assert bench.transport.output == ACCEPTED + sent(Opcode.CLOSE, b"\x03\xf3")


def test_the_client_vanishes() -> None:
    conversation = Conversation(lambda message: [{"type": "websocket.send", "text": "a"}])
    bench = opened(conversation)
    bench.transport.lose()
    bench.runtime.settle()

    assert conversation.disconnect == (1006, "")
    assert len(conversation.errors) == 1  # it was told when it tried to send
    assert bench.is_over


def test_the_client_ends_its_side_without_a_word() -> None:
    conversation = Conversation()
    bench = opened(conversation)
    bench.end_input()

    assert conversation.disconnect == (1006, "")
    assert bench.is_over


# Denials.


def deny(*messages: Message) -> App:
    """An application that answers the handshake with these."""

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        await receive()
        for message in messages:
            await send(message)

    return app


def test_denied() -> None:
    bench = Bench(deny({"type": "websocket.close"}), SETTINGS)
    bench.receive(HANDSHAKE)

    assert bench.transport.output.startswith(b"HTTP/1.1 403 ")


def test_after_a_denial_the_connection_goes_on() -> None:
    bench = Bench(deny({"type": "websocket.close"}), SETTINGS)
    bench.receive(HANDSHAKE)
    bench.receive(HANDSHAKE)

    assert bench.transport.output.count(b"HTTP/1.1 403 ") == 2


def test_denied_at_length() -> None:
    start: Message = {"type": "websocket.http.response.start", "status": 429}
    piece: Message = {"type": "websocket.http.response.body", "body": b"a", "more_body": True}
    end: Message = {"type": "websocket.http.response.body", "body": b"b"}
    bench = Bench(deny(start, piece, end), SETTINGS)
    bench.receive(HANDSHAKE)

    assert bench.transport.output.startswith(b"HTTP/1.1 429 ")
    assert bench.transport.output.endswith(b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n")


def test_a_denial_that_breaks_off() -> None:
    start: Message = {"type": "websocket.http.response.start", "status": 429}
    piece: Message = {"type": "websocket.http.response.body", "body": b"a", "more_body": True}
    bench = Bench(deny(start, piece), SETTINGS)
    bench.receive(HANDSHAKE)

    assert not bench.transport.output.endswith(b"0\r\n\r\n")
    assert bench.transport.state != "open"


@pytest.mark.parametrize(
    ("handshake", "status"),
    [
        (HANDSHAKE.replace(b"dGhl", b"!"), b"400"),
        (HANDSHAKE.replace(b": 13", b": 8"), b"426"),
    ],
)
def test_what_is_no_handshake(handshake: bytes, status: bytes) -> None:
    bench = Bench(Conversation(), SETTINGS)
    bench.receive(handshake)

    assert bench.transport.output.startswith(b"HTTP/1.1 " + status)
    assert bench.transport.state == "open"


def test_upgrades_to_something_else_are_requests() -> None:
    scopes: list[str] = []

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        scopes.append(scope["type"])

    bench = Bench(app, SETTINGS)
    bench.receive(HANDSHAKE.replace(b"websocket\r\n", b"irc\r\n"))

    assert scopes == ["http"]


def test_a_client_that_leaves_before_it_is_accepted() -> None:
    told: list[Message] = []

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        await receive()
        told.append(await receive())
        with pytest.raises(ClientDisconnected):
            await send({"type": "websocket.accept"})

    bench = Bench(app, SETTINGS)
    bench.receive(HANDSHAKE)
    bench.end_input()

    assert [message["code"] for message in told] == [1006]


# The server's end, and time.


def test_shutdown() -> None:
    conversation = Conversation()
    bench = opened(conversation)
    bench.connection.shutdown()
    bench.connection.disconnect_applications(endless_only=True)
    bench.runtime.settle()

    assert conversation.disconnect == (1001, "")
    assert bench.transport.output == sent(Opcode.CLOSE, b"\x03\xe9")
    bench.receive(close(1001))
    bench.end_input()
    assert bench.is_over


def test_a_worker_that_is_replaced_says_so() -> None:
    bench = Bench(Conversation(), replace(SETTINGS, max_requests=1))
    bench.receive(HANDSHAKE)
    bench.connection.disconnect_applications(endless_only=True)
    bench.runtime.settle()

    assert bench.transport.output == ACCEPTED + sent(Opcode.CLOSE, b"\x03\xf4")


def test_a_handshake_is_not_disturbed_at_first() -> None:
    told: list[Message] = []

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        await receive()
        told.append(await receive())

    bench = Bench(app, SETTINGS)
    bench.receive(HANDSHAKE)
    bench.connection.disconnect_applications(endless_only=True)
    bench.runtime.settle()
    assert told == []
    bench.connection.disconnect_applications(endless_only=False)
    bench.runtime.settle()

    assert [message["code"] for message in told] == [1001]
    assert bench.transport.output.startswith(b"HTTP/1.1 503 ")


def pinging(interval: float, timeout: float | None) -> WorkerSettings:
    """Settings with pings."""
    websocket = WebSocketSettings(ping_interval=interval, pong_timeout=timeout)
    return replace(SETTINGS, websocket=websocket)


def test_a_silent_client_is_pinged_and_let_go() -> None:
    conversation = Conversation()
    bench = opened(conversation, pinging(20.0, 10.0))
    bench.runtime.advance(19.0)
    assert bench.transport.output == b""
    bench.runtime.advance(1.0)
    assert bench.transport.output == sent(Opcode.PING, b"")
    bench.runtime.advance(10.0)

    assert bench.transport.output[2:6] == b"\x88\x0e\x03\xf3"
    assert conversation.disconnect == (1006, "ping timeout")
    assert bench.transport.state == "half-closed"


def test_a_client_that_answers_stays() -> None:
    bench = opened(Conversation(), pinging(20.0, 10.0))
    for _ in range(5):
        bench.runtime.advance(20.0)
        bench.receive(frame(Opcode.PONG))

    assert bench.transport.output == sent(Opcode.PING, b"") * 5


def test_timers_are_few() -> None:
    bench = opened(Conversation(echo), pinging(20.0, 10.0))
    before = bench.runtime.timers_made
    for _ in range(1000):
        bench.receive(text("a"))
        bench.runtime.advance(0.01)

    assert bench.runtime.timers_made - before <= 2


def test_who_is_not_read_is_not_missed() -> None:
    conversation = Conversation()
    bench = opened(conversation, pinging(20.0, 10.0))
    conversation.paused, conversation.pause = True, bench.runtime.create_wakeup()
    while bench.transport.is_read():
        bench.receive(b"".join(text("a" * 100) for _ in range(1000)))
    bench.runtime.advance(100.0)
    assert bench.transport.state == "open"
    conversation.paused = False
    conversation.pause.set()
    bench.runtime.settle()

    assert conversation.disconnect is None


# What is reported.


def test_reported_when_it_is_accepted() -> None:
    reports: list[Any] = []

    class Observer(NullObserver):
        observes_requests = True

        async def request_finished(self, scope: Any, response: Any, duration: float) -> None:
            reports.append((scope["type"], response.status, response.complete))

    bench = Bench(Conversation(), SETTINGS, Observer())
    bench.receive(HANDSHAKE)
    assert reports == [("websocket", 101, True)]
    bench.receive(close())

    assert len(reports) == 1
