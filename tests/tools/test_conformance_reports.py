"""What wstest reports is read, counted and shown; `recorded` has reports of several servers."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from suites import page, records, reports, summaries
from suites.records import Run
from suites.reports import Case

RECORDED = Path(__file__).with_name("recorded") / "autobahn"


def example(**changes: object) -> Run:
    """Make a run of the recorded cases."""
    run = Run(
        engine="builtin",
        worker_class="uvloop",
        is_tls=False,
        is_quick=True,
        version="1.0",
        python="3.13.0",
        libraries={"websockets": "17.4"},
        date="2026-11-22T21:00+00:00",
        cases=reports.read(RECORDED),
    )
    return replace(run, **changes)  # type: ignore[arg-type]


def good(number: str) -> Case:
    """Make a case that is passed."""
    return Case(number, "Send something", "OK", "OK", has_close=True)


def test_cases_are_in_the_order_of_their_numbers() -> None:
    numbers = [case.number for case in reports.read(RECORDED)]

    assert numbers == ["1.1.1", "3.2", "7.1.5", "7.3.2", "7.13.1"]


def test_what_is_known_of_a_case() -> None:
    passed, dropped, left, failed, open_to_all = reports.read(RECORDED)

    assert passed.is_ok
    assert dropped == Case(
        number="3.2",
        description="Send small text message, then send again with RSV = 2, then send Ping.",
        behavior="NON-STRICT",
        closing="OK",
        has_close=False,
    )
    assert [case.is_failed for case in (passed, dropped, left, open_to_all)] == [False] * 4
    assert failed.is_failed
    assert not any(case.is_ok for case in (dropped, left, failed, open_to_all))


@pytest.mark.parametrize(
    ("closing", "is_failed"),
    [("UNCLEAN", True), ("WRONG CODE", True), ("FAILED", True), ("FAILED BY CLIENT", False)],
)
def test_how_it_closed_can_fail_a_case(closing: str, is_failed: bool) -> None:
    assert replace(good("1.1.1"), closing=closing).is_failed == is_failed


def test_every_way_of_not_being_ok_is_told() -> None:
    told = [summaries.verdict(case) for case in reports.read(RECORDED)]

    assert told == [
        "OK",
        "NON-STRICT, no Close frame",
        "OK, close FAILED BY CLIENT",
        "FAILED, close WRONG CODE",
        "INFORMATIONAL",
    ]


def test_every_case_is_counted_once() -> None:
    table = summaries.counts("", ("engine",), [(("builtin",), example())])

    columns = ["cases", "OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED", "FAILED"]
    assert table.columns == ("engine", *columns, "bad closes", "no Close frame")
    assert table.rows == [("builtin", "5", "2", "1", "1", "0", "1", "2", "1")]


def test_payloads_need_not_be_utf_8(tmp_path: Path) -> None:
    shutil.copytree(RECORDED, tmp_path, dirs_exist_ok=True)
    report = tmp_path / "server_case_1_1_1.json"
    report.write_bytes(report.read_bytes().replace(b'"agent": "', b'"agent": "\xff'))

    assert reports.read(tmp_path)[0].is_ok


def test_something_else_is_not_taken_for_reports(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text(json.dumps({"server": {"1.1.1": {}}}))

    with pytest.raises(ValueError, match="something else than reports"):
        reports.read(tmp_path)


def test_a_run_takes_the_place_of_the_last_one_of_its_kind(tmp_path: Path) -> None:
    records.keep(example(), tmp_path)
    records.keep(example(version="1.1"), tmp_path)
    records.keep(example(is_tls=True), tmp_path)

    assert records.kept(tmp_path) == [example(is_tls=True), example(version="1.1")]


@pytest.mark.parametrize(("date", "count"), [("2026-11-21T21:00", 1), ("2026-11-23T21:00", 2)])
def test_a_quick_run_is_shown_beside_an_older_whole_one(
    date: str, count: int, tmp_path: Path
) -> None:
    records.keep(example(is_quick=False), tmp_path)
    records.keep(example(date=date), tmp_path)

    assert len(records.kept(tmp_path)) == count


def test_the_page_names_cases_once_and_where_they_are_not_ok() -> None:
    fixed = [good(case.number) if case.number == "7.3.2" else case for case in example().cases]
    text = page.text([example(), example(is_tls=True, cases=fixed)])

    assert "| builtin | uvloop | clear | 2026-11-22 | 5 | 2 |" in text
    assert "| builtin | uvloop | TLS | 2026-11-22 | 5 | 3 |" in text
    assert text.count("| 3.2 | NON-STRICT, no Close frame | all |") == 1
    assert "| 7.3.2 | FAILED, close WRONG CODE | builtin uvloop clear |" in text
    assert "| 1.1.1 |" not in text
    assert "* hypercorn 1.0, Python 3.13.0, websockets 17.4: all" in text


def test_what_most_people_use_comes_first_on_the_page() -> None:
    text = page.text(
        [
            example(engine="wsproto"),
            example(worker_class="trio"),
            example(is_tls=True),
            example(),
        ]
    )

    rows = [line.split(" | ")[:3] for line in text.splitlines() if "2026-11-22" in line]
    assert rows == [
        ["| builtin", "uvloop", "clear"],
        ["| builtin", "uvloop", "TLS"],
        ["| builtin", "trio", "clear"],
        ["| wsproto", "uvloop", "clear"],
    ]


def test_the_page_says_that_everything_is_ok() -> None:
    assert "## What is not OK\n\nNothing.\n" in page.text([example(cases=[good("1.1.1")])])
