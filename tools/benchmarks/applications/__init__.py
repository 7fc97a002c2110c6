"""The applications that every server serves, one in each module, under the name ``app``.

They know nothing of the servers; a size comes from the environment variable ``BENCH_BODY``.
"""

from __future__ import annotations
