"""What is made of rounds: medians, and ratios that a machine changing its pace does not change."""

from __future__ import annotations

import pytest

from benchmarks import http1
from benchmarks.http1 import Round


def rounds(*cpu: float) -> list[Round]:
    """Make rounds of which nothing but the CPU time differs."""
    return [Round(1000.0, each, 0.001, 0.002, 2**20, 0) for each in cpu]


def test_median_is_that_of_each_figure() -> None:
    results = [
        Round(100.0, 3.0, 0.1, 0.9, 10, 0),
        Round(300.0, 1.0, 0.3, 0.7, 30, 2),
        Round(200.0, 2.0, 0.2, 0.8, 20, 1),
    ]

    figures = ("requests_per_second", "cpu", "p50", "p99", "resident")
    assert [http1.median(results, name) for name in figures] == [200.0, 2.0, 0.2, 0.8, 20]


def test_median_of_an_even_number_of_rounds() -> None:
    assert http1.median(rounds(1.0, 4.0, 2.0, 100.0), "cpu") == 3.0


def test_ratios_are_taken_within_a_round() -> None:
    """A machine that is three times slower in one round is so for both servers."""
    ours, theirs = rounds(5.0, 15.0, 5.5), rounds(10.0, 30.0, 10.0)

    assert http1.ratio(ours, theirs, "cpu") == pytest.approx(0.5)
    assert http1.ratio(theirs, theirs, "cpu") == 1.0


def test_others_are_compared_to_uvicorn_or_else_to_the_first() -> None:
    assert http1.baseline(["hypercorn (uvloop)", "uvicorn", "granian"]) == 1
    assert http1.baseline(["hypercorn (uvloop)", "granian"]) == 0
