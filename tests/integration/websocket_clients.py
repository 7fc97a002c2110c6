"""WebSocket clients that are not ours, behind one signature.

Knows: how websockets, aiohttp and picows have one conversation, and who else does.
Must not know: what it is about.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar, cast

import aiohttp
import picows
import websockets.asyncio.client
import websockets.sync.client
from websockets.exceptions import ConnectionClosed

from tests.integration.clients import aiohttp_session
from tests.integration.serving import Endpoint
from tests.integration.websocket_conversations import (
    CODE,
    REASON,
    Client,
    Conversation,
    Message,
    Topic,
)
from tests.integration.websocket_wsproto import by_wsproto, by_wsproto_over_http2
from tests.peer import TIMEOUT

Result = TypeVar("Result")


def url_of(endpoint: Endpoint, target: str) -> str:
    """The URL of a WebSocket."""
    scheme = "wss" if endpoint.scheme == "https" else "ws"
    return f"{scheme}://{endpoint.netloc}{target}"


# websockets


def by_websockets(endpoint: Endpoint, topic: Topic) -> Conversation:
    """Talk by the client of websockets for threads, and over TLS by the one for asyncio.

    The former reads in one thread and writes in another, which a TLS socket does not take before
    Python 3.13: what comes may get lost."""
    if endpoint.scheme == "https":
        return by_asyncio_websockets(endpoint, topic)
    with websockets.sync.client.connect(
        url_of(endpoint, topic.target), **_websockets_options(endpoint, topic)
    ) as connection:
        answers = []
        for message in topic.messages:
            connection.send(message)
            answers.append(connection.recv(TIMEOUT))
        if topic.leaves:
            connection.close(CODE, REASON)
        else:
            try:
                connection.recv(TIMEOUT)
            except ConnectionClosed:
                pass
    return _told_by_websockets(connection, answers)


def by_asyncio_websockets(endpoint: Endpoint, topic: Topic) -> Conversation:
    """Talk by the client of websockets for asyncio."""
    return _run(_by_asyncio_websockets(endpoint, topic))


async def _by_asyncio_websockets(endpoint: Endpoint, topic: Topic) -> Conversation:
    async with websockets.asyncio.client.connect(
        url_of(endpoint, topic.target), **_websockets_options(endpoint, topic)
    ) as connection:
        answers = []
        for message in topic.messages:
            await connection.send(message)
            answers.append(await connection.recv())
        if topic.leaves:
            await connection.close(CODE, REASON)
        else:
            await connection.wait_closed()
    return _told_by_websockets(connection, answers)


def _websockets_options(endpoint: Endpoint, topic: Topic) -> dict[str, Any]:
    return {
        "ssl": endpoint.context,
        "subprotocols": topic.subprotocols or None,
        "additional_headers": topic.headers,
        "max_size": None,
        "open_timeout": TIMEOUT,
        "proxy": None,
    }


def _told_by_websockets(connection: Any, answers: list[Message]) -> Conversation:
    headers = connection.response.headers
    return Conversation(
        answers,
        connection.close_code,
        connection.close_reason,
        connection.subprotocol,
        headers.get("Sec-WebSocket-Extensions", ""),
    )


# aiohttp


def by_aiohttp(endpoint: Endpoint, topic: Topic) -> Conversation:
    """Talk by aiohttp, compressed."""
    return _run(_by_aiohttp(endpoint, topic))


async def _by_aiohttp(endpoint: Endpoint, topic: Topic) -> Conversation:
    async with (
        aiohttp_session() as session,
        session.ws_connect(
            url_of(endpoint, topic.target),
            ssl=endpoint.context or True,
            protocols=topic.subprotocols,
            headers=topic.headers,
            compress=15,
            max_msg_size=0,
            autoclose=True,
        ) as connection,
    ):
        answers = [await _ask_by_aiohttp(connection, message) for message in topic.messages]
        if topic.leaves:
            await connection.close(code=CODE, message=REASON.encode())
            reason = ""
        else:
            last = await connection.receive()
            assert last.type == aiohttp.WSMsgType.CLOSE, last
            reason = last.extra or ""
        extensions = "permessage-deflate" if connection.compress else ""
        subprotocol = connection.protocol
        return Conversation(answers, connection.close_code, reason, subprotocol, extensions)


async def _ask_by_aiohttp(
    connection: aiohttp.ClientWebSocketResponse[Any], content: Message
) -> Message:
    if isinstance(content, str):
        await connection.send_str(content)
    else:
        await connection.send_bytes(content)
    answer = await connection.receive()
    assert answer.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY), answer
    data: Message = answer.data
    return data


# picows


class _Listener(picows.WSListener):
    """Puts messages where they can be waited for."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[Message] = asyncio.Queue()
        self.closure: tuple[int | None, str] = (None, "")
        self._pieces: list[bytes] = []
        self._is_text = False

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type == picows.WSMsgType.CLOSE:
            code = frame.get_close_code()
            assert code is not None
            self.closure = (cast(int, code), frame.get_close_reason() or "")
            transport.send_close(code, self.closure[1].encode())
            transport.disconnect()
            return
        if frame.msg_type != picows.WSMsgType.CONTINUATION:
            self._is_text = frame.msg_type == picows.WSMsgType.TEXT
        self._pieces.append(frame.get_payload_as_bytes())
        if frame.fin:
            content = b"".join(self._pieces)
            self._pieces.clear()
            self.incoming.put_nowait(content.decode() if self._is_text else content)


def by_picows(endpoint: Endpoint, topic: Topic) -> Conversation:
    """Talk by picows."""
    return _run(_by_picows(endpoint, topic))


async def _by_picows(endpoint: Endpoint, topic: Topic) -> Conversation:
    headers = dict(topic.headers)
    if topic.subprotocols:
        headers["Sec-WebSocket-Protocol"] = ", ".join(topic.subprotocols)
    listener = _Listener()
    transport, _ = await picows.ws_connect(
        lambda: listener,
        url_of(endpoint, topic.target),
        ssl_context=endpoint.context,
        extra_headers=headers,
        max_frame_size=2**31 - 1,
    )
    answers: list[Message] = []
    for message in topic.messages:
        is_text = isinstance(message, str)
        kind = picows.WSMsgType.TEXT if is_text else picows.WSMsgType.BINARY
        transport.send(kind, message.encode() if isinstance(message, str) else message)
        answers.append(await listener.incoming.get())
    if topic.leaves:
        transport.send_close(cast(picows.WSCloseCode, CODE), REASON.encode())
    await transport.wait_disconnected()
    subprotocol = transport.response.headers.get("Sec-WebSocket-Protocol")
    return Conversation(answers, *listener.closure, subprotocol, "")


def _run(conversation: Awaitable[Result]) -> Result:
    """Run it on a loop of its own, for no longer than a test waits."""

    async def wait() -> Result:
        return await asyncio.wait_for(conversation, TIMEOUT)

    return asyncio.run(wait())


WEBSOCKET_CLIENTS: dict[str, Client] = {
    "websockets": by_websockets,
    "websockets on asyncio": by_asyncio_websockets,
    "aiohttp": by_aiohttp,
    "picows": by_picows,
    "wsproto": by_wsproto,
    "wsproto over HTTP/2": by_wsproto_over_http2,
}

COMPRESSING = [name for name in WEBSOCKET_CLIENTS if name != "picows"]
"""Those that know permessage-deflate."""
