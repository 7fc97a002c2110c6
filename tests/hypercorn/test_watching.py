"""Watching files: what is noticed, and what is not."""

from __future__ import annotations

import contextlib
import os
import py_compile
from collections.abc import Callable, Iterator
from multiprocessing import connection
from pathlib import Path

import pytest
from watchfiles import Change

from hypercorn.errors import ConfigError
from hypercorn.watching import FileWatcher, describe, forget_bytecode

PATIENCE = 60

Watch = Callable[..., FileWatcher]


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    """Give a way to watch, from within the folder of the test."""
    monkeypatch.chdir(tmp_path)
    watchers: list[FileWatcher] = []

    def start(
        *paths: str, include: tuple[str, ...] = ("*.py",), exclude: tuple[str, ...] = ()
    ) -> FileWatcher:
        watchers.append(FileWatcher(paths or (".",), include, exclude))
        watchers[-1].start()
        return watchers[-1]

    yield start
    for watcher in watchers:
        watcher.close()


def noticed(watcher: FileWatcher, last: str) -> list[str]:
    """All that is noticed up to this one."""
    found: list[str] = []
    while last not in found:
        assert connection.wait([watcher.fileno()], PATIENCE), f"only {found}"
        found += watcher.take()
    return sorted(set(found))


def test_new_changed_and_removed_files(watch: Watch, tmp_path: Path) -> None:
    (tmp_path / "changed.py").touch()
    (tmp_path / "removed.py").touch()
    (tmp_path / "package").mkdir()
    watcher = watch()
    (tmp_path / "changed.py").write_text("x = 1")
    assert noticed(watcher, "changed.py") == ["changed.py"]
    (tmp_path / "package" / "new.py").touch()
    assert noticed(watcher, "package/new.py") == ["package/new.py"]
    (tmp_path / "removed.py").unlink()
    assert noticed(watcher, "removed.py") == ["removed.py"]
    assert watcher.take() == []


def test_files_that_are_put_in_anothers_place(watch: Watch, tmp_path: Path) -> None:
    """As editors save."""
    (tmp_path / "app.py").touch()
    watcher = watch()
    (tmp_path / "app.py.tmp").write_text("x = 1")
    os.replace(tmp_path / "app.py.tmp", tmp_path / "app.py")
    assert noticed(watcher, "app.py") == ["app.py"]


def test_what_is_left_out_is_not_noticed(watch: Watch, tmp_path: Path) -> None:
    for folder in ("__pycache__", ".git", ".venv", "node_modules", "generated", "tests"):
        (tmp_path / folder).mkdir()
    watcher = watch(exclude=("generated", "tests/*", "*_test.py"))
    for folder in ("__pycache__", ".git", ".venv", "node_modules", "generated", "tests"):
        (tmp_path / folder / "a.py").touch()
    for name in ("a_test.py", "a.txt", ".a.py.swp", "a.py~", "a.pyc"):
        (tmp_path / name).touch()
    (tmp_path / "last.py").touch()
    assert noticed(watcher, "last.py") == ["last.py"]


def test_other_files_than_pythons(watch: Watch, tmp_path: Path) -> None:
    (tmp_path / "templates" / "deep").mkdir(parents=True)
    watcher = watch(include=("templates/**/*.html", "*.toml"))
    (tmp_path / "a.py").touch()
    (tmp_path / "a.html").touch()
    (tmp_path / "templates" / "b.html").touch()
    (tmp_path / "templates" / "deep" / "c.html").touch()
    (tmp_path / "last.toml").touch()
    assert noticed(watcher, "last.toml") == [
        "last.toml",
        "templates/b.html",
        "templates/deep/c.html",
    ]


def test_a_file_by_its_name(watch: Watch, tmp_path: Path) -> None:
    (tmp_path / "settings").touch()
    (tmp_path / "source").mkdir()
    watcher = watch("settings", "source")
    (tmp_path / "other.py").touch()
    (tmp_path / "settings").write_text("changed")
    assert noticed(watcher, "settings") == ["settings"]
    (tmp_path / "source" / "a.py").touch()
    assert noticed(watcher, "source/a.py") == ["source/a.py"]


def test_folders_elsewhere(watch: Watch, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("elsewhere").resolve()
    watcher = watch(str(folder))
    (folder / "a.py").touch()
    assert noticed(watcher, str(folder / "a.py")) == [str(folder / "a.py")]


def test_folder_below_one_that_is_never_watched(watch: Watch, tmp_path: Path) -> None:
    """A project may be anywhere: only what is below it is judged."""
    folder = tmp_path / "node_modules" / "project"
    folder.mkdir(parents=True)
    watcher = watch(str(folder))
    (folder / "a.py").touch()
    assert noticed(watcher, "node_modules/project/a.py")


def test_what_matters_can_be_asked(watch: Watch, tmp_path: Path) -> None:
    watcher = watch(exclude=("b.py",))
    assert watcher.matters(Change.modified, str(tmp_path / "a.py"))
    assert not watcher.matters(Change.modified, str(tmp_path / "b.py"))
    assert not watcher.matters(Change.modified, "/nowhere/a.py")


def test_folder_within_a_folder_is_judged_by_itself(watch: Watch, tmp_path: Path) -> None:
    library = tmp_path / ".venv" / "library"
    library.mkdir(parents=True)
    watcher = watch(".", str(library))
    (library / "a.py").touch()
    assert noticed(watcher, ".venv/library/a.py") == [".venv/library/a.py"]


@pytest.mark.parametrize("pattern", ["build", "build/", "./build"])
def test_ways_to_name_a_folder(watch: Watch, tmp_path: Path, pattern: str) -> None:
    watcher = watch(exclude=(pattern,))
    assert not watcher.matters(Change.modified, str(tmp_path / "build" / "a.py"))
    assert watcher.matters(Change.modified, str(tmp_path / "a.py"))


def test_folder_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match=r"reload_dirs = \['\.', 'no/where'\]: there is no"):
        FileWatcher([".", "no/where"], ["*"], [])


def test_folder_that_cannot_be_watched(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    watcher = FileWatcher([str(tmp_path / "gone")], ["*"], [])
    (tmp_path / "gone").rmdir()
    with (
        contextlib.closing(watcher),
        pytest.raises(ConfigError, match=r"reload_dirs = \['.*gone'\]: cannot be watched: "),
    ):
        watcher.start()


def test_watching_that_ends(watch: Watch) -> None:
    watcher = watch()
    problem = OSError("the limit has been reached")
    watcher.failed(problem)
    assert connection.wait([watcher.fileno()], PATIENCE)
    assert watcher.take() == []
    assert watcher.take_problem() is problem
    assert watcher.take_problem() is None


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        (["a.py"], "a.py has changed"),
        (["a.py", "b.py"], "a.py and 1 other have changed"),
        (["a.py", "b.py", "c.py"], "a.py and 2 others have changed"),
    ],
)
def test_description(changed: list[str], text: str) -> None:
    assert describe(changed) == text


def test_bytecode_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what replaces it within a second is not taken for it."""
    monkeypatch.chdir(tmp_path)
    for name in ("changed.py", "other.py"):
        Path(name).write_text("")
        py_compile.compile(name)
    Path("text.py.txt").write_text("")
    forget_bytecode(["changed.py", "removed.py", "text.py.txt"])
    (left,) = (tmp_path / "__pycache__").iterdir()
    assert left.name.startswith("other.")
