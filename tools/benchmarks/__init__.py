"""What ``tools/bench`` does: a module for each sub-command and each thing they share.

``applications`` is imported by the servers that are measured, ``clients`` and ``drivers`` are
programs that run in processes of their own; the rest runs in the process of ``tools/bench``.
"""

from __future__ import annotations
