"""Where configurations are read from: mappings, TOML, Python files and objects, the environment.

Knows: how each source becomes names and values, which names are ignored, and how a name that no
option has is refused.
Must not know: the options themselves, or which source wins over which.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Collection, Mapping
from pathlib import PurePath
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from .compatibility import tomllib
from .errors import ConfigError, nearest, suggestion
from .options.option import ENVIRONMENT_PREFIX, declared_options

if TYPE_CHECKING:
    from .config import Config, FilePath

__all__ = [
    "HELPER_HINT",
    "assign",
    "assign_environment",
    "execute",
    "named_object",
    "public_values",
    "read_toml",
]

C = TypeVar("C", bound="Config")

HELPER_HINT = "; the name of a helper begins with an underscore"
PLAIN_VALUES = (str, bytes, int, float, list, tuple, dict, set, frozenset, PurePath, type(None))
SERVICE_LINK = re.compile(r"HYPERCORN_(SERVICE_(HOST|PORT).*|PORT.*)")
"""Variables that Kubernetes sets for a service named hypercorn."""
CONFIG_VARIABLE = ENVIRONMENT_PREFIX + "CONFIG"
"""Names the configuration file; read by the command line."""


def assign(config: C, values: Mapping[str, Any], source: str, *, hint: str = "") -> C:
    """Set options by name. ``source`` is where they stand, empty for a mapping; ``hint`` is what
    to tell about an unknown name that is near to none.

    Attributes that a subclass has added are set too, and read-only ones left alone. Raises
    ConfigError for a name that nothing has and for a value that does not fit."""
    options = declared_options(type(config))
    where = f"{source}: " if source else ""
    for name, value in values.items():
        if name in options:
            try:
                setattr(config, name, value)
            except ConfigError as error:
                raise ConfigError(f"{where}{error}") from None
        elif not _has_attribute(config, name):
            advice = suggestion(name, options) or hint
            raise ConfigError(f"{where}unknown option {name!r}{advice}")
        elif not isinstance(getattr(type(config), name, None), property):
            setattr(config, name, value)
    return config


def _has_attribute(config: Config, name: str) -> bool:
    """Whether a subclass has added it; asking the instance would evaluate properties."""
    return name in vars(config) or hasattr(type(config), name)


def assign_environment(config: Config, environment: Mapping[str, str]) -> None:
    """Set the options that ``HYPERCORN_*`` variables name.

    Others may own variables that begin so: one that is not an option is refused only if it looks
    like an option misspelt."""
    by_variable = {
        each.environment_variable: each
        for each in declared_options(type(config)).values()
        if each.kind.from_text
    }
    for variable, text in environment.items():
        if variable in by_variable:
            each = by_variable[variable]
            setattr(config, each.name, each.parsed_environment(text, f"{variable}={text}"))
        elif variable.startswith(ENVIRONMENT_PREFIX) and variable != CONFIG_VARIABLE:
            _refuse_misspelling(variable, [*by_variable, CONFIG_VARIABLE])


def _refuse_misspelling(variable: str, known: list[str]) -> None:
    # The common prefix would make any two of them look alike.
    names = [name.removeprefix(ENVIRONMENT_PREFIX) for name in known]
    near = nearest(variable.removeprefix(ENVIRONMENT_PREFIX), names, cutoff=0.8)
    if near is not None and not SERVICE_LINK.fullmatch(variable):
        raise ConfigError(
            f"unknown environment variable {variable}; did you mean {ENVIRONMENT_PREFIX}{near}?"
        )


def read_toml(filename: FilePath) -> Mapping[str, Any]:
    """The table of options of a TOML file. Raises OSError and ConfigError."""
    name = os.fsdecode(filename)
    with open(filename, "rb") as file:
        try:
            document = tomllib.load(file)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{name}: not TOML: {error}") from None
    tool = document.get("tool")
    for holder in (tool, document):
        if isinstance(holder, dict) and isinstance(holder.get("hypercorn"), dict):
            table: dict[str, Any] = holder["hypercorn"]
            return table
    if isinstance(tool, dict) or PurePath(name).name == "pyproject.toml":
        raise ConfigError(f"{name}: there is no table [tool.hypercorn]")
    top_level: dict[str, Any] = document
    return top_level


def execute(filename: FilePath) -> ModuleType:
    """Run a Python file, whatever its name ends in, and return its module."""
    path = os.path.abspath(os.fsdecode(filename))
    module = ModuleType("hypercorn_configuration")
    module.__file__ = path
    with open(path, "rb") as file:
        exec(compile(file.read(), path, "exec"), vars(module))
    return module


def named_object(path: str) -> object:
    """The module of this dotted name, or the attribute of one."""
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        module, _, attribute = path.rpartition(".")
        if not module or error.name != path:
            raise
        return getattr(importlib.import_module(module), attribute)


def public_values(found: object, config_class: type[Config]) -> dict[str, Any]:
    """The attributes of an object that are options, or look as if they were meant to be."""
    options = declared_options(config_class)
    names = [name for name in dir(found) if not name.startswith("_")]
    is_config = isinstance(found, config_class) or (
        isinstance(found, type) and issubclass(found, config_class)
    )
    values: dict[str, Any] = {}
    for name in names:
        if name in options:
            if hasattr(found, name):
                values[name] = getattr(found, name)
        elif not is_config and _looks_meant(name, names, options, found):
            values[name] = getattr(found, name)
    return values


def _looks_meant(
    name: str, names: Collection[str], options: Collection[str], found: object
) -> bool:
    """Whether a name that is no option may be one misspelt, rather than a helper."""
    if name.isupper():
        return name.lower() in options and name.lower() not in names
    return isinstance(getattr(found, name), PLAIN_VALUES)
