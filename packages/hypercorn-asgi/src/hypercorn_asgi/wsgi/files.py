"""``wsgi.file_wrapper`` of PEP 3333, "Optional Platform-Specific File Handling".

Knows: how to read a file-like object in blocks.
Must not know: who transmits them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

__all__ = ["FileWrapper"]

_MIN_BLOCK_SIZE = 65_536


class Readable(Protocol):
    """A file-like object as PEP 3333 asks for it; it may have a ``close()`` too."""

    def read(self, size: int, /) -> bytes:
        """Return up to *size* bytes, ``b""`` at the end."""
        ...


class FileWrapper:
    """The blocks of *filelike* from its current position on.

    *block_size* is the application's suggestion, which PEP 3333 lets a server overrule:
    blocks are at least 64 KiB, since each one costs a visit to the event loop.
    """

    def __init__(self, filelike: Readable, block_size: int = _MIN_BLOCK_SIZE) -> None:
        self.filelike = filelike
        self.block_size = max(block_size, _MIN_BLOCK_SIZE)

    def __iter__(self) -> Iterator[bytes]:
        while data := self.filelike.read(self.block_size):
            yield data

    def close(self) -> None:
        """Close the file-like object if it can be closed; the runner calls this."""
        close = getattr(self.filelike, "close", None)
        if close is not None:
            close()
