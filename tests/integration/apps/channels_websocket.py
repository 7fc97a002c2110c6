"""WebSockets as Django Channels has them."""

from __future__ import annotations

from typing import Any

from channels.exceptions import DenyConnection
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import path

settings.configure(ALLOWED_HOSTS=["*"], LOGGING_CONFIG=None, SECRET_KEY="-")


class Echo(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Sends text in capitals until the client leaves."""

    async def connect(self) -> None:
        await self.accept(next(iter(self.scope["subprotocols"]), None))

    async def receive(self, text_data: Any = None, bytes_data: Any = None) -> None:
        await self.send(text_data=text_data.upper())


class Finish(AsyncWebsocketConsumer):  # type: ignore[misc]
    async def connect(self) -> None:
        await self.accept(headers=[(b"x-field", b"value")])

    async def receive(self, text_data: Any = None, bytes_data: Any = None) -> None:
        await self.send(bytes_data=bytes_data)
        await self.close(4001, "done")


class Refuse(AsyncWebsocketConsumer):  # type: ignore[misc]
    async def connect(self) -> None:
        raise DenyConnection


app = ProtocolTypeRouter(
    {
        "websocket": URLRouter(
            [
                path("echo", Echo.as_asgi()),
                path("finish", Finish.as_asgi()),
                path("refuse", Refuse.as_asgi()),
            ]
        )
    }
)
