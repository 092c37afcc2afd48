"""How tests wait: for a condition, under a limit that only a hang reaches.

No test counts what a machine manages within a time, and none fails because a machine is slow or busy.
"""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 60.0


def wait_until(reached: Callable[[], bool], what: str = "what was waited for", limit_s: float = PATIENCE_S) -> None:
    """Poll until ``reached()``; fails after ``limit_s``, naming ``what`` did not come."""
    deadline = time.monotonic() + limit_s
    while not reached():
        assert time.monotonic() < deadline, f"{what} did not come within {limit_s:.0f} s"
        time.sleep(0.01)
