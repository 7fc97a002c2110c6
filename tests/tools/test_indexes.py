"""uv is told to look where pip would, and only as long as nobody has told it otherwise."""

from __future__ import annotations

import pytest

from development.indexes import parse_pip_configuration, uv_variables

MIRROR = "https://packages.invalid/pypi"
OTHER = "https://other.invalid/pypi"


def configuration(**options: str) -> str:
    """Build the output of ``pip config list`` for options of its general section."""
    return "\n".join(
        f"global.{name.replace('_', '-')}={value!r}" for name, value in options.items()
    )


def test_nothing_configured_changes_nothing() -> None:
    assert uv_variables("", {}) == {}
    assert uv_variables(configuration(timeout="60"), {}) == {}


def test_index_and_certificate() -> None:
    text = configuration(index_url=MIRROR, cert="ca.pem", trusted_host="packages.invalid")

    assert uv_variables(text, {}) == {
        "UV_DEFAULT_INDEX": MIRROR,
        "UV_INSECURE_HOST": "packages.invalid",
        "SSL_CERT_FILE": "ca.pem",
    }


def test_several_values_are_separated_as_uv_wants_them() -> None:
    text = configuration(extra_index_url=f"\n{MIRROR}\n{OTHER}", find_links="wheels more")

    assert uv_variables(text, {}) == {
        "UV_INDEX": f"{MIRROR} {OTHER}",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "wheels,more",
    }


@pytest.mark.parametrize("chosen", ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_CONFIG_FILE"])
def test_what_uv_was_told_wins(chosen: str) -> None:
    assert uv_variables(configuration(index_url=MIRROR), {chosen: "anything"}) == {}


def test_a_variable_that_is_set_is_left_alone() -> None:
    text = configuration(index_url=MIRROR, cert="ca.pem")

    assert uv_variables(text, {"SSL_CERT_FILE": "mine.pem"}) == {"UV_DEFAULT_INDEX": MIRROR}


def test_the_more_specific_source_wins_in_any_order() -> None:
    lines = [":env:.cert='3'", "global.cert='1'", "install.cert='2'", "download.cert='4'"]

    assert parse_pip_configuration("\n".join(lines)) == {"cert": "3"}
    assert parse_pip_configuration("\n".join(reversed(lines))) == {"cert": "3"}
    assert parse_pip_configuration("\n".join(lines[1:])) == {"cert": "2"}
