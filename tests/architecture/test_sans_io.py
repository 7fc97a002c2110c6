"""The protocols wait for nothing and read no clock: bytes, events and ``now`` are arguments."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import label, modules, tree

ASYNC = (ast.AsyncFor, ast.AsyncFunctionDef, ast.AsyncWith, ast.Await)
CLOCK_MODULES = {"datetime", "time"}
# email.utils.formatdate() and its like read the clock when they are called without a time.
CLOCK_CALLS = {
    "formatdate",
    "localtime",
    "monotonic",
    "monotonic_ns",
    "now",
    "perf_counter",
    "process_time",
    "time",
    "time_ns",
    "today",
    "utcnow",
}


@pytest.mark.parametrize("path", modules("hypercorn_protocols"), ids=label)
def test_protocols_have_no_async_syntax(path: Path) -> None:
    assert [ast.dump(node) for node in ast.walk(tree(path)) if _is_async(node)] == []


@pytest.mark.parametrize("path", modules("hypercorn_protocols"), ids=label)
def test_protocols_read_no_clock(path: Path) -> None:
    assert list(_clock_readings(tree(path))) == []


def test_what_is_looked_for_is_found() -> None:
    code = ast.parse("import time\nfrom datetime import datetime\nx.now()\n[y async for y in z]")

    assert list(_clock_readings(code)) == ["line 1: time", "line 2: datetime", "line 3: now()"]
    assert any(_is_async(node) for node in ast.walk(code))


def _is_async(node: ast.AST) -> bool:
    return isinstance(node, ASYNC) or (isinstance(node, ast.comprehension) and bool(node.is_async))


def _clock_readings(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name in CLOCK_MODULES]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module] if node.module in CLOCK_MODULES else []
        elif isinstance(node, ast.Call) and isinstance(node.func, (ast.Attribute, ast.Name)):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            names = [f"{called}()"] if called in CLOCK_CALLS else []
        else:
            continue
        yield from (f"line {node.lineno}: {name}" for name in names)
