"""Frames as the server writes them, and what Close may say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypercorn_protocols.websocket import frames
from hypercorn_protocols.websocket.frames import (
    FrameError,
    close_payload,
    encode_frame,
    is_sendable,
    read_close,
)
from tests.protocols.strategies import DETERMINISTIC
from tests.websocket_peer import Frame, FrameReader, Opcode

# RFC 6455 sections 7.4.1 and 7.4.2, and the registry of section 11.7.
SENDABLE = [*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4999]
NOT_SENDABLE = [-1, 0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535]


class TestEncodeFrame:
    @pytest.mark.parametrize("opcode", [frames.TEXT, frames.BINARY])
    @pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
    @pytest.mark.parametrize("compressed", [False, True])
    def test_is_what_a_client_reads(self, opcode: int, size: int, compressed: bool) -> None:
        reader = FrameReader()
        reader.feed(encode_frame(opcode, b"x" * size, compressed))

        expected = Frame(Opcode(opcode), b"x" * size, fin=True, compressed=compressed)
        assert reader.next() == expected
        assert reader.rest == b""

    @pytest.mark.parametrize(
        ("size", "head"),
        [
            *[(0, "8200"), (125, "827d"), (126, "827e007e"), (65_535, "827effff")],
            (65_536, "827f0000000000010000"),
        ],
    )
    def test_lengths_are_minimal(self, size: int, head: str) -> None:
        assert encode_frame(frames.BINARY, bytes(size)) == bytes.fromhex(head) + bytes(size)

    def test_examples(self) -> None:  # section 5.7, and RFC 7692 section 7.2.3.1
        assert encode_frame(frames.TEXT, b"Hello") == bytes.fromhex("810548656c6c6f")
        assert encode_frame(frames.PONG, b"Hello") == bytes.fromhex("8a0548656c6c6f")
        compressed = bytes.fromhex("f248cdc9c90700")
        assert encode_frame(frames.TEXT, compressed, True) == b"\xc1\x07" + compressed


class TestClose:
    @pytest.mark.parametrize("code", SENDABLE)
    def test_good_codes(self, code: int) -> None:
        assert is_sendable(code)
        assert read_close(close_payload(code, "why")) == (code, "why")

    @pytest.mark.parametrize("code", NOT_SENDABLE)
    def test_bad_codes(self, code: int) -> None:
        assert not is_sendable(code)

    @pytest.mark.parametrize("code", NOT_SENDABLE[1:])
    def test_bad_codes_from_the_peer(self, code: int) -> None:
        with pytest.raises(FrameError) as caught:
            read_close(code.to_bytes(2, "big"))
        assert caught.value.code == 1002

    def test_without_a_code(self) -> None:
        assert read_close(b"") == (1005, "")

    def test_half_a_code(self) -> None:
        with pytest.raises(FrameError) as caught:
            read_close(b"\x03")
        assert caught.value.code == 1002

    @pytest.mark.parametrize("reason", [b"\xff", b"a\xc3", b"\xed\xa0\x80"])
    def test_a_reason_that_is_not_utf8(self, reason: bytes) -> None:
        with pytest.raises(FrameError) as caught:
            read_close(b"\x03\xe8" + reason)
        assert caught.value.code == 1007

    @DETERMINISTIC
    @given(st.text(max_size=200))
    def test_a_reason_is_cut_between_characters(self, reason: str) -> None:
        payload = close_payload(1000, reason)

        assert len(payload) <= 125
        code, cut = read_close(payload)
        assert code == 1000
        assert reason.startswith(cut)
        if cut != reason:
            assert len((cut + reason[len(cut)]).encode()) > 123

    def test_a_reason_with_half_a_character(self) -> None:
        assert read_close(close_payload(1000, "a\ud800b")) == (1000, "a?b")
