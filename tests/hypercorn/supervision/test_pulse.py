"""Whether a worker's event loop still turns."""

from __future__ import annotations

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from hypercorn.supervision.pulse import Pulse

TIMES = st.floats(min_value=0.0, max_value=1000.0)


def test_question_and_answer() -> None:
    pulse = Pulse(10.0, 100.0)
    assert not pulse.should_ask(109.9)
    assert pulse.deadline(30.0) == 110.0
    assert pulse.should_ask(110.0)
    assert not pulse.should_ask(500.0)
    assert pulse.silence(112.0) == 2.0
    assert pulse.deadline(30.0, 5.0) == 115.0
    pulse.answered(113.0)
    assert pulse.silence(114.0) == 0.0
    assert pulse.deadline(30.0) == 123.0
    assert pulse.should_ask(123.0)


def test_nothing_is_owed_before_the_first_question() -> None:
    pulse = Pulse(10.0, 0.0)
    assert pulse.silence(1e9) == 0.0
    assert pulse.deadline() == 10.0


def test_no_patience_is_no_deadline() -> None:
    pulse = Pulse(10.0, 0.0)
    pulse.should_ask(10.0)
    assert pulse.deadline() == inf


def test_answer_ends_the_report() -> None:
    pulse = Pulse(1.0, 0.0)
    pulse.should_ask(1.0)
    pulse.reported = True
    pulse.answered(2.0)
    assert not pulse.reported


@given(interval=TIMES, blocked_from=TIMES, blocked_for=TIMES, asked_after=TIMES)
def test_never_silent_for_longer_than_it_was_blocked(
    interval: float, blocked_from: float, blocked_for: float, asked_after: float
) -> None:
    """Whenever the question comes, and whenever somebody looks before the answer."""
    pulse = Pulse(interval, 0.0)
    asked_at = max(interval, blocked_from + asked_after)
    freed_at = blocked_from + blocked_for
    if pulse.should_ask(asked_at) and asked_at <= freed_at:
        assert pulse.silence(freed_at) <= blocked_for + 1e-6


@given(asleep=TIMES)
def test_who_was_away_does_not_blame(asleep: float) -> None:
    pulse = Pulse(1.0, 0.0)
    assert pulse.should_ask(1.0)
    pulse.forgive(1.5 + asleep)
    assert pulse.silence(1.5 + asleep) == 0.0
    assert abs(pulse.silence(3.5 + asleep) - 2.0) <= 1e-6


def test_nobody_is_forgiven_who_owes_nothing() -> None:
    pulse = Pulse(1.0, 0.0)
    pulse.forgive(100.0)
    assert pulse.silence(200.0) == 0.0
    assert pulse.should_ask(1.0)
