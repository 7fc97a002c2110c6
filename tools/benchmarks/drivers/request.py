"""The request that is counted: what a browser sends, with seven header fields.

A server may remember what it has seen, as clients repeat themselves: so there are requests that
are the same again and again, and requests of which each has a query and a cookie of its own.
"""

from __future__ import annotations

HOST = ("Host", "127.0.0.1:8000")
BROWSER = (
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"),
    ("Accept", "text/html,application/xhtml+xml"),
    ("Accept-Language", "en-US,en;q=0.5"),
    ("Accept-Encoding", "gzip, deflate, br"),
    ("Connection", "keep-alive"),
)
SESSION = "abcdef0123456789"

# How many new requests there are at the most.
NEW = 1024


def request(target: str, session: str) -> bytes:
    """Write a request."""
    fields = (HOST, *BROWSER, ("Cookie", f"session={session}"))
    lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields), "", ""]
    return "\r\n".join(lines).encode()


REQUEST = request("/", SESSION)


def same(count: int) -> list[bytes]:
    """Give the same request that many times."""
    return [REQUEST] * count


def new(count: int) -> list[bytes]:
    """Give that many requests, of which no two have a target or a header section in common."""
    # All are made, however many are asked for, so that making them is not counted.
    return [request(f"/?n={number:04}", f"{number:016x}") for number in range(NEW)][:count]


KINDS = {"same": same, "new": new}
