"""An application that answers 101 over HTTP/1.1: the connection is a tunnel from then on."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from hypercorn_protocols import HTTP1Connection, HTTP1Settings
from hypercorn_workers import WorkerSettings
from tests.workers.by_hand import REQUEST, Bench, Receive, Send, body, start
from tests.workers.loops import Certificate, Served

UPGRADE = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\nconnection: upgrade\r\n\r\n"


Encryption = Certificate | None


async def switch(send: Send) -> None:
    """Answer 101."""
    await start(send, (b"upgrade", b"echo"), status=101)
    await body(send, b"", more=True)


async def echo(scope: Any, receive: Receive, send: Send) -> None:
    """Send back what comes, up to a full stop."""
    await receive()  # the request's content, of which there is none
    await switch(send)
    data = b""
    while not data.endswith(b"."):
        data = bytes((await receive())["body"])
        await body(send, data, more=True)
    await body(send, b"Bye.")


async def goodbye(scope: Any, receive: Receive, send: Send) -> None:
    """Switch, and have no more than one thing to say."""
    await start(send, (b"upgrade", b"echo"), status=101)
    await body(send, b"Bye.")


@pytest.fixture(params=[True, False], ids=["eager", "lazy"])
def eager(request: pytest.FixtureRequest) -> bool:
    """Whether applications run before the turn's end."""
    return bool(request.param)


def test_data_goes_both_ways(eager: bool) -> None:
    bench = Bench(echo, eager=eager)
    bench.receive(UPGRADE)
    assert bench.transport.output == SWITCH
    bench.receive(REQUEST)
    bench.receive(b"more")

    assert bench.transport.output == SWITCH + REQUEST + b"more"
    assert bench.transport.state == "open"


def test_tunnel_is_all_that_is_left(eager: bool) -> None:
    """A connection that lives long has to be small."""
    bench = Bench(echo, eager=eager)
    bench.receive(UPGRADE)

    assert HTTP1Connection not in map(type, gc.get_referents(bench.connection))


def test_what_came_with_the_request(eager: bool) -> None:
    bench = Bench(echo, eager=eager)
    bench.receive(UPGRADE + b"early")

    assert bench.transport.output == SWITCH + b"early"


def test_what_was_asked_before_is_answered_before(eager: bool) -> None:
    async def app(scope: Any, receive: Receive, send: Send) -> None:
        if any(name == b"upgrade" for name, _ in scope["headers"]):
            await echo(scope, receive, send)
        else:
            await start(send)
            await body(send, b"Hello")

    bench = Bench(app, eager=eager)
    bench.receive(REQUEST + UPGRADE + b"early")

    assert bench.transport.output.endswith(b"\r\n\r\nHello" + SWITCH + b"early")


def test_it_has_time(eager: bool) -> None:
    bench = Bench(echo, eager=eager)
    bench.receive(UPGRADE)
    bench.runtime.advance(1e6)
    bench.receive(b"still here")

    assert bench.transport.output == SWITCH + b"still here"


def test_application_ends_it(eager: bool) -> None:
    """What the peer still sends must not be met with a reset (RFC 9112 section 9.6)."""
    bench = Bench(echo, eager=eager)
    bench.receive(UPGRADE)
    bench.receive(b"end.")
    assert bench.transport.output == SWITCH + b"end.Bye."
    assert bench.transport.state == "half-closed"
    bench.receive(b"late")
    bench.end_input()

    assert bench.transport.state == "closed"
    assert bench.is_over


def test_application_ends_it_and_the_peer_stays(eager: bool) -> None:
    settings = WorkerSettings(
        http1=HTTP1Settings(linger_timeout=3.0), response_headers=lambda protocol: ()
    )
    bench = Bench(echo, settings, eager=eager)
    bench.receive(UPGRADE + b"end.")
    bench.runtime.advance(2.9)
    assert bench.transport.state == "half-closed"
    bench.runtime.advance(0.2)

    assert bench.transport.output == SWITCH + b"end.Bye."
    assert bench.transport.state == "closed"
    assert bench.is_over


def test_peer_ends_its_side_first(eager: bool) -> None:
    bench = Bench(echo, eager=eager)
    bench.receive(UPGRADE)
    bench.connection.data_received(b"end.")
    bench.end_input()

    assert bench.transport.output == SWITCH + b"end.Bye."
    assert bench.transport.state == "closed"
    assert bench.is_over


def test_answer_that_is_over_with_its_head(eager: bool) -> None:
    bench = Bench(goodbye, eager=eager)
    bench.receive(UPGRADE)
    assert bench.transport.output == SWITCH + b"Bye."
    bench.end_input()

    assert bench.transport.state == "closed"
    assert bench.is_over


def test_application_that_fails(eager: bool) -> None:
    """The peer is to see that this is not the end that was meant."""

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        await switch(send)
        raise ValueError

    bench = Bench(app, eager=eager)
    bench.receive(UPGRADE)

    assert bench.transport.state == "aborted"
    assert bench.is_over


def test_peer_is_not_read_while_the_application_is_behind(eager: bool) -> None:
    async def app(scope: Any, receive: Receive, send: Send) -> None:
        await switch(send)
        await bench.runtime.create_wakeup().wait()

    bench = Bench(app, eager=eager)
    bench.receive(UPGRADE)
    bench.receive(bytes(65_536))
    assert bench.transport.is_read()
    bench.receive(b"x")

    assert not bench.transport.is_read()


def test_shutdown_waits_for_the_application(eager: bool) -> None:
    bench = Bench(echo, eager=eager)
    bench.receive(UPGRADE)
    bench.connection.shutdown()
    assert bench.transport.state == "open"
    bench.receive(b"end.")
    bench.end_input()

    assert bench.transport.output == SWITCH + b"end.Bye."
    assert bench.is_over


class TestBackends:
    def test_both_directions_at_once(self, backend: str, encryption: Encryption) -> None:
        """More than all buffers hold: neither side waits for the other for ever."""
        content = bytes(range(40)) * 50_000 + b"."
        with Served(backend, echo, certificate=encryption) as served, served.connect() as peer:
            peer.send(UPGRADE)
            peer.send_and_read(content)
            received = peer.rest()

        assert received.startswith(b"HTTP/1.1 101 ")
        assert received.endswith(b"\r\n\r\n" + content + b"Bye.")

    def test_last_words_are_not_lost(self, backend: str) -> None:
        """Though the client goes on sending what nobody reads (RFC 9112 section 9.6)."""
        with Served(backend, goodbye) as served, served.connect() as peer:
            peer.send(UPGRADE + bytes(200_000))

            assert peer.rest().endswith(b"Bye.")
