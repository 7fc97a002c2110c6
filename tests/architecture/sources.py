"""The source files of the repository, for tests that read code instead of running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("hypercorn_protocols", "hypercorn_asgi", "hypercorn_workers", "hypercorn")

# Made by tools and ignored by git.
_GENERATED = {"dist", "htmlcov"}
_BINARY = {".png", ".ico", ".gz", ".der"}


def package_root(package: str) -> Path:
    """Give the folder whose children are the modules of one of our packages."""
    return ROOT / "packages" / package.replace("_", "-") / "src" / package


def modules(package: str) -> list[Path]:
    """Give the files of all modules of one of our packages."""
    return sorted(package_root(package).rglob("*.py"))


def module_name(path: Path) -> str:
    """Give the name under which a file of ``packages/*/src`` is imported."""
    parts = path.with_suffix("").parts
    dotted = parts[parts.index("src") + 1 :]
    return ".".join(dotted[:-1] if dotted[-1] == "__init__" else dotted)


def python_files() -> list[Path]:
    """Give every Python file that is not a test."""
    folders = ("packages", "tools", "examples")
    return [path for path in text_files() if path.suffix == ".py" and _top(path) in folders]


def text_files() -> list[Path]:
    """Give every file that people wrote, as far as it is text."""
    return [path for path in _walk(ROOT) if path.suffix not in _BINARY]


def tree(path: Path) -> ast.Module:
    """Parse a file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def label(path: Path) -> str:
    """Name a file in a test's identifier, the same on every platform."""
    return path.relative_to(ROOT).as_posix()


def _top(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


def _walk(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder; dotted folders but ``.ci`` belong to tools."""
    for path in sorted(folder.iterdir()):
        if path.is_file():
            yield path
        elif path.name not in _GENERATED | {"__pycache__"} and not _belongs_to_a_tool(path):
            yield from _walk(path)


def _belongs_to_a_tool(folder: Path) -> bool:
    return folder.name.startswith(".") and folder.name not in {".ci", ".github"}
