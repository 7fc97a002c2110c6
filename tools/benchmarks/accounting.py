"""What a server takes of the machine: CPU time and memory of a process and all below it.

Knows: the files in ``/proc`` (proc(5)).
Must not know: which server it is, or what it is asked.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")
# proc(5): writing this to clear_refs sets VmHWM back to what is resident now.
_RESET_PEAK = "5"


@dataclass(frozen=True)
class Process:
    """One process at one moment."""

    pid: int
    parent: int
    cpu: float
    """Seconds, user and system, of all threads and of the children that it has waited for."""
    resident: int
    """Bytes."""


def parse_stat(text: str) -> Process:
    """Read the contents of ``/proc/PID/stat``."""
    # The program's name is in parentheses, and may hold spaces and parentheses itself.
    before, _, after = text.rpartition(")")
    fields = after.split()
    ticks = sum(int(field) for field in fields[11:15])
    return Process(
        pid=int(before.split("(", 1)[0]),
        parent=int(fields[1]),
        cpu=ticks / _TICKS_PER_SECOND,
        resident=int(fields[21]) * _PAGE_SIZE,
    )


def parse_peak(text: str) -> int:
    """Read the most bytes ever resident, VmHWM, from the contents of ``/proc/PID/status``."""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name == "VmHWM":
            return int(value.split()[0]) * 1024
    return 0  # it is a zombie, which has no memory


def descendants(root: int, processes: Mapping[int, Process]) -> Iterator[Process]:
    """Yield a process, if it is there, its children, their children and so on."""
    children: dict[int, list[int]] = {}
    for process in processes.values():
        children.setdefault(process.parent, []).append(process.pid)
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        waiting += children.get(pid, [])
        if pid in processes:
            yield processes[pid]


def tree(root: int) -> list[Process]:
    """Take stock of a process and all below it."""
    running = {process.pid: process for process in _processes()}
    return list(descendants(root, running))


def cpu_seconds(processes: Iterable[Process]) -> float:
    """Sum up the CPU time. The difference of two moments holds also if a child ended between."""
    return sum(process.cpu for process in processes)


def resident_bytes(processes: Iterable[Process]) -> int:
    """Sum up the memory; what processes share counts for each of them."""
    return sum(process.resident for process in processes)


def reset_peak(root: int) -> None:
    """Begin to look for the most memory of a tree."""
    for process in tree(root):
        (PROC / str(process.pid) / "clear_refs").write_text(_RESET_PEAK)


def peak_bytes(root: int) -> int:
    """Sum up the most memory that each process of a tree had since `reset_peak`."""
    return sum(
        parse_peak((PROC / str(process.pid) / "status").read_text()) for process in tree(root)
    )


def _processes() -> Iterator[Process]:
    for folder in PROC.iterdir():
        if folder.name.isdecimal():
            try:
                yield parse_stat((folder / "stat").read_text())
            except (FileNotFoundError, ProcessLookupError):
                pass  # it has ended since the folder was listed
