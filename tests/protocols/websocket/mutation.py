"""What clients send that is right or nearly so: what fuzzing begins with and what it puts in."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from random import Random

from tests.protocols.mutation import pieces

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

_TEXTS = [
    *[b"", b"a", b"Hello", b"x" * 124, b"y" * 125, b"z" * 126, b"z" * 127, b"{'a': [1, 2]}" * 30],
    *["é".encode(), "κόσμε".encode(), "€𐍈\U0010ffff".encode(), "😀".encode() * 50],
]
_BROKEN_TEXTS = [
    *[b"\xff", b"a\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\xf0"],
    *[b"ab\xc3(", b"x" * 200 + b"\xff", "κόσμε".encode() + b"\xed\xa0\x80edited"],
]
_CODES = [
    *[0, 1, 999, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012],
    *[1013, 1014, 1015, 1016, 1100, 2000, 2999, 3000, 3999, 4000, 4999, 5000, 65_535],
]


def frame(
    random: Random,
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    masked: bool = True,
    long: int = 0,
) -> bytes:
    """One frame of a client's.

    Args:
        random: chooses the mask.
        opcode: 0 to 15.
        payload: what it carries.
        fin: the last one of its message.
        rsv: the three bits behind FIN; 4 is RSV1.
        masked: whether it is, as it has to be.
        long: how many steps longer than necessary the length is written.
    """
    size = len(payload)
    form = min((size > 125) + (size > 65_535) + long, 2)
    length = [bytes([size & 127]), b"\x7e%b" % size.to_bytes(8, "big")[6:], b"\x7f"][form]
    if form == 2:
        length += size.to_bytes(8, "big")
    head = bytes([fin << 7 | rsv << 4 | opcode, length[0] | masked << 7]) + length[1:]
    if not masked:
        return head + payload
    mask = random.randbytes(4)
    pad = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return head + mask + (int.from_bytes(payload, "big") ^ pad).to_bytes(size, "big")


class Speaker:
    """A client that speaks at random: mostly right, with some mistakes if it makes any.

    Args:
        random: makes all decisions.
        deflate: whether permessage-deflate was agreed to.
        mistakes: how likely each step is to be a wrong one.
    """

    def __init__(self, random: Random, *, deflate: bool, mistakes: float) -> None:
        self._random = random
        self._compressor = zlib.compressobj(6, zlib.DEFLATED, -12) if deflate else None
        self._mistakes = mistakes

    def speak(self) -> bytes:
        """Some frames, perhaps with a Close at their end and damage anywhere."""
        random = self._random
        data = bytearray(b"".join(self._step() for _ in range(random.randint(1, 12))))
        if random.random() < 0.4:
            data += self._close(random.choice((1000, 1001, 4000)), random.choice(_TEXTS[:3]))
            data += self._step() if random.random() < 0.3 else b""
        if random.random() < self._mistakes:
            self._damage(data)
        return bytes(data)

    def _step(self) -> bytes:
        random = self._random
        if random.random() < self._mistakes / 4:
            many = random.random() < 0.02
            return random.choice(self._floods() if many else self._mishaps())()
        return random.choice((self._message, self._message, self._control))()

    def _message(self, content: bytes | None = None, opcode: int = 0) -> bytes:
        random = self._random
        if content is None:
            opcode = random.choice((TEXT, BINARY))
            content = random.choice(_TEXTS)
            if opcode == BINARY and random.random() < 0.2:
                content = random.randbytes(random.choice((1, 100, 126, 1000)))
        if self._compressor is not None and random.random() < 0.6:
            return self._fragments(opcode, self._compress(content), 4)
        return self._fragments(opcode, content, 0)

    def _compress(self, content: bytes) -> bytes:
        assert self._compressor is not None
        if self._random.random() < 0.1:  # RFC 7692 section 7.2.3.4
            self._compressor = zlib.compressobj(6, zlib.DEFLATED, -12)
            data = self._compressor.compress(content) + self._compressor.flush(zlib.Z_FINISH)
            self._compressor = zlib.compressobj(6, zlib.DEFLATED, -12)
            return data + b"\x00"
        data = self._compressor.compress(content)
        return (data + self._compressor.flush(zlib.Z_SYNC_FLUSH))[:-4] or b"\x00"

    def _bomb(self) -> bytes:
        return b"" if self._compressor is None else self._compress(bytes(3_000_000))

    def _fragments(self, opcode: int, payload: bytes, rsv: int) -> bytes:
        random = self._random
        cuts = [random.randint(0, len(payload)) for _ in range(random.choice((0, 0, 0, 1, 2, 5)))]
        ends = [0, *sorted(cuts), len(payload)]
        frames = []
        for at in range(len(ends) - 1):
            fin = at == len(ends) - 2
            part = payload[ends[at] : ends[at + 1]]
            frames.append(frame(random, 0 if at else opcode, part, fin=fin, rsv=0 if at else rsv))
            if not fin and random.random() < 0.3:
                frames.append(self._control())
        return b"".join(frames)

    def _control(self) -> bytes:
        random = self._random
        return frame(random, random.choice((PING, PONG)), random.choice(_TEXTS)[:125])

    def _close(self, code: int | None = None, reason: bytes | None = None) -> bytes:
        random = self._random
        if code is None:
            code = random.choice(_CODES)
        if reason is None:
            reason = random.choice(_TEXTS[:5] + _BROKEN_TEXTS[:4])
        return frame(random, CLOSE, (code.to_bytes(2, "big") + reason)[:125])

    def _mishaps(self) -> list[Callable[[], bytes]]:
        random = self._random
        some = random.choice(_TEXTS)
        return [
            lambda: frame(random, random.choice((3, 4, 5, 6, 7, 11, 12, 13, 14, 15)), some),
            lambda: frame(random, random.choice((0, 1, 2, 8, 9, 10)), some, rsv=1),
            lambda: frame(random, random.choice((0, 1, 2, 8, 9, 10)), some, rsv=2),
            lambda: frame(random, random.choice((0, 1, 2, 8, 9, 10)), some[:125], rsv=4),
            lambda: frame(random, random.choice((1, 2, 8, 9, 10)), some, masked=False),
            lambda: frame(random, random.choice((1, 2, 9)), some, long=random.choice((1, 2))),
            lambda: frame(random, random.choice((8, 9, 10)), b"x" * 126),
            lambda: frame(random, random.choice((8, 9, 10)), some[:125], fin=False),
            lambda: frame(random, random.choice((0, 1, 2)), some, fin=False),
            lambda: frame(random, 0, some),
            lambda: frame(random, CLOSE, random.choice((b"", b"\x03"))),
            lambda: b"\x82\xff" + random.choice((b"\x80", b"\x7f", b"\x00")) + bytes(7) + b"mask",
            lambda: self._fragments(TEXT, random.choice(_BROKEN_TEXTS), 0),
            lambda: frame(random, TEXT, random.choice(_BROKEN_TEXTS), fin=False),
            lambda: self._message(random.choice(_BROKEN_TEXTS), TEXT),
            lambda: self._fragments(BINARY, random.randbytes(random.randint(0, 20)), 4),
            lambda: b"".join(frame(random, PING, b"%d" % at) for at in range(40)),
            self._close,
            lambda: random.randbytes(random.randint(1, 30)),
        ]

    def _floods(self) -> list[Callable[[], bytes]]:
        random = self._random
        return [
            lambda: self._message(b"x" * random.choice((65_535, 65_536, 100_001)), TEXT),
            lambda: self._message(bytes(random.choice((99_999, 100_000, 100_001))), BINARY),
            lambda: self._fragments(BINARY, self._bomb(), 4),
            lambda: self._fragments(BINARY, b"\x03\x00" * random.choice((5, 4000, 5000)), 4),
            lambda: frame(random, BINARY, fin=False) + frame(random, 0, b"x", fin=False) * 4200,
        ]

    def _damage(self, data: bytearray) -> None:
        random = self._random
        for _ in range(random.randint(0, 3)):
            at = random.randint(0, len(data))
            kind = random.random()
            if kind < 0.4 and at < len(data):
                data[at] ^= 1 << random.randint(0, 7)
            elif kind < 0.6:
                data[at : at + random.randint(0, 3)] = random.randbytes(random.randint(0, 3))
            elif kind < 0.8:
                data[at:at] = data[random.randint(0, len(data)) :][: random.randint(0, 50)]
            else:
                del data[at:]


def input_of(seed: int) -> tuple[list[list[bytes]], bool]:
    """One client's bytes, cut in several ways, and whether deflate was agreed to."""
    random = Random(seed)
    deflate = random.random() < 0.5
    speaker = Speaker(random, deflate=deflate, mistakes=random.choice((0.0, 0.3, 1.0)))
    data = speaker.speak() or frame(random, PING)  # for nothing would be the end
    cuts = [[data], pieces(random, data), pieces(random, data)]
    if random.random() < 0.5:
        cuts = [[*cut, b""] for cut in cuts]
    return cuts, deflate
