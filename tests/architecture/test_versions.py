"""The four distributions are one release: one version, and exact pins between them."""

from __future__ import annotations

import shutil
from importlib import metadata
from pathlib import Path

import pytest

import check_versions
import versions


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The four manifests in a folder of their own."""
    for distribution in versions.DISTRIBUTIONS:
        target = versions.manifest(distribution, tmp_path)
        target.parent.mkdir(parents=True)
        shutil.copyfile(versions.manifest(distribution), target)
    return tmp_path


def test_versions_and_pins_agree() -> None:
    assert check_versions.disagreements(versions.statements()) == []


@pytest.mark.parametrize("distribution", versions.DISTRIBUTIONS)
def test_installed_metadata_is_not_stale(distribution: str) -> None:
    text = versions.manifest(distribution).read_text(encoding="utf-8")

    assert f'version = "{metadata.version(distribution)}"' in text


def test_every_dependency_between_ours_is_found() -> None:
    places = [statement.place for statement in versions.statements()]

    assert places == [
        "hypercorn-protocols: version",
        "hypercorn-asgi: version",
        "hypercorn-workers: version",
        'hypercorn-workers: "hypercorn-asgi',
        'hypercorn-workers: "hypercorn-protocols',
        "hypercorn: version",
        'hypercorn: "hypercorn-asgi',
        'hypercorn: "hypercorn-protocols[fast]',
        'hypercorn: "hypercorn-workers',
        'hypercorn: "hypercorn-workers[trio]',
        'hypercorn: "hypercorn-workers[uvloop]',
    ]


def test_bump_changes_every_place_and_nothing_else(copy: Path) -> None:
    before = {name: versions.manifest(name, copy).read_text() for name in versions.DISTRIBUTIONS}
    current = before["hypercorn"].split('version = "')[1].split('"')[0]

    versions.rewrite("12.3.4rc5", copy)

    assert {statement.text for statement in versions.statements(copy)} == {"==12.3.4rc5"}
    versions.rewrite(current, copy)
    after = {name: versions.manifest(name, copy).read_text() for name in versions.DISTRIBUTIONS}
    assert after == before


def test_bump_repairs_what_disagrees(copy: Path) -> None:
    path = versions.manifest("hypercorn-workers", copy)
    pin = next(s.text for s in versions.statements(copy))
    path.write_text(path.read_text().replace(f'"hypercorn-asgi{pin}"', '"hypercorn-asgi"'))

    wrong = check_versions.disagreements(versions.statements(copy))

    assert wrong == [f'hypercorn-workers: "hypercorn-asgi states no version, not {pin}']
    versions.rewrite(pin.removeprefix("=="), copy)
    assert check_versions.disagreements(versions.statements(copy)) == []


@pytest.mark.parametrize("version", ["", "1", "v1.0.0", "1.0.0-alpha", "1.0.0a1 ", "1.0.0\n"])
def test_bump_refuses_what_is_no_version(copy: Path, version: str) -> None:
    with pytest.raises(ValueError, match="is not a version"):
        versions.rewrite(version, copy)
