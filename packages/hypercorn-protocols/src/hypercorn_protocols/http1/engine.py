"""Engines: the libraries that split a header section into fields.

Knows: the interface of an engine and which ones there are.
Must not know: what a field means, or how a message is framed.

An engine is given a section that matched :data:`grammar.SECTION` and returns its fields as they
are. What it refuses nevertheless is split by the grammar: so two engines can differ only in speed.
Request lines, framing and bodies are not its business; llhttp, for one, knows a fixed list of
methods and takes chunk extensions that RFC 9112 forbids.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Protocol

from hypercorn_protocols.settings import HTTP1EngineName

__all__ = ["FieldSplitter", "available_engines", "select_engine"]


class FieldSplitter(Protocol):
    """What an engine is: called with a section, it returns the fields, names in lower case."""

    def __call__(self, section: bytes, /) -> list[tuple[bytes, bytes]]:
        """Split field lines and the empty line that ends them.

        Raises RemoteProtocolError if the engine refuses them."""


def _h11() -> FieldSplitter:
    from hypercorn_protocols.http1._h11 import split_fields

    return split_fields


def _httptools() -> FieldSplitter:
    from hypercorn_protocols.http1._httptools import split_fields

    return split_fields


# Fastest first: "auto" takes the first that can be imported.
_ENGINES: dict[str, Callable[[], FieldSplitter]] = {"httptools": _httptools, "h11": _h11}


def available_engines() -> list[str]:
    """The names of the engines that are installed, fastest first."""
    return [name for name in _ENGINES if _load(name) is not None]


@cache
def select_engine(name: HTTP1EngineName) -> FieldSplitter:
    """Return the engine of that name.

    Raises:
        ImportError: its library is not installed.
        ValueError: there is no engine of that name.
    """
    if name == "auto":
        return _fastest()
    if name not in _ENGINES:
        raise ValueError(f"no HTTP/1.1 engine is named {name!r}: use auto, {', '.join(_ENGINES)}")
    return _ENGINES[name]()


def _load(name: str) -> FieldSplitter | None:
    try:
        return _ENGINES[name]()
    except ImportError:
        return None


def _fastest() -> FieldSplitter:
    for name in _ENGINES:
        engine = _load(name)
        if engine is not None:
            return engine
    raise ImportError("no HTTP/1.1 engine is installed: h11 belongs to hypercorn-protocols")
