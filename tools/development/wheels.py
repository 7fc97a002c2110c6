"""``wheels``: what would be published, built, looked into, installed and run.

A checkout hides mistakes of packaging: a file that no wheel contains, a dependency that only the
test environment has, a console script that nobody starts. So the built files go into an empty
environment, with their dependencies from the index, and serve a request there.
"""

from __future__ import annotations

import shutil
import tarfile
import tempfile
import venv
import zipfile
from collections.abc import Iterable
from pathlib import Path

from development.commands import ROOT, CommandError, heading, run
from development.environment import hatch, script, variables
from development.smoke import serve_once
from versions import DISTRIBUTIONS

DIST = ROOT / "dist"


def run_release_check() -> int:
    """Build and try all four distributions.

    Raises:
        CommandError: a step failed, which the steps after it depend on.
    """
    heading("build")
    shutil.rmtree(DIST, ignore_errors=True)
    run([hatch(), "build", "--all"], env=variables())
    wheels = [inspect(distribution) for distribution in DISTRIBUTIONS]
    heading("install into an empty environment")
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder) / "environment"
        venv.create(environment, with_pip=True)
        run([script(environment, "python"), "-m", "pip", "install", "--quiet", *wheels])
        heading("run")
        # Away from the checkout, so that only what was installed can be imported.
        shutil.copytree(ROOT / "examples", Path(folder) / "examples")
        run([script(environment, "hypercorn"), "--version"], cwd=Path(folder))
        serve_once(script(environment, "hypercorn"), Path(folder))
    heading("the built distributions install and serve")
    return 0


def inspect(distribution: str) -> Path:
    """Check that a distribution's wheel and sdist hold what they must, and give the wheel's path.

    Raises:
        CommandError: a file is missing, or there is not exactly one of each kind.
    """
    module = distribution.replace("-", "_")
    wheel = _only(DIST.glob(f"{module}-[0-9]*.whl"), f"{distribution}'s wheel")
    sdist = _only(DIST.glob(f"{module}-[0-9]*.tar.gz"), f"{distribution}'s sdist")
    with zipfile.ZipFile(wheel) as archive:
        _require(wheel, archive.namelist(), [f"{module}/py.typed", "licenses/LICENSE"])
    with tarfile.open(sdist) as archive:
        files = [member.name for member in archive.getmembers() if member.isfile()]
        _require(sdist, files, [f"src/{module}/py.typed", "/LICENSE", "/README.md"])
    return wheel


def _only(paths: Iterable[Path], what: str) -> Path:
    """Give the one path that there is."""
    found = list(paths)
    if len(found) != 1:
        raise CommandError(f"{what}: expected one file in {DIST}, found {len(found)}")
    return found[0]


def _require(archive: Path, names: Iterable[str], endings: Iterable[str]) -> None:
    """Check that for each ending some file of the archive has it."""
    files = list(names)
    for ending in endings:
        if not any(name.endswith(ending) for name in files):
            raise CommandError(f"{archive.name} has no {ending}")
    print(f"{archive.name}: {len(files)} files", flush=True)
