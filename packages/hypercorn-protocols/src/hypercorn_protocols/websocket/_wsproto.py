"""The reference engine: frames as the library ``wsproto`` finds them.

Knows: wsproto's decoder of frames, and how an extension looks into it.
Must not know: what frames mean together.
"""

from __future__ import annotations

from wsproto.extensions import Extension
from wsproto.frame_protocol import (
    CloseReason,
    FrameDecoder,
    FrameProtocol,
    Opcode,
    ParseFailed,
    RsvBits,
)

from hypercorn_protocols.websocket.decoder import FramePiece, PayloadLimits
from hypercorn_protocols.websocket.frames import MESSAGE_TOO_BIG, FrameError

__all__ = ["WsprotoDecoder"]


class WsprotoDecoder:
    """A :class:`~hypercorn_protocols.websocket.decoder.FrameDecoder`.

    Args:
        limits: what the next frame may be.
    """

    __slots__ = ("_decoder", "_header")

    def __init__(self, limits: PayloadLimits) -> None:
        self._header = _Header(limits)
        self._decoder = FrameDecoder(client=False, extensions=[self._header])

    def receive_data(self, data: bytes) -> None:
        """Take what has come."""
        self._decoder.receive_bytes(data)

    def next_piece(self) -> FramePiece | None:
        """See :class:`~hypercorn_protocols.websocket.decoder.FrameDecoder`."""
        try:
            frame = self._decoder.process_buffer()
        except ParseFailed as error:
            raise FrameError(int(error.code), str(error)) from None
        if frame is None:
            return None
        header = self._header
        begins, header.begins = header.begins, False
        assert isinstance(frame.payload, bytes)
        return FramePiece(
            header.opcode,
            frame.payload,
            begins,
            frame.frame_finished,
            frame.message_finished,
            header.compressed,
        )

    def remainder(self) -> tuple[int, bytes] | None:
        """Where frames begin is wsproto's own knowledge."""
        return None


class _Header(Extension):
    """What wsproto does not tell of a frame's head, and the limits."""

    name = "head"

    def __init__(self, limits: PayloadLimits) -> None:
        self._limits = limits
        self.opcode = 0
        self.compressed = False
        self.begins = False

    def offer(self) -> bool:
        """It is not one to be offered."""
        return False

    def frame_inbound_header(
        self,
        proto: FrameDecoder | FrameProtocol,
        opcode: Opcode,
        rsv: RsvBits,
        payload_length: int,
    ) -> CloseReason | RsvBits:
        """A head has come, as far as its length."""
        self.opcode = int(opcode)
        self.begins = True
        is_control = opcode.iscontrol()
        limits = self._limits
        self.compressed = rsv.rsv1 and limits.compressed is not None and not is_control
        limit = limits.compressed if self.compressed else limits.plain
        if not is_control and limit is not None and payload_length > limit:
            raise FrameError(MESSAGE_TOO_BIG, "the message is too large")
        return RsvBits(self.compressed, False, False)
