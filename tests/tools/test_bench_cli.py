"""The command line of ``tools/bench``, which is that of ``http1`` unless it says otherwise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import cli, servers

SCRIPT = Path(cli.__file__).resolve().parents[1] / "bench"


@pytest.mark.parametrize("arguments", [[], ["http1"]])
def test_http1_is_the_default(arguments: list[str]) -> None:
    options = cli.parse([*arguments, "--seconds", "3", "--rounds", "2", "--tls"])

    assert (options.seconds, options.rounds, options.tls) == (3, 2, True)
    assert (options.app, options.body, options.connections) == ("raw", 13, 32)
    assert options.servers == list(servers.NAMES)
    assert options.worker_classes == ["uvloop"]
    assert options.python is None


def test_lists_are_separated_by_commas() -> None:
    options = cli.parse(["--servers", "hypercorn, uvicorn", "--worker-class", "asyncio,trio"])

    assert options.servers == ["hypercorn", "uvicorn"]
    assert options.worker_classes == ["asyncio", "trio"]


def test_defaults_of_the_other_commands() -> None:
    assert cli.parse(["memory"]).connections == 10_000
    assert cli.parse(["streams"]).size == 1024
    assert cli.parse(["streams"]).servers == ["hypercorn"]
    assert cli.parse(["instructions"]).layers is False


@pytest.mark.parametrize("arguments", [["--seconds", "0"], ["memory", "--connections", "-1"]])
def test_numbers_are_positive(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.parse(arguments)

    assert "must be at least 1" in capsys.readouterr().err


if sys.platform == "linux" and sys.version_info >= (3, 11):

    def test_the_script_is_executable_and_knows_its_commands() -> None:
        help_text = subprocess.run(
            [SCRIPT, "--help"], capture_output=True, text=True, check=True, timeout=60
        ).stdout

        assert all(command in help_text for command in cli.COMMANDS)
