"""The command line: flags from the table of options, and which source wins.

Knows: ``hypercorn [options] application``; defaults give way to the configuration file, that to
``HYPERCORN_*`` variables, and those to flags.
Must not know: what an option does.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import warnings
from collections.abc import Sequence
from typing import Any, NoReturn

from . import signals, sources
from .config import Config
from .errors import BindError, ConfigError, ExitCode, suggestion
from .failures import OWN_FILES, complain
from .options import Option, declared_options
from .run import run

__all__ = ["build_parser", "configuration", "main"]

DESCRIPTION = """Serve an ASGI or WSGI application."""
EPILOG = """Every option can also stand in the configuration file, under its attribute's name, and
in an environment variable HYPERCORN_NAME. Flags win over variables, variables over the file."""
TARGET_HELP = """what to serve: `module:attribute`, `path/file.py:attribute`, `module` for its
attribute app, `module:make_app()` to call a function; with asgi: or wsgi: in front to say which"""
CONFIG_HELP = """the configuration file: a TOML file, file:PATH for a Python file, or
python:MODULE for a module; HYPERCORN_CONFIG names it too"""


def main(sys_args: list[str] | None = None) -> int:
    """Serve as a command line says; returns the exit code.

    What is wrong with the command line or the configuration is told in one line on stderr."""
    try:
        if sys_args is None:  # the process is this command
            signals.end_with_server()
            sys_args = sys.argv[1:]
        arguments = sys_args
        return run(configuration(arguments), reread=lambda: configuration(arguments))
    except (ConfigError, BindError) as error:
        complain(str(error))
        return ExitCode.BAD_CONFIGURATION
    except KeyboardInterrupt:  # before the server took the signal over
        return ExitCode.INTERRUPTED
    except SystemExit as end:  # --help and --version
        return int(end.code or 0)


def configuration(arguments: Sequence[str]) -> Config:
    """The configuration that a command line and the environment give. Raises ConfigError."""
    given = vars(_parse(arguments))
    config = load_config(given.pop("config", os.environ.get(sources.CONFIG_VARIABLE)))
    sources.assign_environment(config, os.environ)
    options = declared_options(Config)
    for name, value in given.items():
        _assign_flag(config, options[name], value)
    return config


def load_config(location: str | None) -> Config:
    """The configuration of a file or module, as ``--config`` takes it. Raises ConfigError."""
    if not location:
        return Config()
    try:
        if location.startswith("python:"):
            return _from_module(location.removeprefix("python:"))
        if location.startswith("file:"):
            return Config.from_pyfile(location.removeprefix("file:"))
        return Config.from_toml(location)
    except ConfigError:
        raise
    except OSError as error:
        raise ConfigError(f"configuration {location!r}: {error.strerror or error}") from None
    except SystemExit as end:
        raise ConfigError(f"configuration {location!r} ended the process: {end.code}") from end
    except Exception as error:
        # The file is the operator's program: its error is told, but as one line.
        raise ConfigError(f"configuration {location!r}: {_where(error)}") from error


def _from_module(name: str) -> Config:
    """The configuration of a module as its file is now: this may be the second time."""
    folder = os.getcwd()
    if folder not in sys.path[:1]:
        sys.path.insert(0, folder)
    for part in (name, name.rpartition(".")[0]):
        sys.modules.pop(part, None)
    return Config.from_object(name)


def _where(error: Exception) -> str:
    """The error, and the line that has it, if that is one of the operator's."""
    what = type(error).__name__
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {what}: {error.msg}"
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or trace.tb_frame.f_code.co_filename.startswith(OWN_FILES):
        return f"{what}: {error}"
    return f"line {trace.tb_lineno}: {what}: {error}"


def _assign_flag(config: Config, option: Option[Any, Any], value: Any) -> None:
    if isinstance(value, list):
        flag = value[-1][0]
        texts = [text for _, text in value]
        shown = f"{flag} {texts[-1]}" if flag else texts[-1]
        value = option.parsed(texts, shown)
    setattr(config, option.name, value)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = build_parser()
    given, unknown = parser.parse_known_args(arguments)
    if unknown:
        flag = unknown[0].partition("=")[0]
        known = [each for action in parser._actions for each in action.option_strings]
        near = suggestion(flag, known) if flag.startswith("-") else ""
        kind = "flag" if flag.startswith("-") else "argument"
        raise ConfigError(f"unknown {kind} {flag!r}{near or '; see hypercorn --help'}")
    return given


class _Parser(argparse.ArgumentParser):
    """Raises ConfigError where argparse would print its usage and exit."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message}; see hypercorn --help")


def build_parser() -> argparse.ArgumentParser:
    """The parser with a flag for each option; only flags that are given appear in its result."""
    parser = _Parser(
        prog="hypercorn",
        description=DESCRIPTION,
        epilog=EPILOG,
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument(
        "application_path",
        nargs="?",
        metavar="application",
        action=_Collect,
        help=TARGET_HELP,
    )
    parser.add_argument("-c", "--config", metavar="PATH", help=CONFIG_HELP)
    parser.add_argument("--version", action=_ShowVersion, nargs=0, help="show the version")
    groups: dict[str, argparse._ArgumentGroup] = {}
    for option in declared_options(Config).values():
        if option.name != "application_path":
            group = groups.setdefault(option.group, parser.add_argument_group(option.group))
            _add_option(group, option)
    return parser


def _add_option(group: argparse._ArgumentGroup, option: Option[Any, Any]) -> None:
    if option.flags:
        group.add_argument(*option.flags, **_arguments(option), help=_help(option))
    if option.old_flags:
        group.add_argument(
            *option.old_flags, dest=option.name, action=_CollectOld, help=argparse.SUPPRESS
        )


def _arguments(option: Option[Any, Any]) -> dict[str, Any]:
    if option.kind.metavar is None:
        return {"dest": option.name, "action": argparse.BooleanOptionalAction}
    return {"dest": option.name, "action": _Collect, "metavar": option.kind.metavar}


def _help(option: Option[Any, Any]) -> str:
    about = option.about.replace("`", "").replace("%", "%%")
    default = option.default
    if default is None or default in ("", []) or isinstance(default, bool):
        return about
    shown = ", ".join(default) if isinstance(default, list) else str(default)
    return f"{about} [{shown.replace('%', '%%')}]"


class _Collect(argparse.Action):
    """Keeps every value with the flag it was given to; text becomes a value later."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        if values is not None:
            collected = getattr(namespace, self.dest, [])
            setattr(namespace, self.dest, [*collected, (option_string, str(values))])


class _CollectOld(_Collect):
    """A flag that has another name now."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        warnings.warn(
            f"The flag {option_string} is deprecated, see hypercorn --help",
            DeprecationWarning,
            stacklevel=2,
        )
        super().__call__(parser, namespace, values, option_string)


class _ShowVersion(argparse.Action):
    """Looks the version up, which takes its time, and ends."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        from . import __version__

        python = f"{platform.python_implementation()} {platform.python_version()}"
        sys.stdout.write(f"hypercorn {__version__} on {python}\n")
        parser.exit()
