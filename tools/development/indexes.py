"""Where uv finds packages: wherever pip would.

hatch installs with uv, which does not read pip's configuration. On a machine whose package index
is set up for pip alone (a mirror, a company's index, a certificate), that configuration is handed
to uv in its own variables. A variable that is set already is left as it is, and no address is
ever written down here.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

# pip's option, uv's variable, and how uv separates the values of it (None: it takes one).
_VARIABLES = (
    ("index-url", "UV_DEFAULT_INDEX", None),
    ("extra-index-url", "UV_INDEX", " "),
    ("find-links", "UV_FIND_LINKS", ","),
    ("trusted-host", "UV_INSECURE_HOST", " "),
    ("cert", "SSL_CERT_FILE", None),
)
# Settings by which somebody has told uv itself where to look.
_CHOSEN = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_CONFIG_FILE")


def uv_variables(pip_configuration: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Translate the output of ``pip config list`` into variables for uv.

    Args:
        pip_configuration: lines such as ``global.timeout='60'``.
        environ: the environment, whose variables win.

    Returns:
        The variables to add to `environ`; empty when uv has an index of its own.
    """
    if any(name in environ for name in _CHOSEN):
        return {}
    options = parse_pip_configuration(pip_configuration)
    variables = {}
    for option, variable, separator in _VARIABLES:
        values = options.get(option, "").split()
        if values and variable not in environ:
            variables[variable] = values[-1] if separator is None else separator.join(values)
    if "UV_INDEX" in variables:
        # pip takes the best version from all indexes; uv by default stops at the first index.
        variables.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    return variables


def parse_pip_configuration(text: str) -> dict[str, str]:
    """Give the value of each option, the more specific source winning as it does for pip.

    ``pip config list`` names a source before the option: ``global.`` is a file's general section,
    ``install.`` the section of the command, ``:env:.`` the ``PIP_*`` variables.
    """
    order = {"global": 0, "install": 1, ":env:": 2}
    found: dict[str, tuple[int, str]] = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        section, dot, option = key.rpartition(".")
        if not (equals and dot and section in order):
            continue
        rank = order[section]
        if rank >= found.get(option, (0, ""))[0]:
            found[option] = (rank, str(ast.literal_eval(value)))
    return {option: value for option, (_, value) in found.items()}
