"""WebSocket routes: one for each thing to look at."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import AsyncIterator
from typing import Any

from tests.integration.apps.messages import (
    Message,
    Receive,
    Route,
    Scope,
    Send,
    answer_json,
    gate,
    octets,
    parameters,
    report,
)

_sent: dict[str, int] = {}
_rooms: dict[str, list[Send]] = {}


async def serve(scope: Scope, receive: Receive, send: Send) -> None:
    path = scope["path"].removeprefix(scope["root_path"])
    route = WEBSOCKET_ROUTES.get("/" + path.removeprefix("/").partition("/")[0], deny)
    message = await receive()
    assert message == {"type": "websocket.connect"}, message
    await route(scope, receive, send)


async def accept(send: Send, **more: Any) -> None:
    await send({"type": "websocket.accept", **more})


async def messages(receive: Receive) -> AsyncIterator[Message]:
    """Give what comes, up to and including the end."""
    message: Message = {}
    while message.get("type") != "websocket.disconnect":
        message = await receive()
        yield message


async def contents(receive: Receive) -> AsyncIterator[str | bytes]:
    """Give what comes in messages."""
    async for message in messages(receive):
        if message["type"] == "websocket.receive":
            data = message.get("bytes")
            yield message["text"] if data is None else data


async def send_content(send: Send, content: str | bytes) -> None:
    key = "text" if isinstance(content, str) else "bytes"
    await send({"type": "websocket.send", key: content})


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Send every message back, with the first subprotocol that is offered."""
    offered = scope["subprotocols"]
    await accept(send, subprotocol=offered[0] if offered else None)
    async for content in contents(receive):
        await send_content(send, content)


async def show_scope(scope: Scope, receive: Receive, send: Send) -> None:
    """Tell the scope, but for what this application has put into its state."""
    await accept(send)
    seen = {key: value for key, value in scope.items() if key != "state"}
    await answer_by_message(send, seen)
    async for _ in messages(receive):
        pass


async def show_state(scope: Scope, receive: Receive, send: Send) -> None:
    """Tell the state, then write into it."""
    state: dict[str, Any] = scope["state"]
    await accept(send)
    await answer_by_message(send, sorted(state))
    state["own"] = "of one WebSocket"
    async for _ in messages(receive):
        pass


async def answer_by_message(send: Send, content: Any) -> None:
    """Have what a request is answered with sent as a message."""

    async def send_body(message: Message) -> None:
        if "body" in message:
            await send_content(send, message["body"].decode())

    await answer_json(send_body, content)


async def choose(scope: Scope, receive: Receive, send: Send) -> None:
    """Accept with that subprotocol, and that field."""
    wanted = parameters(scope)
    headers = [(wanted["name"].encode(), octets(scope, "value"))] if "name" in wanted else []
    await accept(send, subprotocol=wanted.get("subprotocol"), headers=headers)
    async for _ in messages(receive):
        pass


async def record(scope: Scope, receive: Receive, send: Send) -> None:
    """Report all that comes, and what ``send`` does from then on."""
    await accept(send)
    seen = [message async for message in messages(receive)]
    raised = []
    try:
        await send_content(send, "too late")
    except OSError as error:
        raised.append(type(error).__name__)
    again = await receive()
    content = {"messages": seen, "raised": raised, "again": again}
    report(parameters(scope)["report"], content)


async def close(scope: Scope, receive: Receive, send: Send) -> None:
    """Accept, close, and report what is received then."""
    wanted = parameters(scope)
    await accept(send)
    message: Message = {"type": "websocket.close"}
    if "code" in wanted:
        message["code"] = int(wanted["code"])
    if "reason" in wanted:
        message["reason"] = wanted["reason"]
    await send(message)
    if "report" in wanted:
        report(wanted["report"], await receive())


async def leave(scope: Scope, receive: Receive, send: Send) -> None:
    """Accept, and return."""
    await accept(send)


async def fail(scope: Scope, receive: Receive, send: Send) -> None:
    await accept(send)
    await send_content(send, "before it")
    raise LookupError("a mistake of a WebSocket's")


