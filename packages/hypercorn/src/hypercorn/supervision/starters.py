"""Which way workers are started.

Knows: what the configuration and the system allow.
Must not know: how it is done.
"""

from __future__ import annotations

import sys
from logging import Logger as StandardLogger
from typing import TYPE_CHECKING

from hypercorn.errors import ConfigError

from .process import Spawner, Starter

if TYPE_CHECKING:
    from hypercorn.config import Config

__all__ = ["starter_of"]


def starter_of(config: Config, log: StandardLogger) -> Starter:
    """What starts the workers of a configuration. Raises ConfigError if the system cannot."""
    if sys.platform == "win32" or sys.platform == "darwin":
        # The libraries of macOS end a process that is forked after they were used.
        if config.preload:
            raise ConfigError(
                "preload = True: this system cannot fork a process that has loaded an "
                "application; leave --preload out"
            )
        return Spawner()
    from .preloading import Preloader

    if config.use_reloader:
        # Whatever is imported before a change would stay as it was.
        return Preloader(config, log, imports_application=False)
    return Preloader(config, log) if config.preload else Spawner()
