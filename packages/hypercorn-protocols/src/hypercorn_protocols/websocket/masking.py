"""Unmasking what clients send (RFC 6455 section 5.3).

Knows: the fastest way there is: in C where the library ``websockets`` is installed, else with the
translation of bytes that Python has built in.
Must not know: frames.
"""

from __future__ import annotations

__all__ = ["apply_mask"]

try:
    from websockets.speedups import apply_mask
except ImportError:
    from hypercorn_protocols.websocket._masking import (  # type: ignore[assignment] # bytes do
        apply_mask,
    )
