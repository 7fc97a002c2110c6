"""Titles: what ``ps`` shows."""

from __future__ import annotations

import pytest

from tests.hypercorn.system.children import result_of

SHOW = """
import sys
{before}
from hypercorn.system.titles import set_title
import psutil
former = psutil.Process().cmdline()
set_title(*sys.argv[1:])
now = psutil.Process().cmdline()
print("unchanged" if now == former else " ".join(now).rstrip())
"""


@pytest.mark.parametrize(
    ("role", "title"),
    [
        ("supervisor", "hypercorn: supervisor [app:app]"),
        ("worker 3", "hypercorn: worker 3 [app:app]"),
    ],
)
def test_a_title_has_name_role_and_target(role: str, title: str) -> None:
    assert result_of(SHOW.format(before=""), "hypercorn", role, "app:app") == f"{title}\n"


def test_no_name_leaves_the_title() -> None:
    assert result_of(SHOW.format(before=""), "", "supervisor", "app:app") == "unchanged\n"


def test_without_the_library_the_title_stays() -> None:
    before = "sys.modules['setproctitle'] = None"
    shown = result_of(SHOW.format(before=before), "hypercorn", "supervisor", "app:app")
    assert shown == "unchanged\n"
