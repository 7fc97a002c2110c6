"""Processes that came to the first one of a container."""

from __future__ import annotations

import os
import select
import sys

from hypercorn.supervision import orphans


def forked() -> int:
    """The id of a child that has ended."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os._exit(3)
    os.close(writer)
    select.select([reader], [], [], 30)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    os.close(reader)
    return pid


def is_child(pid: int) -> bool:
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def test_strangers_are_let_go_and_ones_own_are_not() -> None:
    program = f"""
import sys
sys.path[:0] = {sys.path!r}
from tests.hypercorn.supervision.test_orphans import forked, is_child
from hypercorn.supervision.orphans import reap
import os

strangers = [forked() for _ in range(3)]
reap(())
assert not any(map(is_child, strangers))
own = forked()
reap({{own}})
assert os.waitpid(own, 0)[1] == 3 << 8
reap(())
"""
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", program]) == 0


def test_nothing_to_do() -> None:
    orphans.reap(())
