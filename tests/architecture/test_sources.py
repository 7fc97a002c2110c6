"""Rules that every file of the repository keeps."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, label, python_files, text_files, tree

LONGEST_FUNCTION = 60
LONGEST_MODULE = 700

# Spelt so that this file does not mention them either.
UNFINISHED = ("TO" + "DO", "FIX" + "ME", "X" * 3)

FORBIDDEN = {
    "a path of somebody's machine": re.compile(r"(?<![\w.)\]}])/(?:home|root|work|Users)/"),
    "the address of a package index": re.compile(r"https?://[^\s/]+(?:/[^\s/]+)*/simple\b"),
    "unfinished work": re.compile(rf"\b(?:{'|'.join(UNFINISHED)})\b"),
}


@pytest.mark.parametrize("path", python_files(), ids=label)
def test_module_opens_with_a_docstring(path: Path) -> None:
    assert ast.get_docstring(tree(path))


@pytest.mark.parametrize("path", python_files(), ids=label)
def test_functions_and_modules_stay_short(path: Path) -> None:
    module = tree(path)
    functions = [
        node
        for node in ast.walk(module)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    long = [node.name for node in functions if _lines(node) > LONGEST_FUNCTION]

    assert long == []
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE


def test_every_distribution_has_the_license() -> None:
    """Copies, since links do not survive in a source distribution."""
    texts = [path.read_text() for path in sorted(ROOT.glob("packages/*/LICENSE"))]

    assert texts == [(ROOT / "LICENSE").read_text()] * 4


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_mentions(what: str) -> None:
    pattern = FORBIDDEN[what]
    mentions = [
        f"{label(path)}:{number}: {line.strip()}"
        for path in text_files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]

    assert mentions == []


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count a function's lines as a reader does, its docstring apart."""
    docstring = node.body[0] if ast.get_docstring(node) else None
    prose = (
        docstring.end_lineno - docstring.lineno + 1 if docstring and docstring.end_lineno else 0
    )
    return (node.end_lineno or node.lineno) - node.lineno + 1 - prose
