"""``alone``: each package's tests with none of our packages above it installed."""

from __future__ import annotations

from development.commands import heading, succeeds
from development.environment import hatch, variables

LAYERS = ("layer-protocols", "layer-asgi", "layer-workers")


def run_layers() -> int:
    """Run each layer's tests in its own environment, all of them even when one fails."""
    program, env = hatch(), variables()
    failed = []
    for layer in LAYERS:
        heading(layer)
        if not succeeds([program, "run", f"{layer}:test"], env=env):
            failed.append(layer)
    heading(f"failed: {', '.join(failed)}" if failed else "each layer passes alone")
    return 1 if failed else 0
