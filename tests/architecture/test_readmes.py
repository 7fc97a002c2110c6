"""The examples in the READMEs are Python that runs against the packages as they are."""

from __future__ import annotations

import ast
import re

import pytest

from tests.architecture.sources import ROOT, label

READMES = [ROOT / "README.md", *sorted(ROOT.glob("packages/*/README.md"))]
EXAMPLES = [
    pytest.param(code, id=f"{label(path)}-{number}")
    for path in READMES
    for number, code in enumerate(
        re.findall(
            r"^```python\n(.*?)^```$", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        )
    )
]


def test_every_package_has_an_example() -> None:
    assert len(EXAMPLES) >= len(READMES) == 5


@pytest.mark.parametrize("code", EXAMPLES)
def test_example_runs(code: str) -> None:
    """Run it all but its last line, where that hands the application to a server for good."""
    module = ast.parse(code)
    if "asyncio.run" in ast.unparse(module.body[-1]):
        del module.body[-1]

    exec(compile(module, "README", "exec"), {"__name__": "readme"})
