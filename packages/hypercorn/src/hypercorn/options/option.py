"""One option: a descriptor that is the only declaration of its name, kind, default and flags.

Knows: how an option is declared in a class, kept on an instance, and listed.
Must not know: which options there are, or what is done with their values.
"""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Iterator
from typing import Any, ClassVar, Generic, TypeVar, cast

from hypercorn.errors import ConfigError

from .kinds import Kind

__all__ = ["UNSET", "OldOption", "Option", "OptionGroup", "declared_options", "option"]

T = TypeVar("T")
S = TypeVar("S")

ENVIRONMENT_PREFIX = "HYPERCORN_"
UNSET: Any = object()
"""The default of an option that has none: reading it raises AttributeError until it is set."""


class Option(Generic[T, S]):
    """A declared option. Reads as ``T``, may be set to ``S``; a wrong value raises ConfigError."""

    def __init__(
        self,
        kind: Kind[T],
        default: T,
        about: str,
        flags: tuple[str, ...] = (),
        old_flags: tuple[str, ...] = (),
        *,
        has_flag: bool = True,
    ) -> None:
        self.has_flag = has_flag
        self.kind = kind
        self.default = default
        self.about = about
        self.flags = flags
        self.old_flags = old_flags
        self.name = ""
        self.owner: type[OptionGroup] = OptionGroup

    def __set_name__(self, owner: type[OptionGroup], name: str) -> None:
        self.name = name
        self.owner = owner
        if not self.flags and self.kind.from_text and self.has_flag:
            self.flags = ("--" + name.replace("_", "-"),)

    def __get__(self, instance: object, owner: type[Any] | None = None) -> T:
        values = {} if instance is None else vars(instance)
        if self.name not in values:
            if self.default is UNSET:
                raise AttributeError(f"the option {self.name!r} has not been set")
            # A list that is handed out belongs to this configuration alone.
            values[self.name] = copy.copy(self.default)
        return cast("T", values[self.name])

    def __set__(self, instance: object, value: S) -> None:
        vars(instance)[self.name] = self.checked(value, f"{self.name} = {value!r}")

    hidden = False
    """Whether it is left out of help and documentation."""

    @property
    def group(self) -> str:
        """The heading that it stands under."""
        return self.owner.title

    @property
    def environment_variable(self) -> str:
        """The environment variable that sets this option."""
        return ENVIRONMENT_PREFIX + self.name.upper()

    def checked(self, value: object, label: str) -> T:
        """The value to keep; ConfigError begins with ``label``, which says where it stood."""
        try:
            return self.kind.check(value)
        except ValueError as error:
            raise ConfigError(f"{label}: {error}") from None

    def parsed(self, texts: list[str], label: str) -> T:
        """The value that text from a command line stands for; errors as :meth:`checked`."""
        try:
            return self.kind.parse_many(texts)
        except ValueError as error:
            raise ConfigError(f"{label}: {error}") from None

    def parsed_environment(self, text: str, label: str) -> T:
        """The value that an environment variable stands for; errors as :meth:`checked`."""
        try:
            return self.kind.parse(text)
        except ValueError as error:
            raise ConfigError(f"{label}: {error}") from None

    def with_default(self, default: object) -> Option[T, S]:
        """The same option with another default: what a plain class attribute declares."""
        other = copy.copy(self)
        other.default = self.checked(default, f"{self.name} = {default!r}")
        return other


class OldOption(Option[T, T]):
    """A former name: setting it warns and sets another option, reading it is not possible."""

    hidden = True

    def __init__(self, kind: Kind[T], target: str, old_flags: tuple[str, ...]) -> None:
        super().__init__(kind, UNSET, f"Use {target}.", (), old_flags)
        self.target = target

    def __set_name__(self, owner: type[OptionGroup], name: str) -> None:
        self.name = name
        self.owner = owner

    def __set__(self, instance: object, value: T) -> None:
        warnings.warn(
            f"{self.name} is deprecated, use {self.target}", DeprecationWarning, stacklevel=2
        )
        setattr(instance, self.target, self.checked(value, f"{self.name} = {value!r}"))


def option(
    kind: Kind[T],
    default: T,
    about: str,
    *,
    flags: tuple[str, ...] = (),
    old_flags: tuple[str, ...] = (),
    has_flag: bool = True,
) -> T:
    """Declare an option in an :class:`OptionGroup`.

    ``flags`` are derived from the name unless given; ``old_flags`` are accepted with a
    DeprecationWarning and not shown; ``has_flag`` false leaves it to files, variables and Python.
    To type checkers it is an attribute of its value's type, so
    that subclasses may give another default with a plain assignment.
    """
    return cast("T", Option[T, T](kind, default, about, flags, old_flags, has_flag=has_flag))


class OptionGroup:
    """Base of the classes that declare options; the title is the group's heading."""

    title: ClassVar[str] = "Options"

    def __init_subclass__(cls, title: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if title is not None:
            cls.title = title
        inherited = {each.name: each for base in cls.__mro__[1:] for each in _own_options(base)}
        for name, value in list(vars(cls).items()):
            if name in inherited and not _is_descriptor(value):
                setattr(cls, name, inherited[name].with_default(value))


def _is_descriptor(value: object) -> bool:
    return hasattr(type(value), "__get__")


def _own_options(cls: type) -> Iterator[Option[Any, Any]]:
    return (value for value in vars(cls).values() if isinstance(value, Option))


def declared_options(cls: type) -> dict[str, Option[Any, Any]]:
    """The options of a class by name, in the order of their declaration."""
    names = [each.name for base in _declaration_order(cls) for each in _own_options(base)]
    found = {name: inspect.getattr_static(cls, name) for name in dict.fromkeys(names)}
    return {name: value for name, value in found.items() if isinstance(value, Option)}


def _declaration_order(cls: type) -> Iterator[type]:
    """Bases as they are written, then the class itself."""
    for base in cls.__bases__:
        yield from _declaration_order(base)
    yield cls
