"""What is remembered of applications' fields: it must never excuse a wrong one."""

from __future__ import annotations

from typing import Any

import pytest

from hypercorn_protocols.errors import LocalProtocolError
from hypercorn_protocols.http1 import response as module
from hypercorn_protocols.http1.response import encode_fields


class Bytes:
    """Something that can be written as bytes and is not."""

    def __bytes__(self) -> bytes:
        return b"5"


def test_same_fields_are_written_alike_again() -> None:
    fields = [
        (b"Content-Length", b"05"),
        (b"X-A", b"b"),
        (b"connection", b"close, x"),
        (b"Date", b"today"),
        (b"keep-alive", b"5"),
    ]
    for _ in range(2):
        lines = encode_fields(fields)

        assert lines.block == b"X-A: b\r\nDate: today\r\n"
        assert (lines.content_length, lines.length_line) == (5, b"Content-Length: 5\r\n")
        assert (lines.close, lines.options, lines.defaults) == (True, (b"x",), (b"date",))


def test_lines_of_one_response_do_not_show_in_the_next() -> None:
    encode_fields([(b"content-length", b"5"), (b"connection", b"close"), (b"date", b"x")])
    lines = encode_fields([])

    assert (lines.block, lines.content_length, lines.length_line) == (b"", None, b"")
    assert (lines.close, lines.options, lines.defaults) == (False, (), ())


def test_pairs_need_not_be_tuples() -> None:
    pair: Any = [b"x-a", b"b"]

    assert encode_fields([pair]).block == b"x-a: b\r\n"
    assert encode_fields([pair, (b"x-a", b"b")]).block == b"x-a: b\r\n" * 2


@pytest.mark.parametrize(
    "wrong",
    [
        ("x-known", b"y"),
        (b"x-known", "y"),
        (b"x-known", b"y\r\n"),
        (b"x-known", b"y\n"),
        (b"x-known\r\n", b"y"),
        (b"x-known", b"y", b"z"),
        (Bytes(), b"y"),
        (b"content-length", Bytes()),
    ],
)
def test_a_good_field_does_not_excuse_a_bad_one(wrong: Any) -> None:
    encode_fields([(b"x-known", b"y"), (b"content-length", b"5")])
    for _ in range(2):
        with pytest.raises(LocalProtocolError):
            encode_fields([wrong])


def test_different_lengths_are_refused_though_each_is_known() -> None:
    encode_fields([(b"content-length", b"5")])
    encode_fields([(b"content-length", b"6")])

    with pytest.raises(LocalProtocolError):
        encode_fields([(b"content-length", b"5"), (b"content-length", b"6")])


def test_memory_is_bounded() -> None:
    for number in range(2 * module._MAX_REMEMBERED):
        encode_fields([(b"x-%d" % number, b"y")])
        assert len(module._remembered) <= module._MAX_REMEMBERED
    long = b"y" * module._MAX_REMEMBERED_SIZE
    encode_fields([(b"x-long", long)])
    assert (b"x-long", long) not in module._remembered
