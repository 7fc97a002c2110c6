"""Engines: who compresses and decompresses header lists.

Knows: the interface of an engine, and which ones there are.
Must not know: frames, streams, or what a field means.

HPACK is stateful: a decoder must be given every field block of its connection, in the order they
arrived, and what an encoder returned must be sent in that order, whatever becomes of the stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from hypercorn_protocols.errors import RemoteProtocolError
from hypercorn_protocols.settings import HTTP2EngineName

__all__ = [
    "Codec",
    "CompressionError",
    "HeaderDecoder",
    "HeaderEncoder",
    "HeaderListTooLargeError",
    "select_codec",
]


class CompressionError(RemoteProtocolError):
    """The peer's field block is malformed. Its decoder is lost, and so is the connection.

    A connection error of type COMPRESSION_ERROR (RFC 9113 section 4.3).
    """


class HeaderListTooLargeError(CompressionError):
    """The header list is larger than the decoder takes; the rest of the block was not decoded."""


class HeaderDecoder(Protocol):
    """Decodes what the peer of one connection encoded."""

    @property
    def changes(self) -> int:
        """Another number whenever a block may stand for other fields than it did before."""

    @property
    def max_table_size(self) -> int:
        """The SETTINGS_HEADER_TABLE_SIZE that the peer must keep to, in bytes."""

    def decode(self, block: bytes) -> list[tuple[bytes, bytes]]:
        """Return the fields of a complete field block, in order, pseudo-header fields included.

        Raises:
            HeaderListTooLargeError: the list's size (name, value and 32 bytes a field: RFC 7541
                section 4.1) is above what the decoder was made for.
            CompressionError: the block breaks RFC 7541.

        The peer is to blame for either, and the decoder must not be used any more.
        """


class HeaderEncoder(Protocol):
    """Encodes for the peer of one connection."""

    @property
    def changes(self) -> int:
        """Another number whenever the same fields may become another block than before."""

    def encode(self, fields: Iterable[tuple[bytes, bytes, bool]]) -> bytes:
        """Return the field block of fields: name in lower case, value, and whether it is secret.

        Secret values are never indexed, here and by any proxy (RFC 7541 section 7.1.3).
        """

    def set_max_table_size(self, size: int) -> None:
        """Obey the peer's SETTINGS_HEADER_TABLE_SIZE, in bytes, from the next block on.

        A size above 4096 is not made use of. A change is announced at the start of that block.
        """


@dataclass(frozen=True, slots=True)
class Codec:
    """An engine."""

    decoder: Callable[[int], HeaderDecoder]
    """Makes a connection's decoder, given the largest header list that it takes (bytes)."""

    encoder: Callable[[], HeaderEncoder]
    """Makes a connection's encoder."""


def _builtin() -> Codec:
    from hypercorn_protocols.http2.headers._decoder import BuiltinDecoder
    from hypercorn_protocols.http2.headers._encoder import BuiltinEncoder

    return Codec(BuiltinDecoder, BuiltinEncoder)


def _hpack() -> Codec:
    from hypercorn_protocols.http2.headers._hpack import HpackDecoder, HpackEncoder

    return Codec(HpackDecoder, HpackEncoder)


# Fastest first. The first one needs nothing installed, so it is "auto".
_ENGINES: dict[str, Callable[[], Codec]] = {"builtin": _builtin, "hpack": _hpack}


@cache
def select_codec(engine: HTTP2EngineName) -> Codec:
    """Return the engine of that name.

    Raises:
        ImportError: its library is not installed.
        ValueError: there is no engine of that name.
    """
    name = "builtin" if engine == "auto" else engine
    if name not in _ENGINES:
        raise ValueError(f"no HTTP/2 engine is named {name!r}: use auto, {', '.join(_ENGINES)}")
    return _ENGINES[name]()
