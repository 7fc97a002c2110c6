"""The end of connections, and of the server: GOAWAY, and what was begun is finished."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.integration.http2_clients import open_httpx
from tests.integration.http2_peer import HTTP2Peer, http2
from tests.integration.serving import Certificates, Endpoint, Server, serving
from tests.peer import IncompleteAnswer
from tests.protocols.http2 import frames
from tests.protocols.http2.frames import MAX_WINDOW, Code, Frame, Type

MARGIN = 10.0
"""Seconds that a busy machine may take for what is done at once, beyond the times that count."""


@pytest.fixture(params=["http", "https"])
def scheme(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@contextmanager
def ending(
    worker_class: str, certificates: Certificates, scheme: str, grace: str = "60"
) -> Iterator[tuple[Server, Endpoint]]:
    """Serve, for a server that its test ends."""
    options = ("--graceful-timeout", grace)
    with serving(worker_class, *options, certificates=certificates) as server:
        yield server, server.clear if scheme == "http" else server.encrypted


@contextmanager
def connected(endpoint: Endpoint) -> Iterator[HTTP2Peer]:
    """Connect, and make sure that the worker has taken the connection."""
    with http2(endpoint) as peer:
        assert peer.get("/").body == b"Hello"
        yield peer


def test_idle_connection(worker_class: str, certificates: Certificates, scheme: str) -> None:
    with (
        ending(worker_class, certificates, scheme) as (server, endpoint),
        connected(endpoint) as peer,
    ):
        server.signal()

        assert peer.rest() == []
        assert {frame.code for frame in peer.goodbyes} == {Code.NO_ERROR}
        assert peer.goodbyes[-1].last_stream_id == 1
        assert server.wait() == 0


def test_client_that_keeps_its_connection(
    worker_class: str, certificates: Certificates, scheme: str
) -> None:
    with (
        ending(worker_class, certificates, scheme) as (server, endpoint),
        open_httpx(endpoint, httpx.Client) as client,
    ):
        assert client.get(endpoint.url("/")).content == b"Hello"
        server.signal()

        assert server.wait() == 0


def test_request_within_the_grace_is_finished(
    worker_class: str, certificates: Certificates, scheme: str
) -> None:
    with (
        ending(worker_class, certificates, scheme) as (server, endpoint),
        connected(endpoint) as peer,
    ):
        stream_id = peer.request("/echo", method="POST", end=False)
        peer.upload(stream_id, b"first", end=False)
        peer.settle()
        server.signal()
        # The client learns of it before anything that it sends can be lost (section 6.8).
        peer.read_until(lambda: len(peer.goodbyes) == 1)
        assert peer.goodbyes[0].last_stream_id == MAX_WINDOW
        peer.read_until(lambda: len(peer.goodbyes) == 2)
        assert peer.goodbyes[1].last_stream_id == stream_id

        peer.upload(stream_id, b"later")
        assert peer.answer(stream_id).body == b"firstlater"
        assert peer.rest() == []
        assert server.wait() == 0


def test_later_streams_are_not_taken(
    worker_class: str, certificates: Certificates, scheme: str
) -> None:
    with (
        ending(worker_class, certificates, scheme) as (server, endpoint),
        connected(endpoint) as peer,
    ):
        stream_id = peer.request("/echo", method="POST", end=False)
        peer.settle()
        server.signal()
        peer.read_until(lambda: len(peer.goodbyes) == 2)
        late = peer.request("/raise")
        peer.upload(stream_id, b"body")

        assert peer.answer(stream_id).body == b"body"
        assert [frame.stream_id for frame in peer.rest() if answers(frame)] == []
        assert late > peer.goodbyes[-1].last_stream_id
        assert server.wait() == 0
        assert "raised for" not in server.log


def answers(frame: Frame) -> bool:
    return frame.kind in (Type.HEADERS, Type.DATA)


def test_streams_on_their_way_are_taken(
    worker_class: str, certificates: Certificates, scheme: str
) -> None:
    """Those that were sent before the client can have learned of it."""
    with (
        ending(worker_class, certificates, scheme) as (server, endpoint),
        connected(endpoint) as peer,
    ):
        peer.acknowledges_pings = False
        open_one = peer.request("/echo", method="POST", end=False)
        peer.settle()
        server.signal()
        peer.read_until(lambda: len(peer.goodbyes) == 1)
        on_its_way = peer.request("/")
        peer.send(*[frames.ping(payload, ack=True) for payload in peer.observer.pings])

        assert peer.answer(on_its_way).body == b"Hello"
        peer.read_until(lambda: len(peer.goodbyes) == 2)
        assert peer.goodbyes[-1].last_stream_id == on_its_way
        peer.upload(open_one, b"body")
        assert peer.answer(open_one).body == b"body"
        assert peer.rest() == []
        assert server.wait() == 0


def test_client_that_does_not_acknowledge(worker_class: str, certificates: Certificates) -> None:
    """It has a second."""
    with (
        ending(worker_class, certificates, "http") as (server, endpoint),
        connected(endpoint) as peer,
    ):
        peer.acknowledges_pings = False
        began_at = time.monotonic()
        server.signal()

        assert peer.rest() == []
        assert server.wait() == 0
        assert time.monotonic() - began_at < 1 + MARGIN


def test_event_stream_is_told_at_once(worker_class: str, certificates: Certificates) -> None:
    with (
        ending(worker_class, certificates, "https") as (server, endpoint),
        connected(endpoint) as peer,
    ):
        stream_id = peer.request("/endless-events?type=text/event-stream")
        peer.start_of_answer(stream_id)
        server.signal()

        server.await_log("the application saw http.disconnect")
        peer.rest()
        assert server.wait() == 0


def test_endless_answer_is_told_within_the_grace(
    worker_class: str, certificates: Certificates, scheme: str
) -> None:
    with (
        ending(worker_class, certificates, scheme, grace="1") as (server, endpoint),
        connected(endpoint) as peer,
    ):
        stream_id = peer.request("/endless-events?type=text/plain")
        peer.start_of_answer(stream_id)
        began_at = time.monotonic()
        server.signal()

        server.await_log("the application saw http.disconnect")
        # Cut off, so that the client can tell.
        assert peer.take(stream_id, Type.DATA).content == b"begun"
        with pytest.raises(IncompleteAnswer):
            peer.take(stream_id, Type.DATA)
        peer.rest()
        assert server.wait() == 0
        assert time.monotonic() - began_at < 1 + MARGIN


def test_application_that_waits_for_ever_is_cancelled(
    worker_class: str, certificates: Certificates, scheme: str
) -> None:
    with (
        ending(worker_class, certificates, scheme, grace="1") as (server, endpoint),
        connected(endpoint) as peer,
    ):
        stream_id = peer.request("/wait?gate=never")
        peer.settle()
        began_at = time.monotonic()
        server.signal()

        assert peer.answer(stream_id).status == 503
        peer.rest()
        assert server.wait() == 0
        assert time.monotonic() - began_at < 1 + MARGIN


def test_connection_without_requests(worker_class: str) -> None:
    with (
        serving(worker_class, "--keep-alive", "0.2") as server,
        connected(server.clear) as peer,
    ):
        assert peer.rest() == []
        assert {frame.code for frame in peer.goodbyes} == {Code.NO_ERROR}


def test_connection_that_has_had_its_requests(worker_class: str) -> None:
    with (
        serving(worker_class, "--keep-alive-max-requests", "3") as server,
        connected(server.clear) as peer,
    ):
        stream_id = peer.request("/echo", method="POST", end=False)
        assert peer.get("/").body == b"Hello"
        peer.read_until(lambda: len(peer.goodbyes) == 2)
        assert peer.goodbyes[-1].last_stream_id == 5
        peer.upload(stream_id, b"body")

        assert peer.answer(stream_id).body == b"body"
        assert peer.rest() == []
        with connected(server.clear):
            pass
