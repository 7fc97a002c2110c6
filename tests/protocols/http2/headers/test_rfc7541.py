"""The examples of RFC 7541 appendix C."""

from __future__ import annotations

import pytest

from hypercorn_protocols.http2.headers import Codec
from hypercorn_protocols.http2.headers.primitives import decode_integer, encode_integer
from tests.protocols.http2.headers.blocks import size_update

GET = [(b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/")]
SECURE_GET = [(b":method", b"GET"), (b":scheme", b"https"), (b":path", b"/index.html")]
AUTHORITY = (b":authority", b"www.example.com")
REQUESTS = [
    [*GET, AUTHORITY],
    [*GET, AUTHORITY, (b"cache-control", b"no-cache")],
    [*SECURE_GET, AUTHORITY, (b"custom-key", b"custom-value")],
]
REDIRECTION = [
    (b"cache-control", b"private"),
    (b"date", b"Mon, 21 Oct 2013 20:13:21 GMT"),
    (b"location", b"https://www.example.com"),
]
LATER = b"Mon, 21 Oct 2013 20:13:22 GMT"
COOKIE = b"foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"
RESPONSES = [
    [(b":status", b"302"), *REDIRECTION],
    [(b":status", b"307"), *REDIRECTION],
    [
        (b":status", b"200"),
        (b"cache-control", b"private"),
        (b"date", LATER),
        (b"location", b"https://www.example.com"),
        (b"content-encoding", b"gzip"),
        (b"set-cookie", COOKIE),
    ],
]


@pytest.mark.parametrize(
    ("value", "mask", "encoded"),
    [(10, 0x1F, "0a"), (1337, 0x1F, "1f9a0a"), (42, 0xFF, "2a")],
)
def test_c1_integers(value: int, mask: int, encoded: str) -> None:
    assert encode_integer(value, mask, 0) == bytes.fromhex(encoded)
    assert decode_integer(bytes.fromhex(encoded), 0, mask) == (value, len(encoded) // 2)


@pytest.mark.parametrize(
    ("block", "field"),
    [
        (
            "400a637573746f6d2d6b65790d637573746f6d2d686561646572",
            (b"custom-key", b"custom-header"),
        ),
        ("040c2f73616d706c652f70617468", (b":path", b"/sample/path")),
        ("100870617373776f726406736563726574", (b"password", b"secret")),
        ("82", (b":method", b"GET")),
    ],
)
def test_c2_representations(codec: Codec, block: str, field: tuple[bytes, bytes]) -> None:
    assert codec.decoder(4096).decode(bytes.fromhex(block)) == [field]


C3 = [
    "828684410f7777772e6578616d706c652e636f6d",
    "828684be58086e6f2d6361636865",
    "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
]
C4 = [
    "828684418cf1e3c2e5f23a6ba0ab90f4ff",
    "828684be5886a8eb10649cbf",
    "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
]


@pytest.mark.parametrize("blocks", [C3, C4], ids=["C.3", "C.4"])
def test_c3_and_c4_requests(codec: Codec, blocks: list[str]) -> None:
    decoder = codec.decoder(4096)
    assert [decoder.decode(bytes.fromhex(block)) for block in blocks] == REQUESTS


def test_c4_is_what_is_encoded(codec: Codec) -> None:
    encoder = codec.encoder()
    encoded = [
        encoder.encode([(name, value, False) for name, value in fields]).hex()
        for fields in REQUESTS
    ]
    assert encoded == C4


C5 = [
    (
        "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d"
        "546e1768747470733a2f2f7777772e6578616d706c652e636f6d"
    ),
    "4803333037c1c0bf",
    (
        "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f"
        "6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b"
        "2076657273696f6e3d31"
    ),
]
C6 = [
    (
        "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad17186"
        "3c78f0b97c8e9ae82ae43d3"
    ),
    "4883640effc1c0bf",
    (
        "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b3"
        "35dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007"
    ),
]


@pytest.mark.parametrize("blocks", [C5, C6], ids=["C.5", "C.6"])
def test_c5_and_c6_responses_with_eviction(codec: Codec, blocks: list[str]) -> None:
    decoder = codec.decoder(4096)
    assert decoder.decode(size_update(256)) == []
    assert [decoder.decode(bytes.fromhex(block)) for block in blocks] == RESPONSES
