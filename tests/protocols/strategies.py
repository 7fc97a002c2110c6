"""Inputs for property-based tests: valid streams, ways to cut them, and ways to spoil them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st

from tests.protocols.mutation import FRAGMENTS
from tests.protocols.player import Exchange

DETERMINISTIC = settings(derandomize=True, database=None, deadline=None, max_examples=200)
"""The same examples at each run, on each machine."""

TCHAR = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"

names = st.text(TCHAR, min_size=1, max_size=12).map(lambda name: b"x" + name.encode())
values = st.text([chr(code) for code in (*range(0x20, 0x7F), *range(0x80, 0x100), 9)]).map(
    lambda value: value.encode("latin-1").strip(b" \t")
)
fields = st.lists(st.tuples(names, values), max_size=4)
blanks = st.sampled_from([b"", b" ", b"\t", b" \t "])
methods = st.sampled_from(["GET", "HEAD", "POST", "PUT", "OPTIONS", "X-Y".upper()])
targets = st.text([chr(code) for code in range(0x21, 0x7F) if code != 0x23], max_size=12).map(
    lambda rest: b"/" + rest.encode()
)
contents = st.binary(max_size=60)
extensions = st.sampled_from([b"", b";a", b";a=b", b' ; a = "b;\\"\xff"', b"\t;a;b=c"])


@st.composite
def splits(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """Some way to cut data into pieces that are not empty."""
    if len(data) < 2:
        return [data] if data else []
    cuts = draw(st.lists(st.integers(1, len(data) - 1), max_size=12, unique=True))
    ends = [0, *sorted(cuts), len(data)]
    return [data[start:end] for start, end in pairwise(ends)]


@st.composite
def scrambled(draw: st.DrawFn, originals: Sequence[bytes]) -> bytes:
    """Valid data in which a few bytes are others, are missing, or are too many."""
    data = draw(st.sampled_from(originals))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        end = draw(st.integers(at, min(at + 3, len(data))))
        data = data[:at] + draw(st.sampled_from(FRAGMENTS)) + data[end:]
    return data


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, Exchange]:
    """A valid request that leaves the connection open, and what it is."""
    method, target, version = draw(methods), draw(targets), draw(st.sampled_from(["1.0", "1.1"]))
    headers = [(b"host", b"example.com"), *draw(fields)]
    if version == "1.0":
        headers.append((b"connection", b"keep-alive"))
    exchange = Exchange(method, target, version, headers, b"")
    kinds = ["none", "length", "chunked"] if version == "1.1" else ["none", "length"]
    kind = draw(st.sampled_from(kinds))
    content = b""
    if kind == "length":
        content = exchange.body = draw(contents)
        headers.append((b"content-length", b"%d" % len(content)))
    elif kind == "chunked":
        headers.append((b"transfer-encoding", b"chunked"))
        content = draw(chunked(exchange))
    line = b"%b %b HTTP/%b\r\n" % (method.encode(), target, version.encode())
    lines = [_field_line(draw, name, value) for name, value in headers]
    before = draw(st.sampled_from([b"", b"\r\n", b"\r\n\r\n"]))
    return before + line + b"".join(lines) + b"\r\n" + content, exchange


def _field_line(draw: st.DrawFn, name: bytes, value: bytes) -> bytes:
    spelt = draw(st.sampled_from([name, name.upper(), name.title()]))
    return spelt + b":" + draw(blanks) + value + draw(blanks) + b"\r\n"


@st.composite
def chunked(draw: st.DrawFn, exchange: Exchange) -> bytes:
    """Chunks and trailers, which are noted in the exchange."""
    pieces = draw(st.lists(st.binary(min_size=1, max_size=30), max_size=4))
    sizes = [draw(st.sampled_from([b"%x", b"%X", b"0%x"])) % len(piece) for piece in pieces]
    chunks = [
        size + draw(extensions) + b"\r\n" + piece + b"\r\n"
        for size, piece in zip(sizes, pieces, strict=True)
    ]
    exchange.body, exchange.trailers = b"".join(pieces), draw(fields)
    trailers = [_field_line(draw, name, value) for name, value in exchange.trailers]
    return b"".join([*chunks, b"0", draw(extensions), b"\r\n", *trailers, b"\r\n"])
