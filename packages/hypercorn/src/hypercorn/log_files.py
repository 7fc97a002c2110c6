"""Log files, opened again after others have moved them away (logrotate).

Knows: the files of all loggers' handlers, whoever configured them.
Must not know: when to do it.
"""

from __future__ import annotations

import logging
import logging.handlers
from collections.abc import Iterable, Iterator

__all__ = ["paths", "reopen"]


def paths() -> list[str]:
    """The log files that are open."""
    handlers = dict.fromkeys(_file_handlers())
    return [handler.baseFilename for handler in handlers if handler.stream is not None]


def reopen() -> list[str]:
    """Go on in the file that the path of each log file names now.

    No line is lost, and none is written twice. A file that is not open yet stays so; one that
    cannot be opened again leaves the open one in use. Returns what went wrong, a line for each.
    """
    # A handler may serve several loggers.
    return [error for handler in dict.fromkeys(_file_handlers()) if (error := _renew(handler))]


def _file_handlers() -> Iterator[logging.FileHandler]:
    for logger in (logging.root, *list(logging.root.manager.loggerDict.values())):
        if isinstance(logger, logging.Logger):
            yield from _among(logger.handlers)


def _among(handlers: Iterable[logging.Handler]) -> Iterator[logging.FileHandler]:
    """Those that write files, and those behind handlers that pass records on."""
    for handler in list(handlers):
        if isinstance(handler, logging.FileHandler):
            yield handler
        elif isinstance(handler, logging.handlers.MemoryHandler) and handler.target is not None:
            yield from _among([handler.target])
        elif isinstance(handler, logging.handlers.QueueHandler):
            # Since Python 3.12, if logging was configured with a dictionary.
            yield from _among(getattr(getattr(handler, "listener", None), "handlers", ()))


def _renew(handler: logging.FileHandler) -> str | None:
    handler.acquire()
    try:
        if handler.stream is None:
            return None
        # What empties a new file would empty one that has not been moved.
        handler.mode = handler.mode.replace("w", "a").replace("x", "a")
        former = handler.setStream(handler._open())
        if former is not None:
            former.close()
    except OSError as error:
        return f"cannot open {handler.baseFilename!r} again: {error.strerror}"
    finally:
        handler.release()
    return None
