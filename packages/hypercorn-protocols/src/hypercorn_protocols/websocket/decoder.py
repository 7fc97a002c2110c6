"""What finds frames in bytes: the interface of the engines, and which of them is used.

Knows: that a frame may be handed out in pieces, since it may be large.
Must not know: how frames are found, or what they mean together.
"""

from __future__ import annotations

from typing import Protocol

from hypercorn_protocols.settings import WebSocketEngineName

__all__ = ["FrameDecoder", "FramePiece", "PayloadLimits", "select_decoder"]


class PayloadLimits:
    """How large the payload of the next data frame may be, in bytes.

    One instance is shared by who puts messages together, and keeps it, and who finds frames.

    Args:
        plain: for a frame without RSV1.
        compressed: for one with RSV1; None if that must not be set.
    """

    __slots__ = ("compressed", "plain")

    def __init__(self, plain: int, compressed: int | None) -> None:
        self.plain = plain
        self.compressed = compressed


class FramePiece:
    """A frame, or a part of a data frame that has come so far."""

    __slots__ = ("begins", "compressed", "data", "ends", "fin", "opcode")

    def __init__(
        self, opcode: int, data: bytes, begins: bool, ends: bool, fin: bool, compressed: bool
    ) -> None:
        self.opcode = opcode
        self.data = data
        """Unmasked."""
        self.begins = begins
        """It is the first piece of its frame."""
        self.ends = ends
        """It is the last piece of its frame."""
        self.fin = fin
        """The frame is the last one of its message."""
        self.compressed = compressed
        """RSV1 is set (RFC 7692 section 6)."""


class FrameDecoder(Protocol):
    """Finds a client's frames."""

    def receive_data(self, data: bytes) -> None:
        """Take what has come."""

    def next_piece(self) -> FramePiece | None:
        """Find the next frame, or piece of one; None if more has to come first.

        Control frames come whole. Raises FrameError; there is nothing to go on with then but
        :meth:`remainder`.
        """

    def remainder(self) -> tuple[int, bytes] | None:
        """Give up: how many bytes of the present frame are still to be passed over, and what has
        come of them and behind them. None if that is not known."""


class _Decoder(Protocol):
    def __call__(self, limits: PayloadLimits) -> FrameDecoder: ...


def select_decoder(engine: WebSocketEngineName) -> _Decoder:
    """The engine of that name. Raises ImportError if it is not installed."""
    if engine == "wsproto":
        from hypercorn_protocols.websocket._wsproto import WsprotoDecoder

        return WsprotoDecoder
    if engine == "websockets":
        from hypercorn_protocols.websocket._websockets import WebsocketsDecoder

        return WebsocketsDecoder
    from hypercorn_protocols.websocket._builtin import BuiltinDecoder

    return BuiltinDecoder
