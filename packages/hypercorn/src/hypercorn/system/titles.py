"""Titles: what a process is called in ``ps`` and ``top``.

Knows: the form of a title.
Must not know: which processes there are.
"""

from __future__ import annotations

__all__ = ["set_title"]


def set_title(name: str, role: str, target: str) -> None:
    """Call this process such as ``hypercorn: worker 3 [app:app]``.

    Nothing happens without a name, or where ``setproctitle`` is not installed.
    """
    if not name:
        return
    try:
        from setproctitle import setproctitle
    except ImportError:
        return
    setproctitle(f"{name}: {role} [{target}]")
