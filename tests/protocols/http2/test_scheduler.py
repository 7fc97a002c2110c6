"""Who sends next, and that everybody does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hypercorn_protocols.http2.priority import Priority
from hypercorn_protocols.http2.scheduler import SHARE, TURN, Scheduler

SEQUENTIAL = Priority()
INCREMENTAL = Priority(incremental=True)
URGENT = Priority(0)

priorities = st.builds(Priority, st.integers(0, 7), st.booleans())


def scheduler(streams: dict[int, Priority] | Iterable[int]) -> Scheduler:
    made = Scheduler()
    given = streams if isinstance(streams, dict) else dict.fromkeys(streams, SEQUENTIAL)
    for stream_id, priority in given.items():
        made.add(stream_id, priority)
    return made


def turn(streams: Scheduler, size: int = TURN) -> int:
    """Send one frame of the stream whose turn it is."""
    stream_id = streams.next()
    streams.sent(stream_id, size)
    return stream_id


def turns(streams: Scheduler, count: int) -> list[int]:
    return [turn(streams) for _ in range(count)]


class TestMembership:
    def test_nobody(self) -> None:
        streams = Scheduler()

        assert not streams
        assert len(streams) == 0
        assert 1 not in streams
        with pytest.raises(LookupError):
            streams.next()

    def test_one(self) -> None:
        streams = scheduler([1])

        assert streams
        assert len(streams) == 1
        assert 1 in streams
        assert turns(streams, 40) == [1] * 40

    def test_removed(self) -> None:
        streams = scheduler([1, 3])
        streams.remove(1)

        assert 1 not in streams
        assert turns(streams, 40) == [3] * 40

    def test_last_removed(self) -> None:
        streams = scheduler([1])
        streams.next()
        streams.remove(1)

        assert not streams
        with pytest.raises(LookupError):
            streams.next()

    def test_unknown_streams_are_left_alone(self) -> None:
        streams = scheduler([1])
        streams.remove(3)
        streams.sent(3, 100)
        streams.reprioritize(3, URGENT)

        assert 3 not in streams
        assert streams.next() == 1

    def test_added_again_is_reprioritized(self) -> None:
        streams = scheduler([1, 3])
        streams.add(3, URGENT)

        assert len(streams) == 2
        assert streams.next() == 3
        streams.remove(3)
        assert 3 not in streams

    def test_looking_changes_nothing(self) -> None:
        streams = scheduler({1: INCREMENTAL, 3: INCREMENTAL})

        assert [streams.next() for _ in range(40)] == [1] * 40


class TestUrgency:
    def test_lowest_number_first(self) -> None:
        streams = scheduler({1: Priority(7), 3: Priority(3), 5: Priority(0), 7: Priority(4)})

        assert [_drain(streams) for _ in range(4)] == [5, 3, 7, 1]

    def test_newcomer_that_is_more_urgent(self) -> None:
        streams = scheduler([1])
        assert turn(streams, 100) == 1
        streams.add(3, URGENT)

        assert streams.next() == 3

    def test_newcomer_that_is_not(self) -> None:
        streams = scheduler({3: INCREMENTAL})
        assert turn(streams, 100) == 3
        streams.add(1, INCREMENTAL)

        assert streams.next() == 3

    def test_reprioritized_up(self) -> None:
        streams = scheduler([1, 3])
        assert turn(streams, 100) == 1
        streams.reprioritize(3, URGENT)

        assert streams.next() == 3

    def test_reprioritized_down(self) -> None:
        streams = scheduler([1, 3])
        assert turn(streams, 100) == 1
        streams.reprioritize(1, Priority(4))

        assert streams.next() == 3

    def test_reprioritized_before_it_had_its_turn(self) -> None:
        streams = scheduler([1, 3])
        assert streams.next() == 1
        streams.reprioritize(1, Priority(4))

        assert streams.next() == 3

    def test_reprioritized_to_the_same(self) -> None:
        streams = scheduler({1: INCREMENTAL, 3: INCREMENTAL})
        assert turn(streams, 100) == 1
        streams.reprioritize(1, Priority(incremental=True))

        assert streams.next() == 1


class TestSequential:
    """RFC 9218 section 10: in the order in which they were requested."""

    def test_oldest_first(self) -> None:
        streams = scheduler([5, 1, 3])

        assert [_drain(streams) for _ in range(3)] == [1, 3, 5]

    def test_one_to_its_end(self) -> None:
        assert turns(scheduler([1, 3, 5]), SHARE - 1) == [1] * (SHARE - 1)

    def test_older_newcomer(self) -> None:
        streams = scheduler([3])
        turn(streams)
        streams.add(1, SEQUENTIAL)

        assert streams.next() == 1


class TestIncremental:
    def test_take_turns(self) -> None:
        streams = scheduler(dict.fromkeys([1, 3, 5], INCREMENTAL))

        assert turns(streams, 7) == [1, 3, 5, 1, 3, 5, 1]

    def test_newcomer_is_last(self) -> None:
        streams = scheduler(dict.fromkeys([3, 5], INCREMENTAL))
        turn(streams)
        streams.add(1, INCREMENTAL)

        assert turns(streams, 4) == [5, 3, 1, 5]

    def test_a_turn_is_of_bytes(self) -> None:
        streams = scheduler(dict.fromkeys([1, 3], INCREMENTAL))

        assert [turn(streams, TURN // 4) for _ in range(9)] == [1] * 4 + [3] * 4 + [1]

    def test_empty_frames_end_a_turn_too(self) -> None:
        streams = scheduler(dict.fromkeys([1, 3], INCREMENTAL))
        for _ in range(TURN):
            if turn(streams, 0) == 3:
                break

        assert streams.next() == 3

    def test_sent_out_of_turn(self) -> None:
        streams = scheduler(dict.fromkeys([1, 3, 5], INCREMENTAL))
        assert streams.next() == 1
        streams.sent(3, TURN)

        assert turns(streams, 3) == [1, 5, 3]

    def test_many_share_alike(self) -> None:
        streams = scheduler(dict.fromkeys(range(1, 200, 2), INCREMENTAL))

        assert set(Counter(turns(streams, 1000)).values()) == {10}


class TestBothKinds:
    """One urgency, sequential and incremental streams: half of the turns for each kind."""

    def test_alternate(self) -> None:
        streams = scheduler({1: INCREMENTAL, 3: SEQUENTIAL, 5: INCREMENTAL, 7: SEQUENTIAL})

        assert turns(streams, 8) == [3, 1, 3, 5, 3, 1, 3, 5]

    def test_one_kind_is_left(self) -> None:
        streams = scheduler({1: INCREMENTAL, 3: SEQUENTIAL, 5: INCREMENTAL})
        assert turns(streams, 2) == [3, 1]
        streams.remove(3)

        assert turns(streams, 4) == [5, 1, 5, 1]


class TestNobodyStarves:
    def test_less_urgent_stream_has_its_share(self) -> None:
        streams = scheduler({1: Priority(7), 3: Priority(0), 5: Priority(0, incremental=True)})
        given = turns(streams, 20 * SHARE)

        assert Counter(given)[1] == 20
        assert given[: SHARE - 1].count(1) == 0
        assert given[SHARE - 1] == 1

    def test_sequential_streams_behind_one_that_does_not_end(self) -> None:
        given = turns(scheduler([1, 3, 5]), 4 * SHARE)

        assert [stream_id for stream_id in given if stream_id != 1] == [3, 5, 3, 5]

    def test_share_is_one_of_bytes(self) -> None:
        streams = scheduler({1: Priority(7)})
        sent = 0
        for stream_id in range(3, 10_000, 2):
            streams.add(stream_id, URGENT)
            if turn(streams, 1000) == 1:
                break
            sent += 1000
            streams.remove(stream_id)

        assert 0.9 * (SHARE - 1) * TURN < sent < 1.1 * (SHARE - 1) * TURN

    def test_newcomers_do_not_take_the_share(self) -> None:
        streams = scheduler({1: Priority(7), 3: URGENT})
        turns(streams, SHARE - 1)
        assert turn(streams, 100) == 1
        streams.add(5, URGENT)

        assert streams.next() == 1

    def test_reprioritizing_does_not_lose_the_place(self) -> None:
        streams = scheduler({1: URGENT, 3: Priority(7), 5: Priority(7)})
        turns(streams, SHARE - 1)
        for urgency in (6, 5, 4):
            streams.reprioritize(3, Priority(urgency))

        assert streams.next() == 3

    @given(st.lists(priorities, min_size=1, max_size=12))
    def test_wait_is_bounded(self, given: list[Priority]) -> None:
        streams = scheduler(dict(enumerate(given)))
        last = dict.fromkeys(range(len(given)), 0)
        for number in range(1, 3 * SHARE * len(given)):
            last[turn(streams)] = number
            assert number - min(last.values()) <= SHARE * len(given)


def _drain(streams: Scheduler) -> int:
    """Send all of the stream whose turn it is."""
    stream_id = turn(streams, 1000)
    streams.remove(stream_id)
    return stream_id


class SchedulerMachine(RuleBasedStateMachine):
    """Any way to use it, beside a list of who is in and what is known of each."""

    def __init__(self) -> None:
        super().__init__()
        self.streams = Scheduler()
        self.model: dict[int, Priority] = {}
        # What others were sent while a stream was in and had no turn, and how many were before it.
        self.waited: dict[int, int] = {}

    @rule(stream_id=st.integers(1, 9), priority=priorities)
    def add(self, stream_id: int, priority: Priority) -> None:
        self.streams.add(stream_id, priority)
        self.model[stream_id] = priority
        self.waited.setdefault(stream_id, 0)

    @rule(stream_id=st.integers(1, 9), priority=priorities)
    def reprioritize(self, stream_id: int, priority: Priority) -> None:
        self.streams.reprioritize(stream_id, priority)
        if stream_id in self.model:
            self.model[stream_id] = priority

    @rule(stream_id=st.integers(1, 9))
    def remove(self, stream_id: int) -> None:
        self.streams.remove(stream_id)
        self.model.pop(stream_id, None)
        self.waited.pop(stream_id, None)

    @precondition(lambda self: self.model)
    @rule(size=st.integers(0, TURN), times=st.integers(1, 40))
    def send(self, size: int, times: int) -> None:
        for _ in range(times):
            stream_id = turn(self.streams, size)
            for other in self.waited:
                self.waited[other] += size
            self.waited[stream_id] = 0

    @invariant()
    def agree(self) -> None:
        assert len(self.streams) == len(self.model)
        assert bool(self.streams) == bool(self.model)
        assert [stream_id in self.streams for stream_id in range(1, 10)] == [
            stream_id in self.model for stream_id in range(1, 10)
        ]

    @precondition(lambda self: self.model)
    @invariant()
    def next_is_one_of_them(self) -> None:
        assert self.streams.next() == self.streams.next()
        assert self.streams.next() in self.model

    @invariant()
    def waits_are_bounded(self) -> None:
        # A turn may be overrun by a frame, and nine streams at most are in at a time.
        assert all(waited <= 9 * (SHARE + 2) * TURN for waited in self.waited.values())


TestProperties = SchedulerMachine.TestCase
TestProperties.settings = settings(max_examples=50, stateful_step_count=40)


@given(st.dictionaries(st.integers(1, 99), priorities, min_size=1))
def test_first_turns_are_by_priority(given: dict[int, Priority]) -> None:
    streams = scheduler(given)
    drained = [_drain(streams) for _ in range(len(given))]

    # So little is sent that no share is due.
    assert [given[stream_id].urgency for stream_id in drained] == sorted(
        priority.urgency for priority in given.values()
    )
    for urgency in range(8):
        sequential = [stream_id for stream_id in drained if given[stream_id] == Priority(urgency)]
        assert sequential == sorted(sequential)
