"""The private environment in ``.dev/``: hatch and uv, installed by pip, and hatch's own data.

Nothing outside the repository is written to, and no hatch that the machine may have is used.
"""

from __future__ import annotations

import os
import sys
import venv
from pathlib import Path

from development.commands import ROOT, heading, output, run
from development.indexes import uv_variables

DEV = ROOT / ".dev"
REQUIREMENTS = ("hatch>=1.18,<2", "uv>=0.9")

_HOME = DEV / "tools"
# Holds the requirements that were installed, and is written last.
_INSTALLED = _HOME / "installed.txt"
# Empty: nobody's personal hatch settings take part.
_SETTINGS = DEV / "hatch.toml"


def script(folder: Path, name: str) -> Path:
    """Give the path of a program in a virtual environment, on this platform."""
    if sys.platform == "win32":
        return folder / "Scripts" / f"{name}.exe"
    return folder / "bin" / name


def hatch() -> Path:
    """Give hatch's path, having installed it into ``.dev/`` if this is the first time.

    Raises:
        CommandError: pip could not install it.
    """
    wanted = "\n".join(REQUIREMENTS)
    if not _INSTALLED.is_file() or _INSTALLED.read_text() != wanted:
        heading(f"installing {' and '.join(REQUIREMENTS)} into {_HOME.relative_to(ROOT)}")
        venv.create(_HOME, clear=True, with_pip=True)
        run([script(_HOME, "python"), "-m", "pip", "install", "--quiet", *REQUIREMENTS])
        _SETTINGS.write_text("")
        _INSTALLED.write_text(wanted)
    return script(_HOME, "hatch")


def variables() -> dict[str, str]:
    """Give hatch's process environment: its data in ``.dev/``, and uv looking where pip does.

    Call `hatch` first, which installs what this refers to.
    """
    pip_configuration = output([script(_HOME, "python"), "-m", "pip", "config", "list"])
    return {
        # Tests wait for servers most of the time, so there are more of them at once than cores.
        "PYTEST_XDIST_AUTO_NUM_WORKERS": str(2 * (os.cpu_count() or 1)),
        **os.environ,
        **uv_variables(pip_configuration, os.environ),
        "HATCH_CACHE_DIR": str(DEV / "cache"),
        "HATCH_CONFIG": str(_SETTINGS),
        "HATCH_DATA_DIR": str(DEV / "data"),
        "HATCH_ENV_TYPE_VIRTUAL_UV_PATH": str(script(_HOME, "uv")),
    }
