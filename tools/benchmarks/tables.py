"""Tables of results, as text for a terminal and as Markdown for a document.

Knows: how a table looks, and how numbers are written in one.
Must not know: what they mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

NOTHING = "-"
"""Stands where there is no number."""


@dataclass
class Table:
    """A title that says what was measured and how, names of columns, and rows of cells.

    The first `labels` columns are text, and the others are numbers.
    """

    title: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    labels: int = 2


def as_text(table: Table) -> str:
    """Lay a table out with spaces."""
    lines = [table.columns, *table.rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    body = ["  ".join(_aligned(line, widths, table.labels)).rstrip() for line in lines]
    return "\n".join([table.title, "", *body])


def as_markdown(table: Table) -> str:
    """Write a table in the syntax of GitHub Flavored Markdown."""
    rules = ["---" if number < table.labels else "---:" for number, _ in enumerate(table.columns)]
    lines = [table.columns, rules, *table.rows]
    return "\n".join([table.title, "", *(f"| {' | '.join(line)} |" for line in lines)])


def show(tables: Sequence[Table], markdown: Path | None = None) -> None:
    """Print tables, and write them into a Markdown file as well if there is one."""
    for table in tables:
        print(f"\n{as_text(table)}", flush=True)
    if markdown is not None:
        markdown.write_text("\n\n".join(map(as_markdown, tables)) + "\n", encoding="utf-8")


def mebibytes(size: float) -> str:
    """Write a number of bytes in MiB."""
    return f"{size / 2**20:,.1f}"


def duration(seconds: float) -> str:
    """Write a time in milliseconds."""
    return f"{seconds * 1e3:,.2f}"


def ratio(value: float, baseline: float) -> str:
    """Write one number as a multiple of another."""
    return f"{value / baseline:.2f}" if baseline else NOTHING


def _aligned(line: Sequence[str], widths: Sequence[int], labels: int) -> list[str]:
    return [
        cell.ljust(width) if number < labels else cell.rjust(width)
        for number, (cell, width) in enumerate(zip(line, widths, strict=True))
    ]
