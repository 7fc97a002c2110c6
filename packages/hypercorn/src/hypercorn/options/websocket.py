"""Options on WebSocket.

Knows: the group of WebSocket.
Must not know: what is done with a value. The defaults are those of the layers below.
"""

from __future__ import annotations

from hypercorn_protocols.settings import WebSocketSettings

from .kinds import Choice, Integer, Maybe, Seconds, Switch
from .option import OptionGroup, option

__all__ = ["WebSocketOptions"]

WEBSOCKET = WebSocketSettings()


class WebSocketOptions(OptionGroup, title="WebSocket"):
    """The same over every version of HTTP."""

    websocket_engine: str = option(
        Choice(("auto", "builtin", "websockets", "wsproto")),
        WEBSOCKET.engine,
        "What finds frames in what clients send; `auto` is the built-in engine.",
    )
    websocket_max_message_size: int = option(
        Integer(minimum=1),
        WEBSOCKET.max_message_size,
        "Largest message that is taken, inflated; a larger one closes with 1009.",
    )
    websocket_max_message_buffer: int = option(
        Integer(minimum=1),
        WEBSOCKET.max_message_buffer,
        "How much of messages may wait for the application before the client is not read.",
    )
    websocket_ping_interval: float | None = option(
        Maybe(Seconds()),
        WEBSOCKET.ping_interval,
        "How long a client may be silent before it is pinged. 0: for ever.",
    )
    websocket_ping_timeout: float | None = option(
        Maybe(Seconds()),
        WEBSOCKET.pong_timeout,
        "How long a client that was pinged may go on being silent before it is let go. 0: for "
        "ever.",
    )
    websocket_close_timeout: float = option(
        Seconds(),
        WEBSOCKET.close_timeout,
        "How long a client may take to agree to the end.",
    )
    websocket_permessage_deflate: bool = option(
        Switch(),
        WEBSOCKET.deflate,
        "Compress messages with clients that offer it (permessage-deflate).",
    )
    websocket_deflate_window_bits: int = option(
        Integer(minimum=9, maximum=15),
        WEBSOCKET.deflate_window_bits,
        "The largest window of the compression in either direction, as a power of two: more "
        "compresses better and takes more memory.",
    )
    websocket_deflate_memory_level: int = option(
        Integer(minimum=1, maximum=9),
        WEBSOCKET.deflate_memory_level,
        "How much memory compressing takes.",
    )
    websocket_deflate_level: int = option(
        Integer(minimum=1, maximum=9),
        WEBSOCKET.deflate_level,
        "How much time compressing takes.",
    )
    websocket_deflate_context_takeover: bool = option(
        Switch(),
        WEBSOCKET.deflate_context_takeover,
        "Let messages refer to earlier ones: they get smaller, and each client takes memory.",
    )
    websocket_deflate_min_size: int = option(
        Integer(),
        WEBSOCKET.deflate_min_size,
        "Shorter messages are not compressed.",
    )
