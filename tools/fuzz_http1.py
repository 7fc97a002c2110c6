#!/usr/bin/env python3
"""Feed HTTP/1.1 connections with requests that are nearly right, and look for disagreement.

    python tools/fuzz_http1.py --seconds 60

Every input is served by every engine, in one piece and in several, and all of them must come to
the same end; nothing may raise. A disagreement is printed with the seed that shows it again
(``--seed N --seconds 0``). The inputs are those of ``tests/protocols``, which must be importable:
run it from an environment of the repository.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.protocols.mutation import mutant, pieces
from tests.protocols.player import Outcome, play
from tests.protocols.wire import ENGINES


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until the time is over or a disagreement is found; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="tools/fuzz_http1.py", description=__doc__.split("\n")[0]
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
    data = mutant(random)
    cuts = [[data], pieces(random, data), pieces(random, data)]
    first: Outcome | None = None
    for engine in ENGINES:
        for cut in cuts:
            try:
                outcome = play(engine, cut)
            except Exception as error:
                return f"{engine} raised {error!r}\n  {cut}"
            if first is None:
                first = outcome
            elif outcome != first:
                return f"{engine} disagrees\n  {data!r}\n  {first}\n  {cut}\n  {outcome}"
    return ""


if __name__ == "__main__":
    sys.exit(main())
