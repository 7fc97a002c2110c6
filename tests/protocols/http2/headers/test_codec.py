"""Which engine a name stands for."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from hypercorn_protocols.http2.headers import CompressionError, select_codec
from hypercorn_protocols.http2.headers._decoder import BuiltinDecoder
from hypercorn_protocols.http2.headers._encoder import BuiltinEncoder
from hypercorn_protocols.http2.headers._hpack import HpackDecoder, HpackEncoder


def test_engines() -> None:
    builtin, hpack = select_codec("builtin"), select_codec("hpack")
    assert isinstance(builtin.decoder(100), BuiltinDecoder)
    assert isinstance(builtin.encoder(), BuiltinEncoder)
    assert isinstance(hpack.decoder(100), HpackDecoder)
    assert isinstance(hpack.encoder(), HpackEncoder)


def test_auto_is_builtin() -> None:
    assert isinstance(select_codec("auto").encoder(), BuiltinEncoder)


def test_unknown_engine() -> None:
    name: Any = "nghttp2"
    with pytest.raises(ValueError, match="use auto, builtin, hpack"):
        select_codec(name)


def test_hpack_is_imported_for_its_engine_alone() -> None:
    program = (
        "import sys; from hypercorn_protocols.http2.headers import select_codec;"
        "select_codec('auto'); sys.exit('hpack' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_connections_share_no_state() -> None:
    codec = select_codec("builtin")
    one, other = codec.decoder(1000), codec.decoder(1000)
    one.decode(b"\x40\x01a\x01b")
    with pytest.raises(CompressionError):
        other.decode(b"\xbe")
