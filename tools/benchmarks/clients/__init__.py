"""Clients that run in a process of their own, so that what they take is not the server's.

Each program prints what it has done a line at a time, and ends when its input does. What some of
them have in common is in modules of its own, without a ``main``.
"""

from __future__ import annotations
