"""Processes that were nobody's and came to this one, as they do to the first of a container.

Knows: how to let go of children that have ended, but for those that others wait for.
Must not know: which processes the server has.
"""

from __future__ import annotations

import os
from collections.abc import Collection

__all__ = ["reap"]


def reap(own: Collection[int]) -> None:
    """Let go of children that have ended, unless they are among one's ``own``.

    One of one's own that has ended hides others: they are let go of the next time."""
    if not hasattr(os, "waitid"):
        return
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None or ended.si_pid in own:
            return
        os.waitpid(ended.si_pid, 0)
