"""Clients that run in a process of their own, so that what they take is not the server's.

Each is a program: it prints what it has done a line at a time, and ends when its input does.
"""

from __future__ import annotations
