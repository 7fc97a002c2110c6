"""What ``tools/dev.py`` does, a module for each sub-command and each thing they share."""

from __future__ import annotations
