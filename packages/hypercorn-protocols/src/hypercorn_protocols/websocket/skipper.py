"""What a peer sends after the end, passed over in search of its Close frame.

Knows: where frames begin and end.
Must not know: whether they are right, or what is in them.
"""

from __future__ import annotations

from hypercorn_protocols.websocket.frames import CLOSE

__all__ = ["FrameSkipper"]


class FrameSkipper:
    """Looks for Close, and keeps nothing.

    Args:
        left: how many bytes of a frame come first.
    """

    __slots__ = ("_in_close", "_left", "_rest")

    def __init__(self, left: int) -> None:
        self._left = left
        self._rest = b""  # a part of a frame's head
        self._in_close = False

    def finds_close(self, data: bytes) -> bool:
        """Whether a Close frame has come: all of it, for the rest should not be left unread."""
        data = self._rest + data
        at = self._left
        while at <= len(data) and not self._in_close:
            size = _frame_size(data, at)
            if not size:
                break
            self._in_close = data[at] & 0x0F == CLOSE
            at += size
        self._left = max(at - len(data), 0)
        self._rest = data[at:]
        return self._in_close and not self._left


def _frame_size(data: bytes, at: int) -> int:
    """The size in bytes of the frame that begins there; 0 if that is not known yet."""
    if len(data) < at + 2:
        return 0
    head = 6 if data[at + 1] & 0x80 else 2
    size = data[at + 1] & 0x7F
    if size < 126:
        return head + size
    extended = 2 if size == 126 else 8
    if len(data) < at + 2 + extended:
        return 0
    return head + extended + int.from_bytes(data[at + 2 : at + 2 + extended], "big")
