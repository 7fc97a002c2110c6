"""Kinds of option values: what may be assigned, how text becomes a value, how a refusal reads.

Knows: one class for each kind. ``check`` takes a Python (or TOML) value, ``parse`` takes text from
the command line or the environment; both return the value to keep and raise ValueError with a
phrase such as ``must be a whole number``.
Must not know: which options there are.
"""

from __future__ import annotations

import enum
import logging
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, cast

__all__ = [
    "Account",
    "Choice",
    "Enumeration",
    "Integer",
    "Kind",
    "Level",
    "LogTarget",
    "Maybe",
    "Path",
    "PythonClass",
    "Seconds",
    "Size",
    "Strings",
    "Switch",
    "Table",
    "Text",
]

T = TypeVar("T")
E = TypeVar("E", bound=enum.IntEnum | enum.IntFlag)

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})
NOTHING_WORDS = frozenset({"", "none"})
SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([KMGT]?)(?:i?B)?", re.IGNORECASE)
SIZE_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


class Kind(Generic[T]):
    """What values an option takes. ``name`` is the type as documentation shows it."""

    name: str = "text"
    metavar: str | None = "TEXT"
    from_text: bool = True
    """Whether the value can be written on a command line."""
    repeatable: bool = False
    """Whether the flag may be given several times, each time adding a value."""

    def check(self, value: object) -> T:
        """The value to keep for a Python value; ValueError says what it must be."""
        raise NotImplementedError

    def parse(self, text: str) -> T:
        """The value to keep for text from a command line or an environment variable."""
        return self.check(text)

    def parse_many(self, texts: list[str]) -> T:
        """The value for a repeated flag; the last one counts unless the kind is repeatable."""
        return self.parse(texts[-1])


class Text(Kind[str]):
    """Any text."""

    def check(self, value: object) -> str:
        if not isinstance(value, str):
            raise ValueError("must be text")
        return value


class Path(Kind[str]):
    """A file path; ``os.PathLike`` objects are taken too and kept as text."""

    name = "path"
    metavar = "PATH"

    def check(self, value: object) -> str:
        if not isinstance(value, (str, os.PathLike)):
            raise ValueError("must be a path")
        path = os.fspath(value)
        if not isinstance(path, str) or not path:
            raise ValueError("must be a path")
        return path


class Switch(Kind[bool]):
    """On or off."""

    name = "true or false"
    metavar = None

    def check(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise ValueError("must be true or false")
        return value

    def parse(self, text: str) -> bool:
        word = text.strip().lower()
        if word in TRUE_WORDS:
            return True
        if word in FALSE_WORDS:
            return False
        raise ValueError("must be true or false")


@dataclass(frozen=True)
class Integer(Kind[int]):
    """A whole number. ``base`` is how text is read: umasks are octal."""

    minimum: int = 0
    base: Literal[8, 10] = 10
    name: str = "whole number"
    metavar: str | None = "N"
    maximum: int | None = None

    def check(self, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < self.minimum:
            raise ValueError(self._expected)
        if self.maximum is not None and value > self.maximum:
            raise ValueError(self._expected)
        return int(value)

    def parse(self, text: str) -> int:
        try:
            number = int(text, self.base)
        except ValueError:
            raise ValueError(self._expected) from None
        return self.check(number)

    @property
    def _expected(self) -> str:
        octal = " written in octal, such as 022" if self.base == 8 else ""
        limit = f"{self.minimum} or more" if self.maximum is None else self._range
        return f"must be a whole number{octal}, {limit}"

    @property
    def _range(self) -> str:
        return f"{self.minimum} to {self.maximum}"


@dataclass(frozen=True)
class Size(Kind[int]):
    """An amount of memory: bytes, or text such as ``512M``."""

    minimum: int = 0
    name: str = "bytes, or text such as `512M` or `2G`"
    metavar: str | None = "SIZE"

    def check(self, value: object) -> int:
        if isinstance(value, str):
            return self.parse(value)
        if not isinstance(value, int) or isinstance(value, bool) or value < self.minimum:
            raise ValueError(self._expected)
        return int(value)

    def parse(self, text: str) -> int:
        match = SIZE.fullmatch(text.strip())
        if match is None:
            raise ValueError(self._expected)
        return self.check(int(float(match[1]) * SIZE_UNITS[match[2].upper()]))

    @property
    def _expected(self) -> str:
        return f"must be a size such as 512M or 2G, {self.minimum >> 20}M or more"


@dataclass(frozen=True)
class Seconds(Kind[float]):
    """A time in seconds, whole or not."""

    minimum: float = 0
    name: str = "seconds"
    metavar: str | None = "SECONDS"

    def check(self, value: object) -> float:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise ValueError("must be a number of seconds")
        seconds = float(value)
        if not math.isfinite(seconds) or seconds < self.minimum:
            raise ValueError(self._expected)
        return seconds

    def parse(self, text: str) -> float:
        try:
            return self.check(float(text))
        except ValueError:
            raise ValueError(self._expected) from None

    @property
    def _expected(self) -> str:
        return f"must be a number of seconds, {self.minimum:g} or more"


@dataclass(frozen=True)
class Choice(Kind[str]):
    """One of a few words."""

    words: tuple[str, ...]
    metavar: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "metavar", "{" + ",".join(self.words) + "}")

    @property
    def name(self) -> str:  # type: ignore[override]  # a shorter way to say one per instance
        return ", ".join(f"`{word}`" for word in self.words)

    def check(self, value: object) -> str:
        if value not in self.words:
            raise ValueError(f"must be one of {', '.join(self.words)}")
        return value


class Level(Kind[str]):
    """A level of the logging module, in any case."""

    name = "log level"
    metavar = "LEVEL"

    def check(self, value: object) -> str:
        if not isinstance(value, str) or not isinstance(logging.getLevelName(value.upper()), int):
            raise ValueError("must be one of critical, error, warning, info, debug")
        return value


def _any_text(text: str) -> object:
    return text


@dataclass(frozen=True)
class Strings(Kind[list[str]]):
    """A list of texts. One text stands for a list of one; in the environment commas separate.

    ``item`` raises ValueError for a text that may not be in the list.
    """

    item: Callable[[str], object] = _any_text
    name: str = "list of text"
    metavar: str | None = "TEXT"
    repeatable: bool = True

    def check(self, value: object) -> list[str]:
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, (list, tuple)) or not all(isinstance(i, str) for i in items):
            raise ValueError("must be a list of texts")
        for text in items:
            self.item(text)
        return list(items)

    def parse(self, text: str) -> list[str]:
        return self.check([part.strip() for part in text.split(",") if part.strip()])

    def parse_many(self, texts: list[str]) -> list[str]:
        return self.check(texts)


