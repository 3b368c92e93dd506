"""The processor's pace: how long a fixed piece of work takes right now.

Whoever shares a core's units, as the other hardware thread of a virtual machine does, slows a process down without
using any of its processor time. Nothing counts that, and a benchmark of now against one of then mistakes it for its
subject's own. The work is what a small model does, products of a few rows with weights that do not fit the core's own
cache, in numpy, so that it changes with neither torch nor the model. Taken in turns with MiniLM on a shared machine,
the medians of latencies spread by 10 to 16 %, those of latencies divided by the pace beside them by 3 %.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from npu_adapt.timing.statistics import median

ROWS, WIDTH, COLUMNS = 16, 64, 256  # OpenBLAS runs a product this small in the thread that asks for it
WEIGHTS = 64  # of WIDTH x COLUMNS: 4 MiB


def fixed_work() -> Callable[[], None]:
    """Each call does the same work: about a millisecond of one core of today."""
    draw = np.random.default_rng(0)
    rows = draw.random((ROWS, WIDTH), dtype=np.float32)
    weights = [draw.random((WIDTH, COLUMNS), dtype=np.float32) for _ in range(WEIGHTS)]
    result = np.empty((ROWS, COLUMNS), dtype=np.float32)

    def work() -> None:
        for weight in weights:
            np.matmul(rows, weight, out=result)

    return work


def paced(samples_ms: Sequence[float], paces_ms: Sequence[float]) -> float:
    """The median of samples over the paces that were taken in turns with them. `ValueError` for other numbers."""
    return median([sample / pace for sample, pace in zip(samples_ms, paces_ms, strict=True)])
