"""Whose turn it is to send on a connection that many streams share (RFC 9218 section 10).

Knows: the streams that could send now, and their priorities.
Must not know: frames, windows, or what there is to send.

A turn is :data:`TURN` bytes on the wire: a stream keeps it over several frames if they are short,
loses what is left of it when it has nothing more to send or a more urgent stream comes, and then
waits for the next. Turns are given by these rules:

* The most urgent streams come first.
* Of one urgency, the streams that are not incremental are served one after another, the oldest
  (its id is the smallest) to its end before the next; those that are incremental take turns. Where
  there are both kinds, turns alternate between the oldest of the first and the next of the second:
  half of what is sent each, however many there are.
* Nobody starves. Once :data:`SHARE` - 1 turns' bytes have been sent by these rules, the stream
  that has waited longest has one turn, whatever its priority. With n streams before it in that
  queue, a stream waits for less than ``SHARE * (n + 1)`` turns.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict

from hypercorn_protocols.http2.priority import Priority

__all__ = ["SHARE", "TURN", "Scheduler"]

TURN = 16_384
"""Bytes: one frame of the size that every peer accepts (RFC 9113 section 4.2)."""

SHARE = 16
"""Of so many turns one is given to the stream that has waited longest."""

# Counted with each frame, so that a stream of empty ones comes to its turn's end too.
_FRAME_HEADER = 9

_URGENCIES = 8


class _Class:
    """The streams of one urgency."""

    __slots__ = ("incremental", "incremental_is_next", "sequential")

    def __init__(self) -> None:
        # Sorted. No heap: streams leave from the middle, and there are hundreds at most.
        self.sequential: list[int] = []
        # The head is the next. Ordered dictionaries give it up and move it in constant time.
        self.incremental: OrderedDict[int, None] = OrderedDict()
        self.incremental_is_next = False

    def add(self, stream_id: int, incremental: bool) -> None:
        if incremental:
            self.incremental[stream_id] = None
        else:
            insort(self.sequential, stream_id)

    def remove(self, stream_id: int, incremental: bool) -> None:
        if incremental:
            del self.incremental[stream_id]
        else:
            del self.sequential[bisect_left(self.sequential, stream_id)]

    def next(self) -> int:
        if self.incremental and (self.incremental_is_next or not self.sequential):
            return next(iter(self.incremental))
        return self.sequential[0]

    def had_turn(self, stream_id: int, incremental: bool) -> None:
        if incremental:
            self.incremental.move_to_end(stream_id)
        self.incremental_is_next = not incremental

    def is_empty(self) -> bool:
        return not (self.sequential or self.incremental)


class Scheduler:
    """The streams of one connection that have something to send and may.

    The caller adds a stream when it has data and window, and removes it when it has not; sends a
    frame of :meth:`next`; and says so with :meth:`sent`. Nothing here takes longer than the
    logarithm of the number of streams (and a copy of as many pointers, where one comes or goes).
    """

    __slots__ = ("_classes", "_current", "_occupied", "_ruled", "_spent", "_streams")

    def __init__(self) -> None:
        self._classes = [_Class() for _ in range(_URGENCIES)]
        # One bit for each class with streams: the lowest one set is the most urgent.
        self._occupied = 0
        # In the order in which they last had a turn or came: the head has waited longest.
        self._streams: OrderedDict[int, Priority] = OrderedDict()
        # Whose turn it is, if that is decided, and how much of it is spent.
        self._current: int | None = None
        self._spent = 0
        # Sent by the rules of priority since a turn was last given to who had waited longest.
        self._ruled = 0

    def __bool__(self) -> bool:
        return bool(self._streams)

    def __len__(self) -> int:
        return len(self._streams)

    def __contains__(self, stream_id: int) -> bool:
        return stream_id in self._streams

    def add(self, stream_id: int, priority: Priority) -> None:
        """Let the stream have turns. One that is in already only changes its priority."""
        if stream_id in self._streams:
            self.reprioritize(stream_id, priority)
            return
        self._streams[stream_id] = priority
        self._enter(stream_id, priority)

    def remove(self, stream_id: int) -> None:
        """Let the stream have no more turns. One that is not in is left alone."""
        if stream_id in self._streams:
            if stream_id == self._current:
                self._end_turn()
            self._leave(stream_id, self._streams.pop(stream_id))

    def reprioritize(self, stream_id: int, priority: Priority) -> None:
        """Change the priority of a stream that is in; how long it has waited still counts."""
        before = self._streams.get(stream_id)
        if before is None or before == priority:
            return
        if stream_id == self._current:
            self._end_turn()
        self._leave(stream_id, before)
        self._streams[stream_id] = priority
        self._enter(stream_id, priority)

    def next(self) -> int:
        """Return the stream whose turn it is; it stays so until something is sent or changed.

        Raises LookupError if there is none: ask the scheduler's truth first."""
        if self._current is None:
            self._current = self._choose()
        return self._current

    def sent(self, stream_id: int, size: int) -> None:
        """Count a frame with ``size`` bytes of content against the stream's turn.

        To be called before the stream is removed, if that was its last. A stream that is not in
        is left alone."""
        if stream_id not in self._streams:
            return
        if stream_id != self._current:
            self._end_turn()
            self._current = stream_id
        self._spent += size + _FRAME_HEADER
        if self._spent >= TURN:
            self._end_turn()

    def _choose(self) -> int:
        if not self._streams:
            raise LookupError("no stream can send")
        if self._owes_share():
            return next(iter(self._streams))
        return self._classes[(self._occupied & -self._occupied).bit_length() - 1].next()

    def _owes_share(self) -> bool:
        return self._ruled >= (SHARE - 1) * TURN

    def _end_turn(self) -> None:
        """Decide anew whose turn it is; whoever has sent something has had one."""
        stream_id, spent = self._current, self._spent
        self._current, self._spent = None, 0
        if stream_id is None or not spent:
            return
        is_share = self._owes_share() and stream_id == next(iter(self._streams))
        self._ruled = 0 if is_share else self._ruled + spent
        priority = self._streams[stream_id]
        self._streams.move_to_end(stream_id)
        self._classes[priority.urgency].had_turn(stream_id, priority.incremental)

    def _enter(self, stream_id: int, priority: Priority) -> None:
        self._classes[priority.urgency].add(stream_id, priority.incremental)
        self._occupied |= 1 << priority.urgency
        if self._is_overtaken_by(priority):
            self._end_turn()

    def _is_overtaken_by(self, priority: Priority) -> bool:
        """Whether a turn that was decided on has to be so anew, as such a stream came."""
        if self._current is None:
            return False
        if not self._spent:
            return True
        return not self._owes_share() and priority.urgency < self._streams[self._current].urgency

    def _leave(self, stream_id: int, priority: Priority) -> None:
        group = self._classes[priority.urgency]
        group.remove(stream_id, priority.incremental)
        if group.is_empty():
            self._occupied &= ~(1 << priority.urgency)
            group.incremental_is_next = False
