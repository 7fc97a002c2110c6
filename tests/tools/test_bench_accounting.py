"""CPU time and memory are those of a server's whole process tree, and of nothing else."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from benchmarks import accounting
from benchmarks.accounting import Process

TICK = 1 / os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")

# Each line of input makes the process end its child, the innermost first.
BURN = """
import subprocess, sys, time
depth, code = int(sys.argv[1]), sys.argv[2]
child = None
if depth:
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(depth - 1), code],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )
    child.stdout.readline()
while time.process_time() < 0.1:
    pass
print("burnt", flush=True)
sys.stdin.readline()
if child:
    child.communicate("end\\n")
print("ended", flush=True)
sys.stdin.readline()
"""


def stat(pid: int, parent: int, name: str = "python") -> str:
    """Write what the kernel does in /proc/PID/stat."""
    before = f"{pid} ({name}) S {parent} {pid} {pid} 0 -1 4194304 1 2 3 4"
    times = "100 20 3 4"  # utime stime cutime cstime, in ticks
    return f"{before} {times} 20 0 5 0 12345 1000000 77 18446744073709551615 1 1\n"


@pytest.mark.parametrize("name", ["python", "a b", "x) S 1 (y", "((", "))"])
def test_a_process_is_read_whatever_its_name(name: str) -> None:
    process = accounting.parse_stat(stat(42, 7, name))

    assert process == Process(42, 7, process.cpu, resident=77 * PAGE)
    assert process.cpu == pytest.approx(127 * TICK)


def test_peak_is_read_in_bytes() -> None:
    status = "Name:\tpython\nVmPeak:\t  90000 kB\nVmHWM:\t   34567 kB\nVmRSS:\t   12345 kB\n"

    assert accounting.parse_peak(status) == 34567 * 1024
    assert accounting.parse_peak("Name:\tpython\nState:\tZ (zombie)\n") == 0


def test_a_tree_is_a_process_and_all_below_it() -> None:
    parents = {1: 0, 10: 1, 11: 10, 12: 10, 13: 11, 20: 1, 21: 20}
    processes = {pid: Process(pid, parent, 1.0, pid) for pid, parent in parents.items()}

    found = list(accounting.descendants(10, processes))

    assert {process.pid for process in found} == {10, 11, 12, 13}
    assert accounting.cpu_seconds(found) == 4.0
    assert accounting.resident_bytes(found) == 10 + 11 + 12 + 13
    assert list(accounting.descendants(99, processes)) == []


if sys.platform == "linux":

    def test_children_count_while_they_run_and_when_they_have_ended() -> None:
        command = [sys.executable, "-c", BURN, "2", BURN]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as root:
            assert root.stdin is not None
            assert root.stdout is not None
            assert root.stdout.readline() == "burnt\n"
            running = accounting.tree(root.pid)
            root.stdin.write("end\n")
            root.stdin.flush()
            assert root.stdout.readline() == "ended\n"
            alone = accounting.tree(root.pid)
            accounting.reset_peak(root.pid)
            peak = accounting.peak_bytes(root.pid)

        assert len(running) == 3
        assert accounting.cpu_seconds(running) >= 3 * (0.1 - 2 * TICK)
        assert accounting.resident_bytes(running) > accounting.resident_bytes(alone) > 0
        assert [process.pid for process in alone] == [root.pid]
        assert accounting.cpu_seconds(alone) >= accounting.cpu_seconds(running)
        assert peak > 0
        assert accounting.tree(root.pid) == []
