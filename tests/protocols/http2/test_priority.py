"""Priorities as they are written (RFC 9218, RFC 9651)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypercorn_protocols.http2.priority import MAX_PRIORITY_LENGTH, Priority, parse_priority

BASE = Priority(5, incremental=True)

priorities = st.builds(Priority, st.integers(0, 7), st.booleans())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", Priority(3, incremental=False)),
        (b"u=0", Priority(0)),
        (b"u=7", Priority(7)),
        (b"i", Priority(3, incremental=True)),
        (b"i=?1", Priority(3, incremental=True)),
        (b"i=?0", Priority(3, incremental=False)),
        (b"u=5, i", Priority(5, incremental=True)),
        (b"i,u=5", Priority(5, incremental=True)),
        (b"  u=1 \t,\t i  ", Priority(1, incremental=True)),
        (b"u=-0", Priority(0)),
        (b"u=0004", Priority(4)),
    ],
)
def test_parameters(value: bytes, expected: Priority) -> None:
    assert parse_priority(value) == expected


@given(priorities, priorities)
def test_what_is_written_is_read(priority: Priority, base: Priority) -> None:
    value = b"u=%d, i=?%d" % (priority.urgency, priority.incremental)

    assert parse_priority(value, base) == priority


class TestMerging:
    """RFC 9218 section 8: a response overrides what it names."""

    def test_urgency_alone(self) -> None:
        assert parse_priority(b"u=1", BASE) == Priority(1, incremental=True)

    def test_incremental_alone(self) -> None:
        assert parse_priority(b"i=?0", BASE) == Priority(5, incremental=False)

    def test_example_of_the_specification(self) -> None:
        request = parse_priority(b"u=5, i")

        assert parse_priority(b"u=1", request) == Priority(1, incremental=True)

    def test_nothing(self) -> None:
        assert parse_priority(b"", BASE) is BASE


class TestIgnoredParameters:
    """RFC 9218 section 4: of another type or out of range, as if not there."""

    @pytest.mark.parametrize(
        "urgency",
        [b"8", b"-1", b"999999999999999", b"1.0", b"?1", b'"1"', b":MQ==:", b"a", b"(1)", b"@1"],
    )
    def test_urgency(self, urgency: bytes) -> None:
        assert parse_priority(b"i=?0, u=" + urgency, BASE) == Priority(5, incremental=False)

    def test_urgency_without_a_value(self) -> None:
        assert parse_priority(b"u", BASE) == BASE

    @pytest.mark.parametrize(
        "incremental", [b"1", b"0", b"1.0", b'"?1"', b"true", b"(?0)", b"()", b'%"?0"']
    )
    def test_incremental(self, incremental: bytes) -> None:
        assert parse_priority(b"u=1, i=" + incremental, BASE) == Priority(1, incremental=True)

    def test_last_of_a_key_counts(self) -> None:
        assert parse_priority(b"u=1, u=2", BASE).urgency == 2

    def test_last_of_a_key_counts_though_it_is_ignored(self) -> None:
        assert parse_priority(b"u=1, u=9", BASE).urgency == BASE.urgency

    @pytest.mark.parametrize(
        "member",
        [
            b"a",
            b"*key-with.all_of*1",
            b"a=-123456789012.123",
            b'a="b, u=1 \\" \\\\"',
            b"a=*token/with:all!#$%&'+-.^_`|~",
            b"a=::",
            b"a=:aGVsbG8=:",
            b"a=:aGVsbG8:",
            b"a=@-1659578233",
            b'a=%"f%c3%bc %e2%82%ac %f0%9f%98%80 %ed%9f%bf %f4%8f%bf%bf %00"',
            b"a=()",
            b"a=(  )",
            b"a=( 1 2.5  x;y )",
            b'a=("x";y=1;z ?0);q',
            b"a;b;c=1;  d=:AA:",
            b"a=1;b",
        ],
    )
    def test_unknown_member(self, member: bytes) -> None:
        assert parse_priority(member + b", u=1", BASE) == Priority(1, incremental=True)

    def test_parameters_of_members(self) -> None:
        assert parse_priority(b"u=1;x=7, i=?0; y", BASE) == Priority(1, incremental=False)


class TestMalformed:
    """RFC 9651 section 4.2: one error and the whole field is ignored."""

    @pytest.mark.parametrize(
        "value",
        [
            b"u=1,",
            b",u=1",
            b"u=1,,i",
            b"u=1;",
            b"u=1 i",
            b"u=",
            b"u =1",
            b"u= 1",
            b"U=1",
            b"1=u",
            b"\tu=1",
            b"u=1\n",
            b"u=1.",
            b"u=+1",
            b"u=--1",
            b"u=1234567890123456",
            b"u=1234567890123.1",
            b"u=1.1234",
            b"i=?2",
            b"i=?",
            b"i=true?",
            b"u=1, a=\xff",
            b'u=1, a="',
            b'u=1, a="\x7f"',
            b'u=1, a="\\n"',
            b"u=1, a=:a:",
            b"u=1, a=:a=a:",
            b"u=1, a=:====:",
            b"u=1, a=:aGV-:",
            b"u=1, a=(",
            b"u=1, a=(1",
            b"u=1, a=(1,2)",
            b"u=1, a=(1\t2)",
            b'u=1, a=("x""y")',
            b"u=1, a=((1))",
            b"u=1, a=@1.5",
            b"u=1, a=%x",
            b'u=1, a=%"%C3%BC"',
            b'u=1, a=%"%c3"',
            b'u=1, a=%"%c0%80"',
            b'u=1, a=%"%ed%a0%80"',
            b'u=1, a=%"%f4%90%80%80"',
            b"u=1, a;B",
            b"u=1, a;\tb",
            b"u=1, a ;b",
        ],
    )
    def test_changes_nothing(self, value: bytes) -> None:
        assert parse_priority(value, BASE) is BASE

    @given(st.binary(max_size=64) | st.text('ui=?01,; \t"():%ab.-', max_size=32).map(str.encode))
    def test_raises_nothing(self, value: bytes) -> None:
        priority = parse_priority(value, BASE)

        assert 0 <= priority.urgency <= 7


class TestLength:
    VALUE = b"u=1, a=" + b"x" * (MAX_PRIORITY_LENGTH - 7)

    def test_longest(self) -> None:
        assert len(self.VALUE) == MAX_PRIORITY_LENGTH
        assert parse_priority(self.VALUE, BASE).urgency == 1

    def test_too_long(self) -> None:
        assert parse_priority(self.VALUE + b"x", BASE) is BASE