@dataclass(frozen=True)
class Maybe(Kind[T | None]):
    """A value of another kind, or None; in text, ``none`` or nothing at all means None."""

    kind: Kind[T]

    @property
    def name(self) -> str:  # type: ignore[override]  # follows the other kind
        return self.kind.name

    @property
    def metavar(self) -> str | None:  # type: ignore[override]
        return self.kind.metavar

    @property
    def from_text(self) -> bool:  # type: ignore[override]
        return self.kind.from_text

    def check(self, value: object) -> T | None:
        return None if value is None else self.kind.check(value)

    def parse(self, text: str) -> T | None:
        return None if text.strip().lower() in NOTHING_WORDS else self.kind.parse(text)


@dataclass(frozen=True)
class Enumeration(Kind[E]):
    """A member of an enumeration, by itself, by name or by number; flags by comma too."""

    members: type[E]

    @property
    def name(self) -> str:  # type: ignore[override]  # says which enumeration
        return f"`ssl.{self.members.__name__}` name"

    @property
    def metavar(self) -> str | None:  # type: ignore[override]
        return "NAME"

    def check(self, value: object) -> E:
        if isinstance(value, str):
            return self.parse(value)
        try:
            return self.members(cast("int", value))
        except (TypeError, ValueError):
            raise ValueError(self._expected) from None

    def parse(self, text: str) -> E:
        known = self.members.__members__
        names = [name.strip() for name in text.split(",")]
        combines = issubclass(self.members, enum.Flag)
        if not set(names) <= set(known) or (len(names) > 1 and not combines):
            raise ValueError(self._expected)
        value = 0
        for name in names:
            value |= known[name]
        return self.members(value)

    @property
    def _expected(self) -> str:
        return f"must be one of {', '.join(self.members.__members__)}"


@dataclass(frozen=True)
class Account(Kind[int]):
    """A user or group, by number or by name."""

    database: Literal["user", "group"]
    metavar: str | None = "NAME_OR_ID"

    @property
    def name(self) -> str:  # type: ignore[override]  # says which database
        return f"{self.database} name or number"

    def check(self, value: object) -> int:
        if isinstance(value, str):
            return self.parse(value)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise ValueError(f"must be a {self.database} name or number")
        return value

    def parse(self, text: str) -> int:
        if text.isdecimal():
            return int(text)
        try:
            return self._look_up(text)
        except (ImportError, KeyError):
            raise ValueError(f"is no {self.database} of this system") from None

    def _look_up(self, text: str) -> int:
        if self.database == "user":
            import pwd

            return pwd.getpwnam(text).pw_uid
        import grp

        return grp.getgrnam(text).gr_gid


class LogTarget(Kind["logging.Logger | str | None"]):
    """Where log lines go: ``-``, a file, a Logger object, or None for nowhere."""

    name = "path, `-` or a `logging.Logger`"
    metavar = "PATH"

    def check(self, value: object) -> logging.Logger | str | None:
        if value is None or isinstance(value, logging.Logger):
            return value
        if isinstance(value, (str, os.PathLike)):
            return os.fspath(value) or None
        raise ValueError("must be a path, '-', a logging.Logger or None")


class PythonClass(Kind["type[Any]"]):
    """A class: only Python code can name one."""

    name = "class (from Python only)"
    metavar = None
    from_text = False

    def check(self, value: object) -> type[Any]:
        if not isinstance(value, type):
            raise ValueError("must be a class, so it can only be set from Python")
        return value


class Table(Kind["dict[str, Any]"]):
    """A table of keys and values, from Python or TOML."""

    name = "table (from Python or TOML)"
    metavar = None
    from_text = False

    def check(self, value: object) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise ValueError("must be a table of keys and values")
        return dict(value)
