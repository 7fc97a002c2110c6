#!/usr/bin/env python3
"""``python3 tools/bump.py VERSION``: give the four distributions a new version."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import versions


def main(arguments: Sequence[str]) -> int:
    """Rewrite the version everywhere and return the exit code."""
    if len(arguments) != 1:
        print("usage: python3 tools/bump.py VERSION", file=sys.stderr)
        return 2
    try:
        versions.rewrite(arguments[0])
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{len(versions.DISTRIBUTIONS)} distributions are now {arguments[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
