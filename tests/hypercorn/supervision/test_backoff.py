"""When the next worker may be started."""

from __future__ import annotations

from hypercorn.supervision.backoff import Backoff


def test_first_deaths_are_free() -> None:
    backoff = Backoff()
    assert [backoff.died(100.0, 0.1) for _ in range(5)] == [0.0] * 5
    assert backoff.until <= 100.0


def test_pauses_grow_up_to_a_bound() -> None:
    backoff = Backoff()
    pauses = [backoff.died(100.0, 1.0) for _ in range(100)][5:]
    assert pauses[:6] == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0]
    assert set(pauses[6:]) == {30.0}
    assert backoff.until == 130.0


def test_worker_that_never_served_has_no_free_deaths() -> None:
    backoff = Backoff()
    assert [backoff.died(0.0, None) for _ in range(3)] == [1.0, 2.0, 4.0]


def test_worker_that_served_for_long_ends_it() -> None:
    backoff = Backoff()
    for _ in range(8):
        backoff.died(0.0, 1.0)
    assert backoff.died(50.0, 60.0) == 0.0
    assert backoff.until == 50.0
    assert backoff.died(51.0, 1.0) == 0.0


def test_what_is_mended_starts_at_once() -> None:
    backoff = Backoff()
    backoff.died(10.0, None)
    backoff.forget()
    assert backoff.until == 0.0
    assert backoff.died(11.0, None) == 1.0
