"""``http.response.push``: what of it reaches the server, and when."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hypercorn_asgi import HTTPExchange, UnexpectedMessageError
from tests.asgi.driving import Message, http_scope

HEAD: Message = {"type": "http.response.start", "status": 200, "headers": []}
PIECE: Message = {"type": "http.response.body", "body": b"a", "more_body": True}
END: Message = {"type": "http.response.body", "body": b"a"}
TRAILERS: Message = {"type": "http.response.start", "status": 200, "trailers": True}


def push(path: str = "/a", *headers: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.push", "path": path, "headers": list(headers)}


class Server:
    """Notes what is pushed, and by which stream; the rest is of no interest here."""

    observer: Any = None
    observes_requests = False

    def __init__(self) -> None:
        self.pushed: list[tuple[int, bytes, list[tuple[bytes, bytes]]]] = []

    def push(self, stream_id: int, target: bytes, headers: Any) -> None:
        """Note it."""
        self.pushed.append((stream_id, target, list(headers)))

    def __getattr__(self, name: str) -> Any:
        return lambda *args: None


def send_all(*messages: Message) -> Server:
    """Send these messages in an exchange; raises what that raises."""
    server: Any = Server()
    exchange = HTTPExchange(server, 5, http_scope(), False)

    async def main() -> None:
        for message in messages:
            await exchange.send(message)

    asyncio.run(main())
    return server  # type: ignore[no-any-return]


@pytest.mark.parametrize("before", [(), (HEAD,), (HEAD, PIECE)])
def test_as_long_as_the_answer_lasts(before: tuple[Message, ...]) -> None:
    server = send_all(*before, push("/a", (b"accept", b"*/*")))

    assert server.pushed == [(5, b"/a", [(b"accept", b"*/*")])]


def test_without_headers() -> None:
    server = send_all({"type": "http.response.push", "path": "/a"})

    assert server.pushed == [(5, b"/a", [])]


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/", b"/"),
        ("/a/b.css?v=1&w=%20", b"/a/b.css?v=1&w=%20"),
        ("/ü", b"/%C3%BC"),
        ("/a b", b"/a%20b"),
        ('/"<>\\^`{|}#', b"/%22%3C%3E%5C%5E%60%7B%7C%7D%23"),
        ("/a\r\nb\0", b"/a%0D%0Ab%00"),
        ("/~-._!$&'()*+,;=:@", b"/~-._!$&'()*+,;=:@"),
    ],
)
def test_path(path: str, target: bytes) -> None:
    assert send_all(push(path)).pushed[0][1] == target


def test_not_with_trailers_alone_to_come() -> None:
    with pytest.raises(UnexpectedMessageError):
        send_all(TRAILERS, END, push())


def test_too_late() -> None:
    assert send_all(HEAD, END, push()).pushed == []
