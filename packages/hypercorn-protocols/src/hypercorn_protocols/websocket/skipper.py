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

    __slots__ = ("_left", "_rest")

    def __init__(self, left: int) -> None:
        self._left = left
        self._rest = b""  # a part of a frame's head

    def finds_close(self, data: bytes) -> bool:
        """Whether a Close frame begins in what has come."""
        data = self._rest + data
        at, self._left = self._left, 0
        while len(data) - at >= 2:
            if data[at] & 0x0F == CLOSE:
                return True
            size = data[at + 1] & 0x7F
            head = 6 if data[at + 1] & 0x80 else 2
            if size >= 126:
                extended = 2 if size == 126 else 8
                if len(data) - at < 2 + extended:
                    break
                size = int.from_bytes(data[at + 2 : at + 2 + extended], "big")
                head += extended
            at += head + size
        self._left = max(at - len(data), 0)
        self._rest = data[at:]
        return False
