"""Routes that look at the request."""

from __future__ import annotations

import hashlib
import os
import resource
import sys
from typing import Any

from tests.integration.apps.messages import (
    Receive,
    Route,
    Scope,
    Send,
    answer,
    answer_json,
    body,
    gate,
    parameters,
    read_all,
    report,
    reported,
    start,
)


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(send, b"Hello")


async def show_scope(scope: Scope, receive: Receive, send: Send) -> None:
    """Tell the scope, but for what this application has put into its state."""
    await answer_json(send, {key: value for key, value in scope.items() if key != "state"})


async def show_state(scope: Scope, receive: Receive, send: Send) -> None:
    """Tell the state, then write into it, into the scope and into what they hold."""
    state: dict[str, Any] = scope["state"]
    seen = {"keys": sorted(state), "shared": list(state["shared"])}
    state["own"] = "of one request"
    state["shared"].append(len(seen["shared"]))
    for key in ("asgi", "extensions", "headers"):
        scope[key].clear()
    await answer_json(send, seen)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(send, b"".join(await read_all(receive)))


async def digest(scope: Scope, receive: Receive, send: Send) -> None:
    """Tell size and SHA-256 of the content, without holding it."""
    size, sha = 0, hashlib.sha256()
    more = True
    while more:
        message = await receive()
        sha.update(message["body"])
        size += len(message["body"])
        more = message["more_body"]
    await answer_json(send, {"size": size, "sha256": sha.hexdigest()})


async def show_messages(scope: Scope, receive: Receive, send: Send) -> None:
    """Tell every message of ``receive``, up to the last of the request."""
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    await answer_json(send, messages)


async def late_reader(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the content once the gate is open."""
    await gate(parameters(scope)["gate"]).wait()
    await answer(send, b"".join(await read_all(receive)))


async def no_reader(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer without a look at the content."""
    await answer(send, b"unread", 403)


async def never_reader(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer once the gate is open, without a look at the content."""
    await gate(parameters(scope)["gate"]).wait()
    await answer(send, b"unread")


async def await_disconnect(scope: Scope, receive: Receive, send: Send) -> None:
    """Report what comes after the content, and what ``send`` does from then on."""
    name = parameters(scope)["report"]
    messages = [await receive()]
    gate(f"{name}-begun").set()
    while messages[-1]["type"] != "http.disconnect":
        messages.append(await receive())
    raised = []
    try:
        await start(send)
        await body(send, b"too late")
    except OSError as error:
        raised.append(type(error).__name__)
    again = await receive()
    report(name, {"last": messages[-1], "raised": raised, "again": again})


async def wait_and_answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer once the gate is open, or say how it stands."""
    name = parameters(scope)["gate"]
    gate(f"{name}-begun").set()
    await gate(name).wait()
    await answer(send, name.encode())


async def open_gate(scope: Scope, receive: Receive, send: Send) -> None:
    gate(parameters(scope)["gate"]).set()
    await answer(send, b"open")


async def pass_gate(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer when the gate is open; for tests that wait for something."""
    await gate(parameters(scope)["gate"]).wait()
    await answer(send, b"passed")


async def show_report(scope: Scope, receive: Receive, send: Send) -> None:
    await answer_json(send, await reported(parameters(scope)["report"]))


async def show_memory(scope: Scope, receive: Receive, send: Send) -> None:
    """Tell how much memory this process has used at most, in bytes."""
    await answer_json(send, _peak_memory())


def _peak_memory() -> int:
    if os.path.exists("/proc/self/status"):
        # getrusage would count what the parent used before this program was run
        with open("/proc/self/status") as status:
            peak = next(line for line in status if line.startswith("VmHWM:"))
        return int(peak.split()[1]) * 1024
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return usage if sys.platform == "darwin" else usage * 1024


ROUTES: dict[str, Route] = {
    "/": hello,
    "/*": show_scope,
    "/scope": show_scope,
    "/state": show_state,
    "/echo": echo,
    "/digest": digest,
    "/messages": show_messages,
    "/late-reader": late_reader,
    "/no-reader": no_reader,
    "/never-reader": never_reader,
    "/await-disconnect": await_disconnect,
    "/wait": wait_and_answer,
    "/open": open_gate,
    "/pass": pass_gate,
    "/report": show_report,
    "/memory": show_memory,
}
