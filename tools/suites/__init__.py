"""What ``tools/conformance`` does: test suites of others, run against real servers.

Servers are installed, started and ended by the package ``benchmarks``, which has to do the same.
"""

from __future__ import annotations
