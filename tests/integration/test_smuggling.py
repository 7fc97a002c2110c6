"""Requests that another parser might cut differently: refused, and nothing behind them is read.

The parsers' own tests have many more; these go over a socket, through all the layers.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.serving import Server, serving

BEHIND = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"


def head(*lines: bytes, request_line: bytes = b"POST /echo HTTP/1.1") -> bytes:
    return b"\r\n".join([request_line, b"Host: a", *lines, b"", b""])


CHUNKED = b"Transfer-Encoding: chunked"
CASES: dict[str, tuple[bytes, int]] = {
    "length and coding": (head(b"Content-Length: 5", CHUNKED) + b"0\r\n\r\n", 400),
    "coding and length": (head(CHUNKED, b"Content-Length: 5") + b"0\r\n\r\n", 400),
    "two lengths": (head(b"Content-Length: 1", b"Content-Length: 5") + b"x", 400),
    "the same length twice": (head(b"Content-Length: 1", b"Content-Length: 1") + b"x", 400),
    "list of lengths": (head(b"Content-Length: 1, 1") + b"x", 400),
    "signed length": (head(b"Content-Length: +1") + b"x", 400),
    "negative length": (head(b"Content-Length: -1"), 400),
    "hexadecimal length": (head(b"Content-Length: 0x1") + b"x", 400),
    "huge length": (head(b"Content-Length: " + b"9" * 100), 400),
    "unknown coding": (head(b"Transfer-Encoding: x, chunked") + b"0\r\n\r\n", 501),
    "obfuscated coding": (head(b"Transfer-Encoding: xchunked") + b"0\r\n\r\n", 400),
    "vertical tab before the coding": (head(b"Transfer-Encoding: \x0bchunked"), 400),
    "coding is not the last": (head(b"Transfer-Encoding: chunked, identity"), 400),
    "coding twice": (head(CHUNKED, CHUNKED) + b"0\r\n\r\n", 400),
    "space before the colon": (head(b"Transfer-Encoding : chunked") + b"0\r\n\r\n", 400),
    "coding in 1.0": (head(CHUNKED, request_line=b"POST /echo HTTP/1.0") + b"0\r\n\r\n", 400),
    "folded line": (head(b"X: a\r\n b"), 400),
    "folded coding": (head(b"Transfer-Encoding:\r\n chunked") + b"0\r\n\r\n", 400),
    "line feeds alone": (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    "line feed within": (head(b"X: a\nContent-Length: 1"), 400),
    "carriage return within": (head(b"X: a\rContent-Length: 1"), 400),
    "null within": (head(b"X: a\x00b"), 400),
    "no colon": (head(b"Content-Length 1"), 400),
    "empty name": (head(b": 1"), 400),
    "chunk size with prefix": (head(CHUNKED) + b"0x1\r\nx\r\n0\r\n\r\n", 400),
    "negative chunk size": (head(CHUNKED) + b"-1\r\nx\r\n0\r\n\r\n", 400),
    "huge chunk size": (head(CHUNKED) + b"f" * 40 + b"\r\n", 400),
    "line feed after a chunk size": (head(CHUNKED) + b"1\nx\r\n0\r\n\r\n", 400),
    "carriage return in an extension": (head(CHUNKED) + b"1;a\rb\r\nx\r\n0\r\n\r\n", 400),
    "line feed in an extension": (head(CHUNKED) + b"1;a\nb\r\nx\r\n0\r\n\r\n", 400),
    "chunk is longer than its size": (head(CHUNKED) + b"1\r\nxyz\r\n0\r\n\r\n", 400),
    "fold in a trailer": (head(CHUNKED) + b"0\r\nX: a\r\n b\r\n\r\n", 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two hosts": (head(b"Host: b", request_line=b"GET / HTTP/1.1"), 400),
    "host with a path": (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    "host with user": (b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
    "no version": (b"GET /\r\n\r\n", 400),
    "version 2": (head(request_line=b"GET / HTTP/2.0"), 505),
    "version 9.9": (head(request_line=b"GET / HTTP/9.9"), 505),
    "two spaces": (head(request_line=b"GET  / HTTP/1.1"), 400),
    "authority-form": (head(request_line=b"CONNECT a:80 HTTP/1.1"), 501),
    "no slash": (head(request_line=b"GET index HTTP/1.1"), 400),
    "method in lower case": (head(request_line=b"get / HTTP/1.1"), 501),
}


@pytest.fixture(scope="module")
def h11_server() -> Iterator[Server]:
    """Serve with the parser that is not the default where httptools is installed."""
    with serving("asyncio", "--http1-engine", "h11") as running:
        yield running


def _refused(server: Server, payload: bytes, status: int) -> None:
    with server.clear.connect() as peer:
        peer.send(payload + BEHIND)
        answer = peer.answer()

        assert answer.status == status
        assert answer["connection"] == "close"
        assert peer.ended()


@pytest.mark.parametrize("case", list(CASES))
def test_refused(server: Server, case: str) -> None:
    _refused(server, *CASES[case])


@pytest.mark.parametrize("case", list(CASES))
def test_refused_by_the_other_engine(h11_server: Server, case: str) -> None:
    _refused(h11_server, *CASES[case])
