"""Watching files, for reloading.

Knows: which changes matter, and how one is waited for together with other things.
Must not know: what is done about it.

The system tells of changes (inotify and its kin, through watchfiles), in a thread.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import socket
import threading
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

from watchfiles import Change, DefaultFilter, watch

from .errors import ConfigError

__all__ = ["FileWatcher", "describe", "forget_bytecode"]

DEBOUNCE = 100
STEP = 20
"""Milliseconds: what changes within a step of another change belongs to it, up to so many."""


class FileWatcher:
    """Waits for changes of files, from :meth:`start` to :meth:`close`.

    A name or a path within its folder has to match a pattern of ``include`` and none of
    ``exclude``, nor may a folder above it. ``*`` stands for anything, ``**/`` for any folders or
    none. What no one edits (caches, virtual environments, version control, editors' temporary
    files) is never looked at. Files that ``paths`` names count whatever they are called.

    Raises ConfigError for a path that does not exist.
    """

    def __init__(
        self, paths: Sequence[str], include: Sequence[str], exclude: Sequence[str]
    ) -> None:
        for path in paths:
            if not os.path.exists(path):
                raise ConfigError(
                    f"reload_dirs = {list(paths)!r}: there is no folder {path!r}; "
                    "leave it out or correct it"
                )
        found = [Path(path).resolve() for path in paths]
        self._folders = [path for path in found if path.is_dir()]
        self._files = {path for path in found if not path.is_dir()}
        self._include = include
        self._exclude = exclude
        self._unedited = DefaultFilter()
        self._paths = list(paths)
        self._changed: set[str] = set()
        self._problem: Exception | None = None
        self._lock = threading.Lock()
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._threads: list[_WatchThread] = []

    def start(self) -> None:
        """Begin; returns when no change will go unnoticed.

        Raises ConfigError if the system does not let it."""
        if self._folders:
            self._threads.append(_WatchThread(self, self._folders, recursive=True))
        if self._files:
            # Not the files themselves: editors put another one in a file's place.
            parents = sorted({path.parent for path in self._files})
            self._threads.append(_WatchThread(self, parents, recursive=False))
        for thread in self._threads:
            thread.start()
        for thread in self._threads:
            thread.watching.wait()
        problem = self.take_problem()
        if problem is not None:
            raise ConfigError(
                f"reload_dirs = {self._paths!r}: cannot be watched: {problem}; "
                "leave out what is large, or raise the system's limit"
            )

    def fileno(self) -> int:
        """Readable when something has changed."""
        return self._reader.fileno()

    def take(self) -> list[str]:
        """What has changed since the last call, from the current folder where it is in it."""
        with self._lock, contextlib.suppress(BlockingIOError):
            while self._reader.recv(4096):
                pass
        with self._lock:
            changed, self._changed = self._changed, set()
        return sorted(map(_shown, changed))

    def take_problem(self) -> Exception | None:
        """Why changes are not noticed any more, told once; None as long as they are."""
        with self._lock:
            problem, self._problem = self._problem, None
        return problem

    def close(self) -> None:
        """Watch no more."""
        for thread in self._threads:
            thread.stop()
        self._reader.close()
        self._writer.close()

    def matters(self, change: Change, path: str) -> bool:
        """Whether somebody wants to know of it."""
        changed = Path(path)
        if changed in self._files:
            return True
        return any(
            self._is_watched(change, changed.relative_to(folder))
            for folder in self._folders
            if changed.is_relative_to(folder)
        )

    def _is_watched(self, change: Change, path: PurePath) -> bool:
        return (
            self._unedited(change, str(path))
            and _matches(path, self._include)
            and not any(
                _matches(each, self._exclude) for each in (path, *path.parents) if each.name
            )
        )

    def noticed(self, paths: set[str]) -> None:
        """These have changed; called by the threads."""
        with self._lock:
            self._changed |= paths
            self._wake()

    def failed(self, problem: Exception) -> None:
        """A thread has to give up; called by that."""
        with self._lock:
            self._problem = problem
            self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._writer.send(b"!")


class _WatchThread(threading.Thread):
    """Asks the system, and is asked by it now and then whether to stop."""

    def __init__(self, watcher: FileWatcher, paths: Sequence[Path], *, recursive: bool) -> None:
        super().__init__(name="file watcher", daemon=True)
        self.watching = threading.Event()
        self._watcher = watcher
        self._paths = paths
        self._recursive = recursive
        self._stopped = False

    def run(self) -> None:
        """Report changes until stopped."""
        try:
            for changes in watch(
                *self._paths,
                watch_filter=self._watcher.matters,
                debounce=DEBOUNCE,
                step=STEP,
                stop_event=self,
                recursive=self._recursive,
            ):
                self._watcher.noticed({path for _, path in changes})
        except Exception as problem:  # such as more folders than the system can watch
            self._watcher.failed(problem)
        finally:
            self.watching.set()

    def is_set(self) -> bool:
        """What watchfiles asks once it watches, and from then on at each step."""
        self.watching.set()
        return self._stopped

    def stop(self) -> None:
        """Have the thread end, and wait for that."""
        self._stopped = True
        if self.is_alive():
            self.join()


def forget_bytecode(changed: Iterable[str]) -> None:
    """Have Python compile these files anew when they are imported.

    It takes a source of the same size that was changed within the same second for the one that it
    has compiled before, and what is saved twice in a second is served as it was at first."""
    for path in changed:
        if path.endswith(".py"):
            with contextlib.suppress(OSError):
                os.unlink(importlib.util.cache_from_source(path))


def describe(changed: Sequence[str]) -> str:
    """What has changed, in words."""
    others = len(changed) - 1
    if others == 0:
        return f"{changed[0]} has changed"
    return f"{changed[0]} and {others} other{'s' if others > 1 else ''} have changed"


def _matches(path: PurePath, patterns: Sequence[str]) -> bool:
    texts = (path.name, path.as_posix())
    return any(
        fnmatchcase(text, variant)
        for pattern in map(_from_folder, patterns)
        for variant in (pattern, pattern.replace("**/", ""))
        for text in texts
    )


def _from_folder(pattern: str) -> str:
    """As paths within a folder are written: people write folders with a slash, too."""
    return pattern.removeprefix("./").rstrip("/")


def _shown(path: str) -> str:
    with contextlib.suppress(ValueError):
        return str(Path(path).relative_to(Path.cwd()))
    return path
