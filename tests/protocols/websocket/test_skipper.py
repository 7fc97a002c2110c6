"""Passing over what a peer sends after the end."""

from __future__ import annotations

import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypercorn_protocols.websocket.skipper import FrameSkipper
from tests.protocols.strategies import DETERMINISTIC, splits
from tests.websocket_peer import binary, close, continuation, frame, ping, text

FRAMES = [
    *[text(""), text("Hello"), binary(b"x" * 125), binary(b"x" * 126), binary(bytes(65_536))],
    *[continuation(b"\x88\x80"), ping(b"\x88\x00"), frame(3, b"?", reserved=7)],
    *[frame(1, b"unmasked", mask=None), frame(2, bytes(200), mask=None)],
]


def finds(skipper: FrameSkipper, pieces: list[bytes]) -> int | None:
    """In which piece Close is found to have come."""
    for at, piece in enumerate(pieces):
        if skipper.finds_close(piece):
            return at
    return None


@DETERMINISTIC
@given(st.data(), st.lists(st.sampled_from(FRAMES), max_size=6), st.integers(0, 300))
def test_close_is_found_wherever_it_is_cut(
    data: st.DataObject, frames: list[bytes], left: int
) -> None:
    before = b"\x88" * left + b"".join(frames)
    for ending in (close(1000, "bye"), close(1005), frame(8, b"", mask=None)):
        pieces = data.draw(splits(before + ending))

        assert finds(FrameSkipper(left), pieces) == len(pieces) - 1


@pytest.mark.parametrize("kind", FRAMES)
def test_byte_for_byte(kind: bytes) -> None:
    data = kind + close(4000, "bye")

    assert finds(FrameSkipper(0), [bytes([byte]) for byte in data]) == len(data) - 1


def test_close_is_not_found_before_all_of_it_has_come() -> None:
    skipper = FrameSkipper(0)
    data = close(1000, "a reason")

    for at in range(len(data) - 1):
        assert not skipper.finds_close(data[at : at + 1])
    assert skipper.finds_close(data[-1:])


def test_what_is_behind_close_does_not_matter() -> None:
    assert FrameSkipper(3).finds_close(b"abc" + close() + b"\xff" * 100)


def test_nothing_is_kept_and_it_takes_no_time() -> None:
    skipper = FrameSkipper(0)
    endless = b"\x82\xff\x7f" + b"\xff" * 7 + bytes(1_000_000)
    assert not skipper.finds_close(endless)
    tracemalloc.start()
    began = time.process_time()
    for _ in range(200):
        assert not skipper.finds_close(endless)
    took = time.process_time() - began
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 500_000
    assert took < 1.0
