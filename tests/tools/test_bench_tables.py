"""Tables line up in a terminal and are valid Markdown; numbers are written the same everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import tables
from benchmarks.tables import Table


def example() -> Table:
    """Make a table with two columns of text and two of numbers."""
    table = Table("What was measured", ("server", "version", "req/s", "errors"))
    table.rows += [("a", "1.0", "12,345", "0"), ("longer name", "10.0.1a1", "9", "100")]
    return table


def test_text_is_aligned_by_kind() -> None:
    assert tables.as_text(example()).splitlines() == [
        "What was measured",
        "",
        "server       version    req/s  errors",
        "a            1.0       12,345       0",
        "longer name  10.0.1a1       9     100",
    ]


def test_markdown_aligns_numbers_to_the_right() -> None:
    assert tables.as_markdown(example()).splitlines() == [
        "What was measured",
        "",
        "| server | version | req/s | errors |",
        "| --- | --- | ---: | ---: |",
        "| a | 1.0 | 12,345 | 0 |",
        "| longer name | 10.0.1a1 | 9 | 100 |",
    ]


def test_all_tables_go_into_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tables.show([example(), example()], tmp_path / "tables.md")

    text = (tmp_path / "tables.md").read_text(encoding="utf-8")
    assert text == f"{tables.as_markdown(example())}\n\n{tables.as_markdown(example())}\n"
    assert capsys.readouterr().out.count(tables.as_text(example())) == 2


def test_numbers() -> None:
    assert tables.mebibytes(1536 * 2**20) == "1,536.0"
    assert tables.duration(0.012345) == "12.35"
    assert tables.ratio(3.0, 4.0) == "0.75"
