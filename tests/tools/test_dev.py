"""The command line of ``tools/dev.py``: what is ours, and what is passed on."""

from __future__ import annotations

import pytest

import dev


def test_test_keeps_its_options_and_passes_on_those_of_pytest() -> None:
    options, rest = dev.parse(["test", "--python", "3.12", "-n", "0", "--co", "tests/protocols"])

    assert options.pythons == ["3.12"]
    assert options.cover is False
    assert rest == ["-n", "0", "--co", "tests/protocols"]


def test_all_pythons_are_the_default() -> None:
    options, rest = dev.parse(["test", "--cover"])

    assert options.pythons is None
    assert options.cover is True
    assert rest == []


@pytest.mark.parametrize("command", ["serve", "test"])
def test_a_separator_is_not_passed_on(command: str) -> None:
    _, rest = dev.parse([command, "--", "--help"])

    assert rest == ["--help"]


@pytest.mark.parametrize("command", ["check", "alone", "wheels"])
def test_other_commands_take_no_arguments(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        dev.parse([command, "surplus"])

    assert f"{command} takes no arguments: surplus" in capsys.readouterr().err
