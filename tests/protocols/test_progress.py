"""The guard against peers that trickle or stall."""

from __future__ import annotations

from math import inf

from hypercorn_protocols.progress import TransferGuard


def guard(idle: float | None = None, rate: int = 0, grace: float = 5.0) -> TransferGuard:
    return TransferGuard(100.0, idle=idle, rate=rate, grace=grace)


def test_no_rule_is_no_deadline() -> None:
    assert guard().deadline == inf


class TestIdle:
    def test_from_the_start(self) -> None:
        assert guard(idle=10.0).deadline == 110.0

    def test_from_the_last_progress(self) -> None:
        watched = guard(idle=10.0)
        watched.progress(1, 107.0)

        assert watched.deadline == 117.0

    def test_zero_is_at_once(self) -> None:
        assert guard(idle=0.0).deadline == 100.0


class TestRate:
    def test_is_not_judged_at_first(self) -> None:
        assert guard(rate=100).deadline == 105.0

    def test_what_was_transferred_buys_time(self) -> None:
        watched = guard(rate=100)
        watched.progress(400, 101.0)
        assert watched.deadline == 105.0
        watched.progress(400, 102.0)
        assert watched.deadline == 108.0

    def test_is_an_average_from_the_start(self) -> None:
        watched = guard(rate=100, grace=0.0)
        watched.progress(100, 100.0)
        watched.progress(100, 101.5)

        assert watched.deadline == 102.0

    def test_earlier_of_both_rules(self) -> None:
        watched = guard(idle=2.0, rate=100)
        assert watched.deadline == 102.0
        watched.progress(10, 104.5)
        assert watched.deadline == 105.0


class TestPause:
    def test_has_no_deadline(self) -> None:
        watched = guard(idle=10.0, rate=100)
        watched.pause(101.0)

        assert watched.deadline == inf

    def test_does_not_count_for_the_rate(self) -> None:
        watched = guard(rate=100)
        watched.pause(102.0)
        watched.resume(200.0)

        assert watched.deadline == 203.0

    def test_starts_the_idle_time_anew(self) -> None:
        watched = guard(idle=10.0)
        watched.pause(109.0)
        watched.resume(200.0)

        assert watched.deadline == 210.0

    def test_second_one_is_the_same_one(self) -> None:
        watched = guard(rate=100)
        watched.pause(102.0)
        watched.pause(150.0)
        watched.resume(200.0)

        assert watched.deadline == 203.0

    def test_resume_without_one_does_nothing(self) -> None:
        watched = guard(idle=10.0, rate=100)
        watched.resume(105.0)

        assert watched.deadline == 105.0
