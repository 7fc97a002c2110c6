"""Requests that are nearly right: what fuzzing begins with and what it puts in."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from tests.protocols.smuggling_cases import GROUPS, SMUGGLED

FRAGMENTS = [
    *[bytes([code]) for code in range(0x21)],
    *[b'"', b"#", b"(", b",", b"/", b":", b";", b"=", b"?", b"@", b"[", b"\\", b"]", b"\x7f"],
    *[b"\x80", b"\xff", b"0", b"1", b"5", b"9", b"A", b"F", b"a", b"g", b"x", b"%", b"*", b"-"],
    *[b"\r\n", b"\r\n\r\n", b"\n\n", b"\r\r\n", b"\r\n ", b" : ", b": ", b", ", b"; ", b'="'],
    *[b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"GET", b"POST", b"CONNECT", b"http://a", b"0x"],
    *[b"Host: a\r\n", b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Expect: x\r\n"],
    *[b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: x\r\n", b"chunked", b"identity"],
    *[b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"Expect: 100-continue\r\n"],
    *[b"Connection: upgrade\r\nUpgrade: h2c\r\n", b"0\r\n\r\n", b"5\r\nhello\r\n", b"FFFFFFFF"],
]
"""What is put into requests, one at a time."""

ORIGINALS = [
    SMUGGLED,
    b"GET /a?b=c HTTP/1.1\r\nHost: a:80\r\nX: y\r\n\r\n",
    b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        b'5;a="b"\r\nhello\r\n0\r\nX: y\r\n\r\n'
    ),
    b"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
    b"OPTIONS * HTTP/1.1\r\nHost: [::1]\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    b"GET http://b/c HTTP/1.1\r\nHost: a\r\n\r\n",
    *[case.data for group in GROUPS for case in group() if len(case.data) < 500],
]
"""What they are put into."""


def mutant(random: Random) -> bytes:
    """Some requests, one after the other, with a few mistakes."""
    data = bytearray()
    for _ in range(random.randint(1, 3)):
        data += random.choice(ORIGINALS[: random.choice((8, len(ORIGINALS)))])
    for _ in range(random.randint(0, 4)):
        at = random.randint(0, len(data))
        end = min(len(data), at + random.choice((0, 0, 1, 1, 2, 5)))
        if random.random() < 0.2:
            data[at:end] = data[random.randint(0, len(data)) :][: random.randint(0, 30)]
        else:
            data[at:end] = random.choice(FRAGMENTS)
    return bytes(data)


def pieces(random: Random, data: bytes) -> list[bytes]:
    """Data in some pieces, often in single bytes."""
    step = random.choice((1, 2, 7, 0))
    if step:
        return [data[at : at + step] for at in range(0, len(data), step)]
    ends = sorted({0, *random.choices(range(len(data) + 1), k=5), len(data)})
    return [data[start:end] for start, end in pairwise(ends)]
