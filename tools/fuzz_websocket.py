#!/usr/bin/env python3
"""Feed WebSockets with frames that are nearly right, and look for disagreement.

    python tools/fuzz_websocket.py --seconds 60

Every input is read by every engine, in one piece and in several, and all of them must hand out
the same; what an application that acts at random makes them send must be understood; nothing may
raise, wait for ever or need much memory. A disagreement is printed with the seed that shows it
again (``--seed N --seconds 0``). The inputs are those of ``tests/protocols``, which must be
importable: run it from an environment of the repository.
"""

from __future__ import annotations

import argparse
import sys
import time
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hypercorn_protocols.settings import WebSocketEngineName
from hypercorn_protocols.websocket import WebSocketEvent
from tests.protocols.websocket.mutation import input_of
from tests.protocols.websocket.player import ENGINES, SETTINGS, converse, is_alike, listen

# What a WebSocket may need in bytes besides its input: a message in the making, its pieces and
# what they are joined to, and zlib's blocks.
_MEMORY = 4 * SETTINGS.max_message_size + 1_000_000
# One of how many inputs that is measured with.
_MEASURED = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until the time is over or a disagreement is found; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="tools/fuzz_websocket.py", description=__doc__.split("\n")[0]
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
    cuts, deflate = input_of(seed)
    return _of_listeners(cuts, deflate) or _of_speakers(seed, cuts, deflate)


def _of_listeners(cuts: list[list[bytes]], deflate: bool) -> str:
    """An application that says nothing is told the same by all."""
    first: list[WebSocketEvent] | None = None
    for engine in ENGINES:
        for cut in cuts:
            try:
                events = listen(engine, cut, deflate=deflate)
            except Exception as error:
                return f"{engine} raised {error!r}, deflate={deflate}\n  {_shown(cut)}"
            if first is None:
                first = events
            elif not is_alike(engine, events, first):
                return (
                    f"{engine} disagrees, deflate={deflate}\n"
                    f"  {_shown(cuts[0])}\n  {_shown(first)}\n  {_shown(cut)}\n  {_shown(events)}"
                )
    return ""


def _of_speakers(seed: int, cuts: list[list[bytes]], deflate: bool) -> str:
    """What an application says is understood, whatever it is told."""
    for engine in ENGINES:
        for cut in cuts:
            try:
                peak = _converse(engine, cut, seed, deflate)
            except Exception as error:
                return f"{engine} raised {error!r}, deflate={deflate}\n  {_shown(cut)}"
            limit = _MEMORY + 4 * sum(map(len, cut))
            if peak > limit:
                return f"{engine} needs {peak} bytes, more than {limit}\n  {_shown(cut)}"
    return ""


def _converse(engine: WebSocketEngineName, cut: list[bytes], seed: int, deflate: bool) -> int:
    """Returns the most memory that was needed, which is slow to find out and not done always."""
    if seed % _MEASURED:
        converse(engine, cut, Random(seed), deflate=deflate)
        return 0
    tracemalloc.start()
    try:
        converse(engine, cut, Random(seed), deflate=deflate)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) < 1000 else f"{text[:500]} ... {text[-500:]}"


if __name__ == "__main__":
    sys.exit(main())
