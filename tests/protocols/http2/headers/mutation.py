"""Blocks of a connection that are right or nearly so, made from a random number generator."""

from __future__ import annotations

from random import Random

from tests.protocols.http2.headers import blocks

_NAMES = [b"x-a", b"cookie", b"accept", b":path", b"x-" + b"long" * 30, b"", b"\x00\xff"]
_VALUES = [b"", b"a", b"text/html", b"/items/42", b"x" * 127, b"\xfe" * 40, b"y" * 4096]
_SIZES = [0, 31, 40, 64, 256, 4095, 4096]
_FRAGMENTS = [
    b"",
    b"\x00",
    b"\x20",
    b"\x3f\xe1\x1f",  # a table of 4096 bytes, and one more
    b"\x3f\xe2\x1f",
    b"\x7f",
    b"\x80",
    b"\xff",
    b"\xff\x80\x80\x80\x80\x00",  # an integer in as many bytes as are allowed, and one more
    b"\xff\x80\x80\x80\x80\x80\x00",
    b"\x00\x84\xff\xff\xff\xff",  # EOS
    b"\x40\x01a\x81\xff",  # padding of eight bits
]

Field = tuple[bytes, bytes, bool]


def connection(random: Random) -> list[bytes]:
    """Return the blocks of one connection, of which about half have been spoilt."""
    sound = [_block(random) for _ in range(random.randint(1, 8))]
    if random.random() < 0.5:
        at = random.randrange(len(sound))
        sound[at] = _spoil(random, sound[at])
    return sound


def header_list(random: Random) -> list[Field]:
    """Return fields to encode."""
    known = [(name, value, False) for name, value in blocks.REQUEST] + blocks.RESPONSE
    return [
        random.choice(known) if random.random() < 0.5 else _field(random)
        for _ in range(random.randint(0, 12))
    ]


def table_sizes(random: Random) -> list[int]:
    """Return what a peer changes the size of its table to, one after the other."""
    return random.choices([*_SIZES, 10_000], k=random.choice([0, 0, 0, 1, 2, 3]))


def _field(random: Random) -> Field:
    return random.choice(_NAMES), _value(random), random.random() < 0.2


def _value(random: Random) -> bytes:
    if random.random() < 0.5:
        return random.choice(_VALUES)
    return random.randbytes(random.choice([1, 5, 60]))


def _block(random: Random) -> bytes:
    updates = b""
    if random.random() < 0.2:
        sizes = random.choices(_SIZES, k=random.choice([1, 2]))
        updates = b"".join(blocks.size_update(size) for size in sizes)
    fields = [_representation(random) for _ in range(random.randint(0, 10))]
    return updates + b"".join(fields)


def _representation(random: Random) -> bytes:
    if random.random() < 0.6:
        # Few blocks insert that many fields that the highest of these exist.
        return blocks.indexed(random.choice([random.randint(1, 61), random.randint(1, 66)]))
    kinds: list[blocks.Representation] = [0x00, 0x10, 0x40, 0x40, 0x40]
    name: bytes | int = random.choice(_NAMES)
    if random.random() < 0.5:
        name = random.randint(1, 62)
    return blocks.literal(random.choice(kinds), name, _value(random), random.random() < 0.6)


def _spoil(random: Random, block: bytes) -> bytes:
    for _ in range(random.randint(1, 3)):
        at = random.randint(0, len(block))
        end = min(len(block), at + random.randint(0, 3))
        instead = random.choice([*_FRAGMENTS, random.randbytes(1)])
        block = block[:at] + instead + block[end:]
    return block
