"""What older Pythons name otherwise.

Knows: ``tomllib``, which Python 3.10 gets from the distribution ``tomli``.
Must not know: who uses it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

__all__ = ["tomllib"]

tomllib: Any = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
