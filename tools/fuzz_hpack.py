#!/usr/bin/env python3
"""Feed decoders of header lists with blocks that are nearly right, and look for disagreement.

    python tools/fuzz_hpack.py --seconds 60

Every connection's blocks are decoded by every engine and by hpack itself, and all of them must
come to the same end; what every encoder makes of random header lists must be decoded by all.
Nothing may raise. A disagreement is printed with the seed that shows it again (``--seed N
--seconds 0``). The inputs are those of ``tests/protocols``, which must be importable: run it from
an environment of the repository.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hypercorn_protocols.http2.headers import select_codec
from tests.protocols.http2.headers.blocks import ENGINES, outcome, outcome_of_oracle
from tests.protocols.http2.headers.mutation import connection, header_list, table_sizes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until the time is over or a disagreement is found; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="tools/fuzz_hpack.py", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="how long (10)")
    parser.add_argument("--seed", type=int, default=None, help="the first seed (by the clock)")
    options = parser.parse_args(arguments)
    first = seed = time.time_ns() if options.seed is None else options.seed
    end = time.monotonic() + options.seconds
    while True:
        found = disagreement(seed)
        if found:
            print(f"seed {seed}: {found}")
            return 1
        seed += 1
        if time.monotonic() >= end:
            print(f"{seed - first} inputs from seed {first}: {', '.join(ENGINES)} agree")
            return 0


def disagreement(seed: int) -> str:
    """Try the input of one seed; return what is wrong, or nothing."""
    random = Random(seed)
    return _of_decoders(random) or _of_encoders(random)


def _of_decoders(random: Random) -> str:
    blocks = connection(random)
    expected = outcome_of_oracle(blocks)
    for engine in ENGINES:
        try:
            found = outcome(engine, blocks)
        except Exception as error:
            return f"{engine} raised {error!r}\n  {blocks}"
        if found != expected:
            return f"{engine} disagrees\n  {blocks}\n  {expected}\n  {found}"
    return ""


def _of_encoders(random: Random) -> str:
    steps = [(table_sizes(random), header_list(random)) for _ in range(5)]
    for engine in ENGINES:
        encoder = select_codec(engine).encoder()
        decoders = {name: select_codec(name).decoder(1_000_000) for name in ENGINES}
        for sizes, fields in steps:
            try:
                for size in sizes:
                    encoder.set_max_table_size(size)
                block = encoder.encode(fields)
                found = {name: decoder.decode(block) for name, decoder in decoders.items()}
            except Exception as error:
                return f"{engine}'s block raised {error!r}\n  {steps}"
            expected = [(name, value) for name, value, _ in fields]
            if any(decoded != expected for decoded in found.values()):
                return f"{engine}'s block was not understood\n  {steps}\n  {found}"
    return ""


if __name__ == "__main__":
    sys.exit(main())
