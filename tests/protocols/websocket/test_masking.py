"""Unmasking: whoever does it, it is section 5.3."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypercorn_protocols.websocket import _masking, masking
from tests.protocols.strategies import DETERMINISTIC

MASKS = [masking.apply_mask, _masking.apply_mask]
SIZES = [*range(10), 255, 256, 257, 258, 259, 260, 65_537]


def by_the_book(data: bytes, mask: bytes) -> bytes:
    return bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))


@pytest.mark.parametrize("apply_mask", MASKS)
@pytest.mark.parametrize("size", SIZES)
def test_each_way_to_do_it(apply_mask: Callable[[bytes, bytes], bytes], size: int) -> None:
    data = bytes(at * 7 & 255 for at in range(size))
    for mask in (b"\x37\xfa\x21\x3d", b"\0\0\0\0", b"\xff\x00\xff\x01"):
        assert apply_mask(data, mask) == by_the_book(data, mask)


@DETERMINISTIC
@given(st.binary(max_size=600), st.binary(min_size=4, max_size=4))
def test_both_agree(data: bytes, mask: bytes) -> None:
    for apply_mask in MASKS:
        masked = apply_mask(data, mask)
        assert type(masked) is bytes
        assert masked == by_the_book(data, mask)
        assert apply_mask(masked, mask) == data


def test_in_python_without_websockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "websockets.speedups", None)

    assert fresh(masking).apply_mask is _masking.apply_mask


def fresh(module: ModuleType) -> ModuleType:
    """Another instance of a module, as if it were imported for the first time."""
    spec = importlib.util.find_spec(module.__name__)
    assert spec is not None
    assert spec.loader is not None
    another = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(another)
    return another
