"""What a WebSocket client is had to talk about, and how that went.

Knows: the words for it.
Must not know: any client.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.integration.serving import Endpoint

Message = str | bytes


@dataclass(frozen=True)
class Topic:
    """What a conversation is about."""

    target: str
    messages: Sequence[Message] = ()
    """Sent one after another; each waits for a message that answers it."""
    subprotocols: Sequence[str] = ()
    headers: dict[str, str] = field(default_factory=dict)
    leaves: bool = True
    """Whether the client closes, with 4321 and "enough", or waits for the server to do so."""


@dataclass
class Conversation:
    """How it went."""

    answers: list[Message]
    code: int | None
    """Of the server's Close, as its reason."""
    reason: str
    subprotocol: str | None
    extensions: str


CODE = 4321
REASON = "enough"

Client = Callable[[Endpoint, Topic], Conversation]
