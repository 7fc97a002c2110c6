"""A gRPC service without a schema: its messages are bytes, and it knows how they are framed.

The protocol is gRPC over HTTP/2: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from tests.integration.apps.messages import (
    Message,
    Receive,
    Route,
    Scope,
    Send,
    body,
    report,
    start,
)

SERVICE = "/tests.Echo"

_NOT_FOUND = 5
_UNIMPLEMENTED = 12


async def serve(scope: Scope, receive: Receive, send: Send) -> None:
    method = METHODS.get(scope["path"].removeprefix(f"{SERVICE}/"))
    if method is None:
        await refuse(send, _UNIMPLEMENTED, b"no such method")
    else:
        await method(scope, receive, send)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Send every message back as soon as it has come: unary, or streaming both ways."""
    await begin(send)
    async for message in messages(receive):
        await body(send, framed(message), more=True)
    await end(send)


async def count(scope: Scope, receive: Receive, send: Send) -> None:
    """Send as many messages, and of that size, as the one that came says."""
    (request,) = [message async for message in messages(receive)]
    wanted = json.loads(request)
    await begin(send)
    for number in range(wanted["messages"]):
        await body(send, framed(bytes([number % 256]) * wanted["size"]), more=True)
    await end(send)


async def total(scope: Scope, receive: Receive, send: Send) -> None:
    """Tell how many messages came, and how large they were together."""
    sizes = [len(message) async for message in messages(receive)]
    await begin(send)
    await body(send, framed(json.dumps([len(sizes), sum(sizes)]).encode()), more=True)
    await end(send)


async def metadata(scope: Scope, receive: Receive, send: Send) -> None:
    """Send the client's metadata back: what is its ``x-head…`` at once, its ``x-tail…`` last."""
    fields = scope["headers"]
    await begin(send, *[field for field in fields if field[0].startswith(b"x-head")])
    async for message in messages(receive):
        await body(send, framed(message), more=True)
    await end(send, *[field for field in fields if field[0].startswith(b"x-tail")])


async def fail(scope: Scope, receive: Receive, send: Send) -> None:
    await refuse(send, _NOT_FOUND, b"not here")


async def fail_late(scope: Scope, receive: Receive, send: Send) -> None:
    """Send one message, then a status that is no success."""
    await begin(send)
    await body(send, framed(b"first"), more=True)
    await end(send, status=_NOT_FOUND)


async def wait(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer nothing; report under the content's name how the call ended."""
    await begin(send)
    async for message in messages(receive):
        await body(send, framed(b"begun"), more=True)
        name = message.decode()
    report(name, (await receive())["type"])


async def begin(send: Send, *fields: tuple[bytes, bytes]) -> None:
    await start(send, 200, (b"content-type", b"application/grpc"), *fields, trailers=True)


async def end(send: Send, *fields: tuple[bytes, bytes], status: int = 0) -> None:
    """End the content and send the trailers."""
    await body(send, b"")
    trailers = [(b"grpc-status", b"%d" % status), *fields]
    await send({"type": "http.response.trailers", "headers": trailers})


async def refuse(send: Send, status: int, message: bytes) -> None:
    """Answer by a header section alone, which gRPC calls "Trailers-Only"."""
    fields = [(b"grpc-status", b"%d" % status), (b"grpc-message", message)]
    await start(send, 200, (b"content-type", b"application/grpc"), *fields)
    await body(send, b"")


def framed(message: bytes) -> bytes:
    """Give a message, which is not compressed, its prefix."""
    return b"\0" + len(message).to_bytes(4, "big") + message


async def messages(receive: Receive) -> AsyncIterator[bytes]:
    """Give the messages of a call as they come. Raises EOFError if it is given up."""
    unread = bytearray()
    more = True
    while more:
        event = await _content(receive)
        unread += event["body"]
        more = event["more_body"]
        while len(unread) >= 5 and len(unread) >= (end_ := 5 + int.from_bytes(unread[1:5], "big")):
            yield bytes(unread[5:end_])
            del unread[:end_]
    assert not unread


async def _content(receive: Receive) -> Message:
    message = await receive()
    if message["type"] != "http.request":
        raise EOFError(message["type"])
    return message


METHODS: dict[str, Route] = {
    "Echo": echo,
    "Count": count,
    "Total": total,
    "Metadata": metadata,
    "Fail": fail,
    "FailLate": fail_late,
    "Wait": wait,
}

ROUTES: dict[str, Route] = {SERVICE: serve}
