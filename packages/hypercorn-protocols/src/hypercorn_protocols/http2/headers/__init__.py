"""Header compression of HTTP/2 (HPACK, RFC 7541).

Knows: which names are public. The interface and its engines are in :mod:`codec`. The built-in
engine: :mod:`_decoder` and :mod:`_encoder`, on :mod:`tables` (sections 2.3 and 4),
:mod:`primitives` (section 5) and :mod:`huffman` (appendix B). The other one: :mod:`_hpack`.
"""

from __future__ import annotations

from hypercorn_protocols.http2.headers.codec import (
    Codec,
    CompressionError,
    HeaderDecoder,
    HeaderEncoder,
    HeaderListTooLargeError,
    select_codec,
)

__all__ = [
    "Codec",
    "CompressionError",
    "HeaderDecoder",
    "HeaderEncoder",
    "HeaderListTooLargeError",
    "select_codec",
]
