"""The request that is counted: what a browser sends, with seven header fields."""

from __future__ import annotations

REQUEST = b"\r\n".join(
    [
        b"GET / HTTP/1.1",
        b"Host: 127.0.0.1:8000",
        b"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
        b"Accept: text/html,application/xhtml+xml",
        b"Accept-Language: en-US,en;q=0.5",
        b"Accept-Encoding: gzip, deflate, br",
        b"Connection: keep-alive",
        b"Cookie: session=abcdef0123456789",
        b"",
        b"",
    ]
)
