"""What older Pythons name otherwise.

Knows: ``tomllib``, which Python 3.10 gets from the distribution ``tomli``.
Must not know: who uses it.
"""

from __future__ import annotations

import sys

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["tomllib"]
