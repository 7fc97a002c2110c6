"""The command line of ``tools/conformance``, and what it needs: CPython 2.7 and wstest's cases."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.servers import Serving
from development.commands import CommandError
from suites import autobahn, cli, python2, subjects, wstest

SCRIPT = Path(cli.__file__).resolve().parents[1] / "conformance"


def program(path: Path, script: str) -> Path:
    """Write an executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_by_default_the_built_in_engine_is_tested_with_all_cases() -> None:
    options = cli.parse(["autobahn"])

    assert (options.server, options.worker_class) == ("hypercorn", "uvloop")
    assert cli.engines(options) == ["builtin"]
    assert (options.cases, options.quick, options.tls, options.write) == (["*"],) + (False,) * 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--engine", "builtin,other"], "nothing is named other"),
        (["--server", "uvicorn", "--engine", "wsproto"], "this tree alone"),
        (["--server", "uvicorn", "--write"], "this tree alone"),
    ],
)
def test_what_cannot_be_tested(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        cli.engines(cli.parse(["autobahn", *arguments]))


def test_the_engine_is_told_to_the_server() -> None:
    words = subjects.ours("wsproto", "asyncio").command(Serving(4321, "module:app"))

    assert words[:3] == ["hypercorn", "--websocket-engine", "wsproto"]
    assert "asyncio" in words
    assert words[-1] == "module:app"


def test_long_sections_are_left_out_of_a_quick_run() -> None:
    plan = autobahn.Plan(
        python=None,
        python2=Path("python2.7"),
        server="hypercorn",
        engines=["builtin"],
        worker_class="uvloop",
        tls=False,
        cases=["*"],
        quick=True,
        write=False,
    )

    assert plan.selection == wstest.Selection(["*"], ("9.*", "12.*", "13.*"))


def test_cases_are_counted_as_they_begin(capsys: pytest.CaptureFixture[str]) -> None:
    printed = [
        "Ok, will run 3 test cases against 1 servers\n",
        "Cases = ['1.1.1', '1.1.2', '10.1.1']\n",
        "Running test case ID 1.1.1 for agent server from peer tcp4:127.0.0.1:80\n",
        "Running test case ID 1.1.2 for agent server from peer tcp4:127.0.0.1:80\n",
        "Running test case ID 10.1.1 for agent server from peer tcp4:127.0.0.1:80\n",
    ]

    assert wstest.follow(printed) == wstest.Progress(planned=3, started=3)
    assert capsys.readouterr().out == "1 10 \n"


def test_nothing_is_waited_for_where_there_are_no_cases() -> None:
    printed = iter(["Ok, will run 0 test cases against 1 servers\n", "never comes"])

    assert wstest.follow(printed) == wstest.Progress(planned=0, started=0)
    assert next(printed) == "never comes"


def test_python_2_is_found_by_asking(tmp_path: Path) -> None:
    program(tmp_path / "path" / "python2.7", "echo 'not installed' >&2; exit 127")
    program(tmp_path / "path" / "python2", "echo CPython 3.13")
    found = program(tmp_path / "pyenv/versions/2.7.18/bin/python2.7", "echo CPython 2.7")
    environ = {"PATH": str(tmp_path / "path"), "PYENV_ROOT": str(tmp_path / "pyenv")}

    assert python2.find(None, environ) == found
    with pytest.raises(CommandError, match="no CPython 2"):
        python2.find(None, {**environ, "PYENV_ROOT": "nowhere"})


def test_the_python_2_that_is_given_is_asked_too(tmp_path: Path) -> None:
    given = program(tmp_path / "python", "echo CPython 2.7")
    other = program(tmp_path / "pypy", "echo PyPy 2.7")

    assert python2.find(given, {}) == given
    with pytest.raises(CommandError, match="is not a CPython"):
        python2.find(other, {})


if sys.platform == "linux" and sys.version_info >= (3, 11):

    def test_the_script_is_executable_and_knows_its_commands() -> None:
        help_text = subprocess.run(
            [SCRIPT, "--help"], capture_output=True, text=True, check=True, timeout=60
        ).stdout

        assert all(command in help_text for command in cli.COMMANDS)
