"""The Huffman code of header strings (RFC 7541 section 5.2 and appendix B).

Knows: the code, and how to read and write it.
Must not know: string literals, their lengths or what they are for.
"""

from __future__ import annotations

from hypercorn_protocols.http2.headers.codec import CompressionError

__all__ = ["decode", "encode"]

_EOS = 256

# The length in bits of the code of each byte, and of EOS last. The code is canonical, symbols
# sorted by length and then by value, so that nothing more of appendix B needs to be written down.
_LENGTHS = bytes.fromhex(
    "0d171c1c1c1c1c1c1c181e1c1c1e1c1c1c1c1c1c1c1c1e1c1c1c1c1c1c1c1c1c060a0a0c0d06080b"
    "0a0a080b080606060505050606060606060607080f060c0a0d060707070707070707070707070707"
    "07070707070707070807080d130d0e060f0506050605060606050707060606050607060505060707"
    "0707070f0b0e0d1c1416141416161617161717171717181718181617181717171715161716171718"
    "16151416161717151716161815161717151516151716171714161616171616171a1a141316171619"
    "1a1a1a1b1b1a181913151a1b1b1a1b1815151a1a1c1b1b1b14181415161515171616191918181a17"
    "1a1b1a1a1b1b1b1b1b1c1b1b1b1b1b1a1e"
)


def _canonical(lengths: bytes) -> list[str]:
    """Return the code of each symbol in binary digits."""
    codes = [""] * len(lengths)
    code = last = 0
    for length, symbol in sorted(zip(lengths, range(len(lengths)), strict=True)):
        code <<= length - last
        codes[symbol] = f"{code:0{length}b}"
        code, last = code + 1, length
    return codes


class _Node(dict[int, tuple["_Node", bytes]]):
    """Where a decoder is in the code's tree: which byte leads to which node, past which symbols.

    A node learns its steps when they are first asked for. All of them, 65,536, would take
    each process some 100 ms and 8 MB; text needs a few hundred.
    """

    __slots__ = ("branches", "may_end")

    def __init__(self) -> None:
        self.branches: list[_Node | int] = [_EOS, _EOS]
        """By bit: a node below, or the symbol that is complete."""
        self.may_end = False
        """Whether the bits since the last symbol are padding: at most seven, all of them ones."""

    def __missing__(self, byte: int) -> tuple[_Node, bytes]:
        node, symbols = self, bytearray()
        for bit in (7, 6, 5, 4, 3, 2, 1, 0):
            branch = node.branches[byte >> bit & 1]
            if isinstance(branch, _Node):
                node = branch
            elif branch == _EOS:
                raise CompressionError("end-of-string symbol in a Huffman-encoded string")
            else:
                symbols.append(branch)
                node = _ROOT
        step = self[byte] = node, bytes(symbols)
        return step


def _tree(codes: list[str]) -> _Node:
    root = _Node()
    for symbol, code in enumerate(codes):
        node = root
        for bit in code[:-1]:
            branch = node.branches[bit == "1"]
            if not isinstance(branch, _Node):
                branch = node.branches[bit == "1"] = _Node()
            node = branch
        node.branches[code[-1] == "1"] = symbol
    _allow_padding(root)
    return root


def _allow_padding(root: _Node) -> None:
    node = root
    for _ in range(8):  # after none to seven bits
        node.may_end = True
        branch = node.branches[1]
        assert isinstance(branch, _Node), "no symbol is all ones but EOS, and that is longer"
        node = branch


_CODES = _canonical(_LENGTHS)
_ROOT = _tree(_CODES)


def decode(data: bytes) -> bytes:
    """Return the string that data is the code of.

    Raises CompressionError: EOS in it, or a padding that is too long or not EOS's first bits.
    """
    node = _ROOT
    parts: list[bytes] = []
    append = parts.append
    for byte in data:
        node, symbols = node[byte]
        append(symbols)
    if not node.may_end:
        raise CompressionError("malformed padding of a Huffman-encoded string")
    return b"".join(parts)


def encode(data: bytes) -> bytes:
    """Return the code of a string, padded to whole bytes."""
    codes = _CODES
    bits = "".join([codes[byte] for byte in data])
    bits += "1" * (-len(bits) % 8)
    return int(bits or "0", 2).to_bytes(len(bits) // 8, "big")
