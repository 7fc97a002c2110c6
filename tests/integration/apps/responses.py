"""Routes that answer in every way there is, and in some that there should not be."""

from __future__ import annotations

from tests.integration.apps.messages import (
    Receive,
    Route,
    Scope,
    Send,
    answer,
    body,
    gate,
    octets,
    parameters,
    report,
    start,
)

BLOCK = bytes(range(256)) * 256


async def stream(scope: Scope, receive: Receive, send: Send) -> None:
    """Send so many blocks of 64 KiB."""
    await start(send)
    for _ in range(int(parameters(scope)["blocks"])):
        await body(send, BLOCK, more=True)
    await body(send, b"")


async def stream_with_gate(scope: Scope, receive: Receive, send: Send) -> None:
    """Send one piece, and the second one once the gate is open."""
    await start(send)
    await body(send, b"first", more=True)
    await gate(parameters(scope)["gate"]).wait()
    await body(send, b"second")


async def endless(scope: Scope, receive: Receive, send: Send) -> None:
    """Send as long as that is possible, and report what ended it."""
    pieces = 0
    try:
        await start(send)
        while True:
            await body(send, BLOCK, more=True)
            pieces += 1
    except OSError as error:
        report(parameters(scope)["report"], {"raised": type(error).__name__})


async def with_status(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(send, b"content", int(parameters(scope)["status"]))


async def with_length(scope: Scope, receive: Receive, send: Send) -> None:
    """Announce one length and send another, in two pieces."""
    length, size = parameters(scope)["length"], int(parameters(scope)["size"])
    await start(send, 200, (b"content-length", length.encode()))
    await body(send, b"x" * (size // 2), more=True)
    await body(send, b"x" * (size - size // 2))


async def with_header(scope: Scope, receive: Receive, send: Send) -> None:
    """Send the query's ``name`` and ``value`` as a header."""
    await start(send, 200, (octets(scope, "name"), octets(scope, "value")))
    await body(send, b"content")


async def early_hint(scope: Scope, receive: Receive, send: Send) -> None:
    """Send an interim response; the gate keeps the final one back."""
    await send({"type": "http.response.early_hint", "links": [b"</a>; rel=preload", b"</b>"]})
    await gate(parameters(scope)["gate"]).wait()
    await answer(send, b"final")


async def with_trailers(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send, 200, (b"trailer", b"digest, other"), trailers=True)
    await body(send, b"content")
    first, second = [(b"digest", b"abc")], [(b"other", b"1")]
    await send({"type": "http.response.trailers", "headers": first, "more_trailers": True})
    await send({"type": "http.response.trailers", "headers": second})


async def push(scope: Scope, receive: Receive, send: Send) -> None:
    """Promise the query's ``path``, if this client can be promised anything."""
    path = parameters(scope)["path"]
    if "http.response.push" in scope["extensions"]:
        headers = [(b"x-pushed", b"1")]
        await send({"type": "http.response.push", "path": path, "headers": headers})
    await answer(send, b"pushed")


async def raise_at_once(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError(f"raised for {scope['path']}")


async def raise_after_start(scope: Scope, receive: Receive, send: Send) -> None:
    """The head has not left yet when this raises."""
    await start(send)
    raise RuntimeError(f"raised for {scope['path']}")


async def raise_after_body(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send)
    await body(send, b"begun", more=True)
    raise RuntimeError(f"raised for {scope['path']}")


async def say_nothing(scope: Scope, receive: Receive, send: Send) -> None:
    return


async def stop_halfway(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send)
    await body(send, b"begun", more=True)


async def body_first(scope: Scope, receive: Receive, send: Send) -> None:
    await body(send, b"without a head")


async def say_too_much(scope: Scope, receive: Receive, send: Send) -> None:
    """Go on after the end, which ASGI has servers ignore."""
    await answer(send, b"content")
    await body(send, b"more")


async def receive_after_answer(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(send, b"answered")
    report(parameters(scope)["report"], await receive())


ROUTES: dict[str, Route] = {
    "/stream": stream,
    "/stream-with-gate": stream_with_gate,
    "/endless": endless,
    "/status": with_status,
    "/length": with_length,
    "/header": with_header,
    "/early-hint": early_hint,
    "/trailers": with_trailers,
    "/push": push,
    "/raise": raise_at_once,
    "/raise-after-start": raise_after_start,
    "/raise-after-body": raise_after_body,
    "/say-nothing": say_nothing,
    "/stop-halfway": stop_halfway,
    "/body-first": body_first,
    "/say-too-much": say_too_much,
    "/receive-after-answer": receive_after_answer,
}
