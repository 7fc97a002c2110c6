"""How much memory a worker uses.

Knows: where the system says so.
Must not know: how much is too much.
"""

from __future__ import annotations

import psutil

__all__ = ["resident_set_size"]


def resident_set_size(pid: int | None) -> int:
    """The resident set size of a process in bytes; 0 if it has ended or may not be asked."""
    try:
        return int(psutil.Process(pid).memory_info().rss) if pid is not None else 0
    except psutil.Error:
        return 0
