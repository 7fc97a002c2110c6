"""The frame of the message that was sent last, for others that are sent the same.

Knows: that a server's frame is the same for everybody who gets the message, and under which
conditions a compressed one is.
Must not know: who gets it, or when.
"""

from __future__ import annotations

from hypercorn_protocols.errors import LocalProtocolError
from hypercorn_protocols.websocket.deflate import Deflate
from hypercorn_protocols.websocket.frames import BINARY, TEXT, encode_frame

__all__ = ["MessageMemory"]

# Larger messages are not kept, in bytes or characters.
_MAX_REMEMBERED = 4_194_304


class MessageMemory:
    """Makes frames of messages, once for all WebSockets that send the same in turn.

    A compressed message refers to those before it on its WebSocket, so that nobody else could read
    it. The second WebSocket in a row that sends a message has it compressed without reference to
    anything; from there on all get that.
    """

    __slots__ = ("_compressed", "_frame", "_message", "_opcode", "_payload", "_sender")

    def __init__(self) -> None:
        self._message: str | bytes | None = None
        self._opcode = BINARY
        self._payload = b""
        self._frame = b""  # as it is sent where nothing is compressed; empty until it is needed
        self._compressed: dict[tuple[int, int, int], bytes] = {}
        self._sender: Deflate | None = None  # who has sent it last, compressed

    def encode(self, message: str | bytes, deflate: Deflate | None) -> bytes:
        """The frame that ``message`` is sent in.

        Args:
            message: text or binary data.
            deflate: the codec of the WebSocket that it is sent on; None if that has none.

        Raises:
            LocalProtocolError: text that cannot be UTF-8.
        """
        known = self._message
        if message is not known and (
            known is None
            or len(known) != len(message)
            or type(known) is not type(message)
            or known != message
        ):
            self._remember(message)
            again = False
        else:
            again = deflate is not self._sender
        if deflate is None or len(self._payload) < deflate.min_size:
            frame = self._frame
            if not frame:
                frame = encode_frame(self._opcode, self._payload)
                self._keep_frame(frame)
            return frame
        self._sender = deflate
        return self._encode_compressed(deflate, again)

    def _remember(self, message: str | bytes) -> None:
        if isinstance(message, str):
            try:
                self._payload = message.encode()
            except UnicodeEncodeError as error:
                raise LocalProtocolError(f"text that cannot be sent as UTF-8: {error}") from None
            self._opcode = TEXT
        else:
            if type(message) is not bytes:
                message = bytes(message)  # what was given may change
            self._payload = message
            self._opcode = BINARY
        self._frame = b""
        self._sender = None
        if self._compressed:
            self._compressed = {}
        self._message = message if len(message) <= _MAX_REMEMBERED else None

    def _keep_frame(self, frame: bytes) -> None:
        if self._message is not None:
            self._frame = frame
        else:
            self._payload = b""

    def _encode_compressed(self, deflate: Deflate, again: bool) -> bytes:
        if not again:
            payload = deflate.compress(self._payload)
            if self._message is None:
                self._payload = b""
            return encode_frame(self._opcode, payload, compressed=True)
        frame = self._compressed.get(deflate.key)
        if frame is None:
            payload = deflate.compress_alone(self._payload)
            frame = encode_frame(self._opcode, payload, compressed=True)
            self._compressed[deflate.key] = frame
        deflate.forget_context()
        return frame
