"""A client that speaks WebSocket, by websockets.

Knows: which closures ask a client to come again.
Must not know: what is done to the server.
"""

from __future__ import annotations

import asyncio

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from tests.integration.rolling.app import WORKER
from tests.integration.rolling.clients import Client, Disorder
from tests.integration.websocket_clients import url_of

__all__ = ["WEBSOCKET_CLIENTS"]

# RFC 6455 section 7.4.1 and its registry: Going Away and Service Restart.
_COME_AGAIN = (1001, 1012)


class WebSocketClient(Client):
    """Sends a message and waits for its echo. If it is told to come again meanwhile, it sends the
    message again elsewhere."""

    kind = "WebSocket"
    pause = 0.01
    """How long it thinks before each round, in seconds."""

    _connection: ClientConnection | None = None

    async def round(self) -> None:
        message = self.new_target("message")
        await asyncio.sleep(self.pause)
        while (echo := await self._ask(message)) is None:
            await self.leave()
        if echo != message:
            raise Disorder(f"{message!r} came back as {echo!r:.100}")
        self.answers += 1

    async def _ask(self, message: str) -> str | bytes | None:
        """Send and receive; None if there has to be another connection for it."""
        try:
            connection = self._connection or await self._connect()
            await connection.send(message)
            return await connection.recv()
        except ConnectionClosed as error:
            if error.rcvd is not None and error.rcvd.code in _COME_AGAIN:
                return None
            raise Disorder(str(error)) from error
        except WebSocketException as error:
            raise Disorder(repr(error)) from error

    async def _connect(self) -> ClientConnection:
        self.begin_connection()
        self._connection = connection = await connect(
            url_of(self.endpoint, "/"), ssl=self.endpoint.context, proxy=None, open_timeout=None
        )
        assert connection.response is not None
        self.met(connection.response.headers[WORKER.decode()])
        return connection

    async def leave(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection.transport.abort()  # else asyncio's TLS before Python 3.11 complains
            self._connection = None


class Thinking(WebSocketClient):
    """Leaves its connection idle most of the time."""

    kind = "WebSocket, thinking"
    pause = 0.1


WEBSOCKET_CLIENTS = (WebSocketClient, Thinking)