async def leave_first(scope: Scope, receive: Receive, send: Send) -> None:
    """Do nothing."""


async def fail_first(scope: Scope, receive: Receive, send: Send) -> None:
    raise LookupError("a mistake before a handshake")


async def deny(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.close"})


async def deny_by_response(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with a response, the second half of which waits for the gate."""
    wanted = parameters(scope)
    headers = [(b"x-why", b"because"), (b"content-type", b"text/plain")]
    start = {"type": "websocket.http.response.start", "status": int(wanted["status"])}
    await send({**start, "headers": headers})
    body = {"type": "websocket.http.response.body"}
    if "gate" in wanted:
        await send({**body, "body": b"not ", "more_body": True})
        await gate(wanted["gate"]).wait()
    await send({**body, "body": b"here"})


async def push(scope: Scope, receive: Receive, send: Send) -> None:
    """Send that many messages of that size; ``/sent`` tells how far it is."""
    wanted = parameters(scope)
    content = bytes(int(wanted["size"]))
    await accept(send)
    for number in range(int(wanted["messages"])):
        _sent[wanted["name"]] = number
        await send_content(send, content)
    await send({"type": "websocket.close"})


async def hold(scope: Scope, receive: Receive, send: Send) -> None:
    """Receive nothing until the gate is open; answer with what has come when a text comes."""
    await accept(send)
    await gate(parameters(scope)["gate"]).wait()
    count, size, sha = 0, 0, hashlib.sha256()
    async for content in contents(receive):
        if isinstance(content, str):
            await answer_by_message(send, [count, size, sha.hexdigest()])
        else:
            count, size = count + 1, size + len(content)
            sha.update(content)


async def discard(scope: Scope, receive: Receive, send: Send) -> None:
    """Receive everything and say nothing."""
    await accept(send)
    async for _ in messages(receive):
        pass


async def meet(scope: Scope, receive: Receive, send: Send) -> None:
    """Send every message to all who are in the same room."""
    room = _rooms.setdefault(parameters(scope)["room"], [])
    await accept(send)
    room.append(send)
    await send_content(send, "welcome")
    async for content in contents(receive):
        for send_to_one in list(room):
            await send_content(send_to_one, content)
    room.remove(send)


async def stay(scope: Scope, receive: Receive, send: Send) -> None:
    """Stay until the end, and say how it came."""
    await accept(send)
    async for message in messages(receive):
        if message["type"] == "websocket.disconnect":
            sys.stderr.write(f"the WebSocket ended with {message['code']}\n")


async def stay_for_ever(scope: Scope, receive: Receive, send: Send) -> None:
    """Receive nothing, and never end."""
    await accept(send)
    await gate("never").wait()


async def hesitate(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer the handshake once the gate is open, or report that it is given up."""
    wanted = parameters(scope)
    gate(f"{wanted['gate']}-begun").set()
    if "report" in wanted:
        report(wanted["report"], await receive())
    await gate(wanted["gate"]).wait()
    await echo(scope, receive, send)


async def tell_sent(scope: Scope, receive: Receive, send: Send) -> None:
    """Tell how many messages ``/push`` has sent."""
    await answer_json(send, _sent[parameters(scope)["name"]])


WEBSOCKET_ROUTES: dict[str, Route] = {
    "/": echo,
    "/echo": echo,
    "/scope": show_scope,
    "/state": show_state,
    "/choose": choose,
    "/record": record,
    "/close": close,
    "/leave": leave,
    "/fail": fail,
    "/leave-first": leave_first,
    "/fail-first": fail_first,
    "/deny": deny,
    "/deny-by-response": deny_by_response,
    "/push": push,
    "/hold": hold,
    "/discard": discard,
    "/meet": meet,
    "/stay": stay,
    "/stay-for-ever": stay_for_ever,
    "/hesitate": hesitate,
}

ROUTES: dict[str, Route] = {"/sent": tell_sent}
