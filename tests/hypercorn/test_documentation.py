"""The documentation says what the options say."""

from __future__ import annotations

from docs.generate_configuration import PATH, reference


def test_configuration_page_is_current() -> None:
    """If this fails, run ``python docs/generate_configuration.py``."""
    assert PATH.read_text(encoding="utf-8") == reference()
