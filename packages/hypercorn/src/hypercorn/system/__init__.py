"""What the operating system offers to a server: files, rights, titles, and who started it.

Each module is one such thing, and none knows of workers or of what is served.
"""

from __future__ import annotations
