"""Much at once: everything is answered, in order, and memory stays bounded."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.integration.serving import Certificates, Endpoint, Server, serving
from tests.peer import Peer, narrow

MIB = 1024 * 1024
BLOCK = bytes(range(256)) * 256


@pytest.fixture
def fresh(worker_class: str, certificates: Certificates) -> Iterator[Server]:
    """Serve with the defaults in a process that nobody has used before."""
    options = ("--keep-alive-max-requests", "10000")
    with serving(worker_class, *options, certificates=certificates) as running:
        yield running


def peak_memory(endpoint: Endpoint) -> int:
    with endpoint.connect() as peer:
        return int(peer.get("/memory").body)


def test_many_connects_at_once(fresh: Server) -> None:
    before = peak_memory(fresh.clear)
    with ExitStack() as stack:
        peers = [stack.enter_context(fresh.clear.connect()) for _ in range(500)]
        for peer in peers:
            peer.request("/")
        bodies = [peer.answer().body for peer in peers]

    assert bodies == [b"Hello"] * 500
    assert peak_memory(fresh.clear) - before < 500 * 32 * 1024


def test_many_slow_heads_at_once(fresh: Server) -> None:
    before = peak_memory(fresh.clear)
    with ExitStack() as stack:
        for _ in range(300):
            peer = stack.enter_context(fresh.clear.connect())
            peer.send(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 1000)
        with fresh.clear.connect() as other:
            assert other.get("/").body == b"Hello"

    assert peak_memory(fresh.clear) - before < 16 * MIB


def test_pipelined_flood_with_unread_answers(fresh: Server) -> None:
    """They are answered as they are read: all of them, in order."""
    before = peak_memory(fresh.clear)
    count = 2000
    with fresh.clear.connect() as peer:
        requests = b"".join(peer.head(f"/scope?{number:0500}") for number in range(count))
        sender = threading.Thread(target=peer.send, args=(requests,))
        sender.start()
        # Others are answered while this one does not read.
        with fresh.clear.connect() as other:
            assert other.get("/").body == b"Hello"
        numbers = [int(json.loads(peer.answer().body)["query_string"]) for _ in range(count)]
        sender.join()

    assert numbers == list(range(count))
    assert peak_memory(fresh.clear) - before < 16 * MIB


def test_flood_of_empty_chunks(fresh: Server) -> None:
    before = peak_memory(fresh.clear)
    with fresh.clear.connect() as peer:
        peer.request("/digest", "Transfer-Encoding: chunked", method="POST")
        for _ in range(100):
            peer.send(b"1\r\nx\r\n" * 1000)
        peer.send(b"0\r\n\r\n")

        assert json.loads(peer.answer().body)["size"] == 100_000
    assert peak_memory(fresh.clear) - before < 16 * MIB


def test_slow_readers_do_not_slow_a_fast_one(fresh: Server) -> None:
    endpoint = fresh.clear
    before = peak_memory(endpoint)
    with ExitStack() as stack:
        for _ in range(32):
            peer = stack.enter_context(narrow(endpoint.host, endpoint.port))
            peer.request("/stream?blocks=1000")
            assert peer.start().status == 200
        with endpoint.connect() as fast:
            for _ in range(50):
                assert fast.get("/").body == b"Hello"
            assert len(fast.get("/stream?blocks=100").body) == 100 * len(BLOCK)

    # Each is held up by what the server keeps for it: less than 300 KiB, of 64 MiB.
    assert peak_memory(endpoint) - before < 16 * MIB


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_large_upload(fresh: Server, scheme: str) -> None:
    endpoint = fresh.clear if scheme == "http" else fresh.encrypted
    before = peak_memory(fresh.clear)
    digest = hashlib.sha256()
    with endpoint.connect() as peer:
        peer.send(peer.head("/digest", method="POST", length=1024 * len(BLOCK)))
        for _ in range(1024):
            peer.send(BLOCK)
            digest.update(BLOCK)
        found = json.loads(peer.answer().body)

    assert found == {"size": 64 * MIB, "sha256": digest.hexdigest()}
    assert peak_memory(fresh.clear) - before < 16 * MIB


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_large_download(fresh: Server, scheme: str) -> None:
    endpoint = fresh.clear if scheme == "http" else fresh.encrypted
    before = peak_memory(fresh.clear)
    with endpoint.connect() as peer:
        peer.request("/stream?blocks=1024")
        assert peer.start().status == 200
        size = 0
        while chunk := peer.chunk():
            size += len(chunk)

    assert size == 64 * MIB
    assert peak_memory(fresh.clear) - before < 16 * MIB


def test_upload_that_is_never_read(fresh: Server, gate: str) -> None:
    """The client is held up: the server keeps no more of it than its buffers hold."""
    before = peak_memory(fresh.clear)
    with fresh.clear.connect() as peer:
        target = f"/never-reader?gate={gate}"
        peer.send(peer.head(target, method="POST", length=64 * MIB))
        sender = threading.Thread(target=_send_blocks, args=(peer,))
        sender.start()
        with fresh.clear.connect() as other:
            for _ in range(20):
                assert other.get("/").body == b"Hello"
            assert other.get(f"/open?gate={gate}").body == b"open"

        assert peer.answer().body == b"unread"
        sender.join()
    assert peak_memory(fresh.clear) - before < 16 * MIB


def _send_blocks(peer: Peer) -> None:
    with suppress(OSError):  # it may be cut off
        for _ in range(1024):
            peer.send(BLOCK)


def test_clients_that_leave_give_their_memory_back(fresh: Server, gate: str) -> None:
    endpoint = fresh.clear
    before = peak_memory(endpoint)
    for number in range(20):
        with narrow(endpoint.host, endpoint.port) as peer:
            peer.request(f"/endless?report={gate}-{number}")
            assert peer.start().status == 200
        with endpoint.connect() as other:
            seen = json.loads(other.get(f"/report?report={gate}-{number}").body)
            assert seen == {"raised": "ClientDisconnected"}

    assert peak_memory(endpoint) - before < 16 * MIB
