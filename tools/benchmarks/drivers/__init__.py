"""Programs that callgrind counts: they run with the interpreter and the environment measured.

Each takes what to do and how often; the difference of two runs is what doing it costs.
"""

from __future__ import annotations
