"""Where the version of the four distributions stands, read and written as text.

They are released together, so there is one version: in each ``pyproject.toml`` as
``version = "…"``, and in every requirement of one distribution on another as an exact pin. Nothing
else in the repository states it: ``__version__`` is read from the installed metadata.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# Bottom-up, which is the order in which they are published.
DISTRIBUTIONS = ("hypercorn-protocols", "hypercorn-asgi", "hypercorn-workers", "hypercorn")

VERSION = re.compile(r'^(?P<before>version = ")(?P<version>[^"]*)(?=")', re.MULTILINE)
REQUIREMENT = re.compile(
    r'(?P<before>"(?P<name>hypercorn(?:-[a-z]+)?)(?:\[[a-z0-9,]+\])?)'
    r'(?P<specifier>(?:[=<>!~][^";]*)?)(?=[";])'
)


@dataclass(frozen=True)
class Statement:
    """One place that states the version: where, and the text that stands there."""

    place: str
    text: str


def manifest(distribution: str, root: Path = ROOT) -> Path:
    """Give the path of a distribution's ``pyproject.toml``."""
    return root / "packages" / distribution / "pyproject.toml"


def statements(root: Path = ROOT) -> Iterator[Statement]:
    """Yield every place's version, as ``==VERSION`` for pins and versions alike."""
    for distribution in DISTRIBUTIONS:
        text = manifest(distribution, root).read_text(encoding="utf-8")
        for match in VERSION.finditer(text):
            yield Statement(f"{distribution}: version", f"=={match['version']}")
        for match in _pins(text):
            yield Statement(f"{distribution}: {match['before']}", match["specifier"])


def rewrite(version: str, root: Path = ROOT) -> None:
    """Make every place state `version`.

    Raises:
        ValueError: `version` is not one that an index would accept (PEP 440, normalised).
    """
    if not re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?", version):
        raise ValueError(f"{version!r} is not a version such as 1.2.3 or 1.2.3rc1")
    for distribution in DISTRIBUTIONS:
        path = manifest(distribution, root)
        path.write_text(rewritten(path.read_text(encoding="utf-8"), version), encoding="utf-8")


def rewritten(text: str, version: str) -> str:
    """Give a manifest's text with its version, and its pins of ours, set to `version`."""
    text = VERSION.sub(rf"\g<before>{version}", text)
    parts, end = [], 0
    for match in _pins(text):
        parts += [text[end : match.start("specifier")], f"=={version}"]
        end = match.end("specifier")
    return "".join([*parts, text[end:]])


def _pins(text: str) -> Iterator[re.Match[str]]:
    """Yield each requirement on one of the four."""
    for match in REQUIREMENT.finditer(text):
        names_itself = text[: match.start()].endswith("\nname = ")
        if match["name"] in DISTRIBUTIONS and not names_itself:
            yield match
