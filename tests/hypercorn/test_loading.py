"""Targets and the applications that they name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hypercorn.app_wrappers import ASGIWrapper, WSGIWrapper
from hypercorn.errors import NoAppError
from hypercorn.loading import Target, load_application, parse_target

SOURCE = """
async def app(scope, receive, send): ...
async def other(scope, receive, send): ...
def wsgi(environ, start_response): return []
def create_app(kind="asgi"): return app if kind == "asgi" else wsgi
def no_arguments(): return app
class Holder: app = staticmethod(other)
name = "not callable"
def fails(): raise NameError("inside")
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to be in, with modules that no other test imports."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "loadable.py").write_text(SOURCE)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inner.py").write_text(SOURCE)
    (tmp_path / "broken.py").write_text("import missing_dependency")
    (tmp_path / "raising.py").write_text("1 / 0")
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def load(path: str) -> Any:
    return load_application(path, 1000)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("module", Target("module", "app", None)),
        ("module:name", Target("module", "name", None)),
        ("asgi:application", Target("asgi", "application", None)),
        ("asgi:module:name", Target("module", "name", "asgi")),
        ("wsgi:module:name", Target("module", "name", "wsgi")),
        ("module:make({1: 2})", Target("module", "make({1: 2})", None)),
        ("wsgi:module:make({1: 2})", Target("module", "make({1: 2})", "wsgi")),
        (r"C:\folder\file.py:name", Target(r"C:\folder\file.py", "name", None)),
    ],
)
def test_targets(path: str, target: Target) -> None:
    assert parse_target(path) == target


def test_target_of_another_kind() -> None:
    with pytest.raises(ValueError, match="Invalid mode 'rack' in 'rack:module:app'"):
        parse_target("rack:module:app")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("loadable", "app"),
        ("loadable:app", "app"),
        ("loadable:other", "other"),
        ("loadable:create_app()", "app"),
        ("loadable:Holder.app", "other"),
        ("asgi:loadable:app", "app"),
        ("loadable.py:app", "app"),
        ("folder/inner.py:app", "app"),
        ("folder/inner:other", "other"),
        ("folder.inner:other", "other"),
    ],
)
def test_asgi_applications(path: str, name: str) -> None:
    wrapper = load(path)
    assert isinstance(wrapper, ASGIWrapper)
    assert wrapper.app.__name__ == name


@pytest.mark.parametrize(
    "path", ["loadable:wsgi", "loadable:create_app('wsgi')", "wsgi:loadable:wsgi"]
)
def test_wsgi_applications(path: str) -> None:
    wrapper = load(path)
    assert isinstance(wrapper, WSGIWrapper)
    assert wrapper.max_body_size == 1000


def test_folder_is_in_front_of_the_path(project: Path) -> None:
    load("folder/inner.py:app")
    assert sys.path[0] == str(project / "folder")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("no_such", "cannot import the application: there is no module 'no_such' in {cwd}"),
        ("folder.none:app", "cannot import the application: there is no module 'folder.none'"),
        ("none.inner:app", "cannot import the application: there is no module 'none' in {cwd}"),
        ("loadable:ap", "module 'loadable' has no attribute 'ap'; did you mean 'app'?"),
        ("loadable:zzz", "module 'loadable' has no attribute 'zzz'"),
        ("loadable:Holder.appp", "'Holder' has no attribute 'appp'; did you mean 'app'?"),
        ("loadable:app app", "'app app' is not a Python expression: "),
        ("loadable:name", "loadable:name is no application: a str is not callable"),
        ("loadable:no_arguments", "loadable:no_arguments takes no arguments: if it makes the app"),
    ],
)
def test_nothing_there(project: Path, path: str, message: str) -> None:
    with pytest.raises(NoAppError) as missing:
        load(path)
    assert str(missing.value).startswith(message.format(cwd=project))


def test_what_the_module_raises_is_passed_on() -> None:
    with pytest.raises(ModuleNotFoundError, match="missing_dependency"):
        load("broken:app")
    with pytest.raises(ZeroDivisionError):
        load("raising:app")
    with pytest.raises(NameError, match="inside"):
        load("loadable:fails()")
