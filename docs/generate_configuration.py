"""Writes docs/configuration.md from the table of options.

Run it after a change of options: ``python docs/generate_configuration.py``.

Knows: how an option is shown in documentation.
Must not know: anything about an option that the table does not say.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypercorn.config import Config
from hypercorn.options import Option, declared_options

__all__ = ["PATH", "reference"]

PATH = Path(__file__).with_name("configuration.md")

INTRODUCTION = """\
<!-- Written by docs/generate_configuration.py from the options themselves: do not edit. -->

# Configuration

Every option can be set in four ways. Later ones win over earlier ones:

1. a configuration file, named by `--config` or `HYPERCORN_CONFIG`: TOML (`hypercorn.toml`, or the
   table `[tool.hypercorn]` of a `pyproject.toml`), Python (`file:conf.py`) or a module
   (`python:package.module`). Keys and names are those of the options.
2. an environment variable, `HYPERCORN_` and the option's name in capitals. Lists are separated by
   commas; `none`, or nothing, is no value.
3. a flag. Flags of options that are on or off have a `--no-` form. A flag for a list may be
   repeated; together they replace the list of the file.
4. an attribute of `hypercorn.config.Config`, in a program that calls `run` or `serve`; it reads
   neither the environment nor a file unless it is told to.

```toml
# hypercorn.toml
bind = ["127.0.0.1:8000", "unix:/run/app.sock"]
workers = 4
accesslog = "-"
graceful_timeout = 10
```

A value that does not fit, or a name that no option has, is an error that says where it stands and
what would be right; the process ends with exit code 2.

In a Python file, names that begin with an underscore or are in capitals, modules, classes and
functions are helpers; every other name has to be an option's.
"""

TABLE_HEAD = ("| Option | Flag | Type | Default | Meaning |", "|---|---|---|---|---|")


def reference() -> str:
    """The whole page."""
    groups: dict[str, list[Option[Any, Any]]] = {}
    for option in declared_options(Config).values():
        if not option.hidden:
            groups.setdefault(option.group, []).append(option)
    return "\n".join([INTRODUCTION, *(_section(*group) for group in groups.items())])


def _section(title: str, options: list[Option[Any, Any]]) -> str:
    owner = options[0].owner
    return "\n".join(
        [f"## {title}\n", f"{_sentence(owner)}\n", *TABLE_HEAD, *map(_row, options), ""]
    )


def _sentence(owner: type) -> str:
    return " ".join((owner.__doc__ or "").replace("``", "`").split())


def _row(option: Option[Any, Any]) -> str:
    cells = [
        f"`{option.name}`",
        _flags(option),
        option.kind.name,
        _default(option),
        option.about,
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _flags(option: Option[Any, Any]) -> str:
    if option.name == "application_path":
        return "the argument"
    return ", ".join(f"`{flag}`" for flag in option.flags) or "none"


def _default(option: Option[Any, Any]) -> str:
    value = getattr(Config, option.name, None)
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, type):
        return f"`{value.__module__}.{value.__qualname__}`"
    if isinstance(value, list):
        return ", ".join(f"`{each}`" for each in value) or "empty"
    return f"`{value}`" if value != "" else "empty"


if __name__ == "__main__":
    PATH.write_text(reference(), encoding="utf-8")
