"""What a package says that it exports is there, once, and means the same everywhere."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

from tests.architecture.sources import PACKAGES, label, module_name, modules, package_root, tree

PUBLIC = [
    path
    for package in PACKAGES
    for path in modules(package)
    if not any(part.startswith("_") and part != "__init__.py" for part in path.parts)
]
INITS = [path for path in PUBLIC if path.name == "__init__.py"]


@pytest.mark.parametrize("package", PACKAGES)
def test_package_is_typed_and_states_its_exports(package: str) -> None:
    assert (package_root(package) / "py.typed").is_file()
    assert importlib.import_module(package).__all__


@pytest.mark.parametrize("path", PUBLIC, ids=label)
def test_exported_names_exist_and_are_unique(path: Path) -> None:
    module = importlib.import_module(module_name(path))
    exported = getattr(module, "__all__", [])

    assert [name for name in exported if not hasattr(module, name)] == []
    assert len(set(exported)) == len(exported)


@pytest.mark.parametrize("path", INITS, ids=label)
def test_package_re_exports_only_what_its_modules_export(path: Path) -> None:
    """A name that an ``__init__`` passes on is in the ``__all__`` of the module it comes from."""
    package = importlib.import_module(module_name(path))
    unexported = []
    for node in tree(path).body:
        if isinstance(node, ast.ImportFrom) and node.level == 0 and _is_ours(node.module):
            origin = importlib.import_module(str(node.module))
            exported = getattr(origin, "__all__", dir(origin))
            passed_on = {alias.asname or alias.name: alias.name for alias in node.names}
            unexported += [
                name
                for public, name in passed_on.items()
                if public in getattr(package, "__all__", []) and name not in exported
            ]

    assert unexported == []


def _is_ours(module: str | None) -> bool:
    return (module or "").split(".")[0] in PACKAGES
