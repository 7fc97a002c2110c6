"""Which way workers are started.

Knows: what the configuration and the system allow.
Must not know: how it is done.
"""

from __future__ import annotations

from logging import Logger as StandardLogger
from typing import TYPE_CHECKING

from .process import Spawner, Starter

if TYPE_CHECKING:
    from hypercorn.config import Config

__all__ = ["starter_of"]


def starter_of(config: Config, log: StandardLogger) -> Starter:
    """What starts the workers of a configuration."""
    return Spawner()
