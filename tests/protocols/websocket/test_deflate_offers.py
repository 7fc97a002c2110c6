"""permessage-deflate (RFC 7692 section 7.1): what is offered and what is agreed to."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    PerMessageDeflate,
)
from websockets.frames import Frame, Opcode
from wsproto.extensions import PerMessageDeflate as WSProtoDeflate

from hypercorn_protocols.settings import WebSocketSettings
from hypercorn_protocols.websocket.deflate import Deflate, InflateError, agree
from hypercorn_protocols.websocket.extensions import (
    Extension,
    encode_extension,
    parse_extensions,
)

SETTINGS = WebSocketSettings(deflate_window_bits=15)

FLAGS = [None, "server_no_context_takeover"], [None, "client_no_context_takeover"]
SERVER_BITS = [None, *(f"server_max_window_bits={bits}" for bits in range(8, 16))]
CLIENT_BITS = [
    None,
    "client_max_window_bits",
    *(f"client_max_window_bits={bits}" for bits in range(8, 16)),
]


def offer(*parameters: str | None) -> str:
    return "; ".join(["permessage-deflate", *(part for part in parameters if part is not None)])


def agreement(offers: str, settings: WebSocketSettings = SETTINGS) -> tuple[str, Deflate] | None:
    found = agree(parse_extensions(offers.encode()), settings)
    if found is None:
        return None
    extension, codec = found
    return encode_extension(extension).decode(), codec


def answer(offers: str, settings: WebSocketSettings = SETTINGS) -> str | None:
    found = agreement(offers, settings)
    return None if found is None else found[0]


@pytest.mark.parametrize(
    ("offered", "expected"),
    [
        ("", ""),
        # 7.1.1.1 and 7.1.1.2
        ("server_no_context_takeover", "server_no_context_takeover"),
        ("client_no_context_takeover", "client_no_context_takeover"),
        # 7.1.2.1: what is offered is answered with the same or less
        ("server_max_window_bits=15", "server_max_window_bits=15"),
        ("server_max_window_bits=9", "server_max_window_bits=9"),
        ('server_max_window_bits="10"', "server_max_window_bits=10"),
        # 7.1.2.2: what nobody limits needs no answer
        ("client_max_window_bits", ""),
        ("client_max_window_bits=15", ""),
        ("client_max_window_bits=10", "client_max_window_bits=10"),
        ("client_max_window_bits=8", "client_max_window_bits=8"),
        ('client_max_window_bits="1\\1"', "client_max_window_bits=11"),
    ],
)
def test_each_parameter(offered: str, expected: str) -> None:
    assert answer(offer(offered or None)) == offer(expected or None)


@pytest.mark.parametrize(
    ("offered", "expected"),
    [
        ([], ["server_max_window_bits=12"]),
        (["server_max_window_bits=15"], ["server_max_window_bits=12"]),
        (["server_max_window_bits=10"], ["server_max_window_bits=10"]),
        (["client_max_window_bits"], ["server_max_window_bits=12", "client_max_window_bits=12"]),
        (["client_max_window_bits=9"], ["server_max_window_bits=12", "client_max_window_bits=9"]),
    ],
)
def test_smaller_windows(offered: list[str], expected: list[str]) -> None:
    settings = replace(SETTINGS, deflate_window_bits=12)

    assert answer(offer(*offered), settings) == offer(*expected)


@pytest.mark.parametrize(("server", "client"), list(product(*FLAGS)))
def test_no_context(server: str | None, client: str | None) -> None:
    settings = replace(SETTINGS, deflate_context_takeover=False)

    assert answer(offer(client, server), settings) == offer(
        "server_no_context_takeover", "client_no_context_takeover"
    )


INVALID = [
    "x",
    "x=1",
    "Server_No_Context_Takeover",
    *(f"{name}_no_context_takeover={value}" for name in ("server", "client") for value in "1x"),
    *(f'{name}_no_context_takeover="1"' for name in ("server", "client")),
    "server_max_window_bits",
    *(
        f"{name}_max_window_bits={value}"
        for name in ("server", "client")
        for value in ("7", "16", "0", "-9", "+9", "09", "9.0", "1_0", "x", "100", '"09"')
    ),
]


@pytest.mark.parametrize("invalid", INVALID)
def test_invalid_offers_are_declined(invalid: str) -> None:
    assert answer(offer(invalid)) is None
    assert answer(offer("client_max_window_bits", invalid)) is None
    assert answer(f"{offer(invalid)}, {offer()}") == offer()


@pytest.mark.parametrize(
    "parameter",
    [
        "server_no_context_takeover",
        "client_no_context_takeover",
        "server_max_window_bits=10",
        "client_max_window_bits=10",
        "client_max_window_bits",
    ],
)
def test_repeated_parameters_are_declined(parameter: str) -> None:
    assert answer(offer(parameter)) is not None
    assert answer(offer(parameter, parameter)) is None
    assert answer(offer("client_max_window_bits=10", "client_max_window_bits")) is None
    assert answer(offer("server_max_window_bits=10", "server_max_window_bits=9")) is None


def test_a_window_that_zlib_cannot_have_is_declined() -> None:
    assert answer(offer("server_max_window_bits=8")) is None
    assert answer(f"{offer('server_max_window_bits=8')}, {offer('server_max_window_bits=9')}") == (
        offer("server_max_window_bits=9")
    )


def test_the_first_that_can_be_had() -> None:
    offers = [offer("x"), "deflate-frame", offer("client_no_context_takeover"), offer()]

    assert answer(", ".join(offers)) == offer("client_no_context_takeover")


@pytest.mark.parametrize(
    "other", ["deflate", "Permessage-Deflate", "x-webkit-deflate-frame", "permessage-deflate-2"]
)
def test_other_extensions(other: str) -> None:
    assert answer(other) is None


def test_no_offers() -> None:
    assert agree([], SETTINGS) is None
    assert agree([Extension("mux", [])], SETTINGS) is None


# Every combination, as clients that are not ours take the answer.

COMBINATIONS = list(product(*FLAGS, SERVER_BITS, CLIENT_BITS))
MESSAGES = [b"Hello" * 20, bytes(range(256)) * 20, b"Hello" * 20, b"x" * 2_000]


@pytest.mark.parametrize("bits", [9, 12, 15])
@pytest.mark.parametrize("takeover", [False, True])
def test_every_combination(bits: int, takeover: bool) -> None:
    settings = replace(SETTINGS, deflate_window_bits=bits, deflate_context_takeover=takeover)
    for server, client, server_bits, client_bits in COMBINATIONS:
        found = agreement(offer(server, client, server_bits, client_bits), settings)
        if server_bits == "server_max_window_bits=8":
            assert found is None
            continue
        assert found is not None
        if client_bits == "client_max_window_bits=8":  # which that client does not do
            assert client_bits in found[0]
        else:
            check_with_websockets(found, server, client, server_bits, client_bits)


def check_with_websockets(
    found: tuple[str, Deflate],
    server: str | None,
    client: str | None,
    server_bits: str | None,
    client_bits: str | None,
) -> None:
    """Take the answer as a client does that offered this, and exchange messages."""
    factory = ClientPerMessageDeflateFactory(
        server_no_context_takeover=server is not None,
        client_no_context_takeover=client is not None,
        server_max_window_bits=_bits(server_bits),
        client_max_window_bits=_bits(client_bits),
    )
    answered, ours = found
    (extension,) = parse_extensions(answered.encode())
    theirs = factory.process_response_params(extension.parameters, [])
    assert isinstance(theirs, PerMessageDeflate)
    for message in MESSAGES:
        sent = theirs.encode(Frame(Opcode.BINARY, message))
        assert ours.inflate(bytes(sent.data), len(message), True) == message
        received = theirs.decode(Frame(Opcode.BINARY, ours.compress(message), rsv1=True))
        assert received.data == message


def _bits(parameter: str | None) -> int | None:
    if parameter is None:
        return None
    _, equals, value = parameter.partition("=")
    # The library has True for the parameter without a value, which its types say as well.
    return int(value) if equals else True


@pytest.mark.parametrize(("server", "client"), list(product([False, True], repeat=2)))
@pytest.mark.parametrize(("server_bits", "client_bits"), [(9, 15), (12, 12), (15, 9)])
def test_wsproto_takes_the_answer(
    server: bool, client: bool, server_bits: int, client_bits: int
) -> None:
    theirs = WSProtoDeflate(client, client_bits, server, server_bits)
    offered = theirs.offer()
    assert isinstance(offered, str)
    found = agreement(offer(offered))
    assert found is not None
    theirs.finalize(found[0])

    assert theirs.enabled()
    assert theirs.server_no_context_takeover is server
    assert theirs.client_no_context_takeover is client
    assert theirs.server_max_window_bits == server_bits
    assert theirs.client_max_window_bits == client_bits


@pytest.mark.parametrize("resets", [False, True])
def test_the_codec_does_what_was_agreed_to(resets: bool) -> None:
    flags = ["server_no_context_takeover", "client_no_context_takeover"] if resets else []
    found = agreement(offer(*flags, "server_max_window_bits=9", "client_max_window_bits=10"))
    assert found is not None
    codec = found[1]

    assert codec.key[0] == 9
    assert (codec.compress(b"Hello" * 20) == codec.compress(b"Hello" * 20)) is resets
    sender = Deflate(SETTINGS, compressor_bits=10)
    codec.inflate(sender.compress(b"Hello" * 20), 100, True)
    if resets:
        with pytest.raises(InflateError):
            codec.inflate(sender.compress(b"Hello" * 20), 100, True)
    else:
        codec.inflate(sender.compress(b"Hello" * 20), 100, True)
