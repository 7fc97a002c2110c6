"""Unmasking in Python alone.

Knows: RFC 6455 section 5.3.
Must not know: frames, or what else could do it.
"""

from __future__ import annotations

__all__ = ["apply_mask"]

# For small payloads one large number is faster, for others a table for each byte of the mask.
_SMALL = 256
_TABLES: dict[int, bytes] = {}


def apply_mask(data: bytes | memoryview, mask: bytes) -> bytes:
    """Mask or unmask ``data``, which is the same; ``mask`` has four bytes."""
    size = len(data)
    if size <= _SMALL:
        pattern = (mask * (size // 4 + 1))[:size]
        number = int.from_bytes(data, "little") ^ int.from_bytes(pattern, "little")
        return number.to_bytes(size, "little")
    data = bytes(data)
    unmasked = bytearray(size)
    for offset, key in enumerate(mask):
        unmasked[offset::4] = data[offset::4].translate(_table(key))
    return bytes(unmasked)


def _table(key: int) -> bytes:
    table = _TABLES.get(key)
    if table is None:
        table = _TABLES[key] = bytes(byte ^ key for byte in range(256))
    return table
