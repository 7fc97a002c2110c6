"""Clients that use a server while it changes: what they count, and that they go on."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from benchmarks import restarts
from benchmarks.clients.visitors import KINDS, Tally, Visitor
from benchmarks.crowds import crowd

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


class Handler(BaseHTTPRequestHandler):
    """Answers everything."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_request(self, code: object = "-", size: object = "-") -> None:
        pass


@contextmanager
def answering() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def asked(*answers: bytes, stay: bool) -> tuple[Tally, int]:
    """What one visitor tells who asks for each of these, and how often it has connected."""
    tally, pending, connections = Tally(), list(answers), []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        while pending:
            await reader.readuntil(b"\r\n\r\n")
            said = pending.pop(0)
            writer.write(said)
            if said != GOOD or not stay:
                break
        writer.close()

    async def visit() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            visitor = Visitor(server.sockets[0].getsockname(), tally)
            for _ in answers:
                await visitor.ask(b"/", stay=stay)
            visitor.leave()

    asyncio.run(visit())
    return tally, len(connections)


def test_answers_on_one_connection() -> None:
    tally, connections = asked(GOOD, GOOD, stay=True)
    assert (tally.answers, tally.refused, tally.lost) == (2, 0, 0)
    assert tally.slowest > 0
    assert connections == 1


def test_answers_on_new_connections() -> None:
    tally, connections = asked(GOOD, GOOD, stay=False)
    assert (tally.answers, tally.lost) == (2, 0)
    assert connections == 2


def test_answers_that_are_not_what_they_should_be_are_lost() -> None:
    tally, _ = asked(GOOD[:-1], b"", GOOD.replace(b"200", b"503"), GOOD, stay=True)
    assert (tally.answers, tally.refused, tally.lost) == (1, 0, 3)


def test_nobody_to_connect_to() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        address = sock.getsockname()
    tally = Tally()
    asyncio.run(Visitor(address, tally).ask(b"/", stay=True))
    assert (tally.answers, tally.refused, tally.lost) == (0, 1, 0)


def test_crowd_and_the_row_that_is_made_of_it() -> None:
    with answering() as port, crowd("visitors", port, 2) as clients:
        assert clients.opened == 2 * len(KINDS)
        told = json.loads(clients.end())
    assert all(told[kind]["answers"] >= 2 for kind in KINDS)
    answers, *failures, slowest = restarts._row(told)
    assert int(answers.replace(",", "")) >= 2 * len(KINDS)
    assert failures == ["0", "0", "0", "0"]
    assert float(slowest) > 0
