"""Interpreters are found by asking them, and hatch is pointed at the ones that answered."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from development.interpreters import Interpreter, discover, identify, search_path

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


def program(path: Path, script: str) -> Path:
    """Write an executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_the_running_interpreter_is_found_without_a_search_path(tmp_path: Path) -> None:
    (found,) = discover({"PATH": "", "PYENV_ROOT": str(tmp_path)})

    assert found.name == RUNNING
    assert found.version == sys.version_info[:3]


def test_a_shim_of_a_version_that_is_not_installed_is_passed_over(tmp_path: Path) -> None:
    shim = program(tmp_path / "python3.10", "echo 'not installed' >&2; exit 127")

    assert identify(shim) is None
    names = [python.name for python in discover({"PATH": str(tmp_path), "PYENV_ROOT": "nowhere"})]
    assert names == [RUNNING]


def test_pyenv_versions_are_found_and_the_newest_release_wins(tmp_path: Path) -> None:
    for release in (1, 900):
        folder = tmp_path / "versions" / str(release) / "bin"
        program(folder / "python3.10", f"echo cpython 0 3 10 {release} {folder / 'python3.10'}")

    found = discover({"PATH": "", "PYENV_ROOT": str(tmp_path)})

    assert Interpreter((3, 10, 900), tmp_path / "versions/900/bin/python3.10") in found
    assert [python.name for python in found].count("3.10") == 1


def test_other_implementations_and_free_threaded_builds_are_passed_over(tmp_path: Path) -> None:
    assert identify(program(tmp_path / "a", "echo pypy 0 3 11 9 /a")) is None
    assert identify(program(tmp_path / "b", "echo cpython 1 3 13 0 /b")) is None
    assert identify(program(tmp_path / "c", "echo cpython 0 3 13 0 '/with space/c'")) == (
        Interpreter((3, 13, 0), Path("/with space/c"))
    )


def test_real_folders_come_before_the_shims() -> None:
    pythons = [
        Interpreter((3, 10, 1), Path("/a/python3.10")),
        Interpreter((3, 11, 1), Path("/b/p")),
    ]

    assert search_path(pythons, os.pathsep.join(["/shims", "/b"])).split(os.pathsep) == [
        "/a",
        "/b",
        "/shims",
    ]
