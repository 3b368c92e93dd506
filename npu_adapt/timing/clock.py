"""The host's clock."""

from __future__ import annotations

import time
from collections.abc import Callable


def clock_resolution_ms(clock: Callable[[], int] = time.perf_counter_ns) -> float:
    """The smallest step of the host's clock that can be seen, in milliseconds."""
    steps = []
    for _ in range(64):
        before = clock()
        while (after := clock()) == before:
            pass
        steps.append(after - before)
    return min(steps) / 1e6
