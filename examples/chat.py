"""A chat: one page, and a WebSocket by which everybody gets what anybody says.

Serve it with ``hypercorn examples.chat:app`` and open http://127.0.0.1:8000/ in two windows. With
several worker processes each has a chat of its own, for nothing is shared between processes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PAGE = b"""<!doctype html>
<title>Chat</title>
<ul id="said"></ul>
<form><input autofocus autocomplete="off"></form>
<script>
  const socket = new WebSocket(location.href.replace(/^http/, "ws"));
  const input = document.querySelector("input");
  socket.onmessage = (event) => {
    document.querySelector("#said").append(
      Object.assign(document.createElement("li"), { textContent: event.data }));
  };
  document.querySelector("form").onsubmit = (event) => {
    event.preventDefault();
    socket.send(input.value);
    input.value = "";
  };
</script>
"""

present: set[Send] = set()


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serve the page and the chat; other scopes (the lifespan) are left unanswered."""
    if scope["type"] == "websocket":
        await chat(receive, send)
    elif scope["type"] == "http":
        headers = [(b"content-type", b"text/html; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": PAGE})


async def chat(receive: Receive, send: Send) -> None:
    """Pass on what one person says, until they leave."""
    await receive()
    await send({"type": "websocket.accept"})
    present.add(send)
    try:
        while (message := await receive())["type"] == "websocket.receive":
            if message["text"]:
                await tell_all(message["text"])
    finally:
        present.discard(send)


async def tell_all(text: str) -> None:
    """Send the same to everybody: it is made into a frame, and compressed, only once."""
    for send in list(present):
        try:
            await send({"type": "websocket.send", "text": text})
        except OSError:
            present.discard(send)  # who has just left
