"""What the routes of the inspecting application share: answers, parameters, gates, reports.

A gate is an event with a name: one request waits for it, another one opens it. A report is what a
request leaves for another one to ask for, which waits until it is there. So nothing has to sleep.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

import anyio

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Route = Callable[[Scope, Receive, Send], Awaitable[None]]

_gates: dict[str, anyio.Event] = {}
_reports: dict[str, Any] = {}


def gate(name: str) -> anyio.Event:
    """Give the gate of a name, closed unless somebody has opened it."""
    return _gates.setdefault(name, anyio.Event())


def report(name: str, content: Any) -> None:
    """Leave a report."""
    _reports[name] = content
    gate(f"{name}-reported").set()


async def reported(name: str) -> Any:
    """Wait for a report."""
    await gate(f"{name}-reported").wait()
    return _reports[name]


def parameters(scope: Scope) -> dict[str, str]:
    """Give the query's parameters."""
    return dict(parse_qsl(scope["query_string"].decode("ascii"), keep_blank_values=True))


def octets(scope: Scope, name: str) -> bytes:
    """Give a parameter of the query as the bytes that it stands for."""
    for pair in scope["query_string"].split(b"&"):
        key, _, value = pair.partition(b"=")
        if key.decode("ascii") == name:
            return unquote_to_bytes(value)
    raise KeyError(name)


async def start(send: Send, status: int = 200, *headers: tuple[bytes, bytes], **more: Any) -> None:
    """Begin a response."""
    message = {"type": "http.response.start", "status": status, "headers": list(headers)}
    await send({**message, **more})


async def body(send: Send, content: bytes, *, more: bool = False) -> None:
    """Send content."""
    await send({"type": "http.response.body", "body": content, "more_body": more})


async def answer(send: Send, content: bytes, status: int = 200) -> None:
    """Send a whole response."""
    await start(send, status, (b"content-type", b"text/plain"))
    await body(send, content)


async def answer_json(send: Send, content: Any) -> None:
    """Send a whole response that is JSON; bytes become text of the same code points."""
    text = json.dumps(content, default=_as_text)
    await start(send, 200, (b"content-type", b"application/json"))
    await body(send, text.encode())


def _as_text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else repr(value)


async def read_all(receive: Receive) -> list[bytes]:
    """Read a request's content, message by message."""
    pieces = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise EOFError(message["type"])
        pieces.append(message["body"])
        if not message["more_body"]:
            return pieces
