"""Loading the application that a target names.

Knows: the grammar of targets: ``module``, ``module:attribute``, either with ``asgi:`` or ``wsgi:``
in front; a module is a dotted name or a path, an attribute any Python expression.
Must not know: configuration, or how an application is called.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from hypercorn_asgi.typing import AppWrapper
from hypercorn_asgi.wrappers import wrap_app

from .errors import NoAppError, suggestion

__all__ = ["Target", "load_application", "parse_target"]

DEFAULT_ATTRIBUTE = "app"
DRIVE = re.compile(r"[A-Za-z]:[\\/]")

Mode = Literal["asgi", "wsgi"]


@dataclass(frozen=True)
class Target:
    """What a target says: a module, an expression in it, and the kind of application if given."""

    module: str
    expression: str = DEFAULT_ATTRIBUTE
    mode: Mode | None = None


def parse_target(path: str) -> Target:
    """Read a target. Raises ValueError if it begins with another kind than asgi or wsgi."""
    drive = match[0] if (match := DRIVE.match(path)) else ""
    parts = path.removeprefix(drive).split(":", 2)
    if len(parts) == 1:
        return Target(path)
    if len(parts) == 3 and parts[0] in {"asgi", "wsgi"}:
        return Target(parts[1], parts[2], cast("Mode", parts[0]))
    expression = ":".join(parts[1:])
    if len(parts) == 3 and not _is_expression(expression):
        raise ValueError(f"Invalid mode {parts[0]!r} in {path!r}, must be 'asgi' or 'wsgi'")
    return Target(drive + parts[0], expression)


def _is_expression(text: str) -> bool:
    try:
        compile(text, "<target>", "eval")
    except SyntaxError:
        return False
    return True


def load_application(path: str, wsgi_max_body_size: int) -> AppWrapper:
    """Import the application and wrap it for a worker.

    The current folder, or the target's own, is put in front of ``sys.path``. Raises NoAppError if
    there is no such module or attribute; what the module itself raises is passed on.
    """
    target = parse_target(path)
    application = _evaluate(_import(target.module), target)
    _check_application(application, target)
    return wrap_app(application, wsgi_max_body_size, target.mode)


def _import(module: str) -> Any:
    location = Path(module).resolve()
    folder = str(location.parent)
    name = location.stem if location.is_file() else location.name
    if folder not in sys.path[:1]:
        sys.path.insert(0, folder)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
            raise
        raise NoAppError(
            f"cannot import the application: there is no module {error.name!r} in {folder}"
        ) from None


def _evaluate(module: Any, target: Target) -> Any:
    try:
        return eval(target.expression, vars(module))
    except SyntaxError as error:
        raise NoAppError(
            f"{target.expression!r} is not a Python expression: {error.msg}"
        ) from None
    except (NameError, AttributeError) as error:
        if not _is_from_expression(error):
            raise
        raise NoAppError(_missing_attribute(error, module, target)) from None


def _is_from_expression(error: BaseException) -> bool:
    """Whether the expression raised it, rather than something that it called."""
    here = error.__traceback__
    return here is not None and here.tb_next is not None and here.tb_next.tb_next is None


def _missing_attribute(error: NameError | AttributeError, module: Any, target: Target) -> str:
    name = error.name or target.expression
    holder = error.obj if isinstance(error, AttributeError) else module
    if holder is module:
        shown = f"module {target.module!r}"
    else:
        shown = repr(getattr(holder, "__name__", type(holder).__name__))
    return f"{shown} has no attribute {name!r}{suggestion(name, _public(holder))}"


def _public(holder: object) -> list[str]:
    return [name for name in dir(holder) if not name.startswith("_")]


def _check_application(application: Any, target: Target) -> None:
    shown = f"{target.module}:{target.expression}"
    if not callable(application):
        raise NoAppError(
            f"{shown} is no application: a {type(application).__name__} is not callable"
        )
    if inspect.isfunction(application) and not inspect.signature(application).parameters:
        raise NoAppError(
            f"{shown} takes no arguments: if it makes the application, call it: '{shown}()'"
        )
