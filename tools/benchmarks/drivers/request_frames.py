"""The request that is counted, as a client of HTTP/2 sends it: frames of RFC 9113.

It is the one of :mod:`request`. What repeats itself is compressed away, as browsers do it: a field
that came before takes a byte, a new cookie takes a place in the table, a new path does not.
"""

from __future__ import annotations

import struct

from hpack import Encoder
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH

from benchmarks.drivers.request import BROWSER, HOST, NEW, SESSION

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEADERS, _SETTINGS, _WINDOW_UPDATE = 1, 4, 8
_ACK, _END_STREAM, _END_HEADERS = 0x1, 0x1, 0x4
_INITIAL_WINDOW_SIZE = 4
_WINDOW = 2**30

# RFC 7541: the entry of the static table with the path /, literals without indexing whose name is
# that of entry 4, and what tells that a string is Huffman-coded.
_ROOT = b"\x84"
_PATH = b"\x04"
_HUFFMAN = 0x80

_FIELDS = [(name.lower(), value) for name, value in BROWSER if name != "Connection"]


class Client:
    """Writes requests, each on the next stream."""

    def __init__(self) -> None:
        self._encoder = Encoder()
        self._huffman = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)
        self._stream_id = 1

    def greeting(self) -> bytes:
        """Write what a client begins with: large windows, so that it need not open them again."""
        settings = struct.pack(">HI", _INITIAL_WINDOW_SIZE, _WINDOW)
        return b"".join(
            (
                _PREFACE,
                _frame(_SETTINGS, 0, 0, settings),
                _frame(_WINDOW_UPDATE, 0, 0, struct.pack(">I", _WINDOW)),
                _frame(_SETTINGS, _ACK, 0),
            )
        )

    def request(self, target: str, session: str) -> bytes:
        """Write a request."""
        block = b"".join(
            (
                self._encoder.encode([(":method", "GET"), (":scheme", "http")]),
                self._encoder.encode([(":authority", HOST[1])]),
                self._path(target),
                self._encoder.encode([*_FIELDS, ("cookie", f"session={session}")]),
            )
        )
        frame = _frame(_HEADERS, _END_STREAM | _END_HEADERS, self._stream_id, block)
        self._stream_id += 2
        return frame

    def _path(self, target: str) -> bytes:
        if target == "/":
            return _ROOT
        coded = self._huffman.encode(target.encode())
        return _PATH + bytes((_HUFFMAN | len(coded),)) + coded


def same(client: Client, count: int) -> list[bytes]:
    """Give the same request that many times."""
    return [client.request("/", SESSION) for _ in range(NEW)][:count]


def new(client: Client, count: int) -> list[bytes]:
    """Give that many requests, of which no two have a target or a cookie in common."""
    # All are made, however many are asked for, so that making them is not counted.
    targets = [(f"/?n={number:04}", f"{number:016x}") for number in range(NEW)]
    return [client.request(*each) for each in targets][:count]


KINDS = {"same": same, "new": new}


def _frame(kind: int, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    return struct.pack(">IBI", len(payload) << 8 | kind, flags, stream_id) + payload
