"""The processor's pace: how long a fixed piece of work takes right now.

Whoever shares a core's units or its way to memory, as another virtual machine does, slows a process down without using
any of its processor time. Nothing counts that, and a benchmark of now against one of then mistakes it for its subject's
own. The work is what a small model does, products of a few rows with weights that come from behind the core's own
caches, in numpy, so that it changes with neither torch nor the model. Each call takes the next of the weights: all of
them together would take as long as the model. Weights that stay in the caches keep their pace when memory is slow: with
4 MiB of them MiniLM's latencies over the pace lay between 14.8 and 17.1 within some minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import cycle

import numpy as np

from npu_adapt.timing.statistics import median

ROWS, WIDTH, COLUMNS = 16, 64, 256  # OpenBLAS runs a product this small in the thread that asks for it
WEIGHTS = 640  # of WIDTH x COLUMNS: 40 MiB
WEIGHTS_OF_A_CALL = 160


def fixed_work() -> Callable[[], None]:
    """Calls do the same work, with other weights: one or two milliseconds of one core of today."""
    draw = np.random.default_rng(0)
    rows = draw.random((ROWS, WIDTH), dtype=np.float32)
    weights = draw.random((WEIGHTS // WEIGHTS_OF_A_CALL, WEIGHTS_OF_A_CALL, WIDTH, COLUMNS), dtype=np.float32)
    result = np.empty((ROWS, COLUMNS), dtype=np.float32)
    parts = cycle(weights)

    def work() -> None:
        for weight in next(parts):
            np.matmul(rows, weight, out=result)

    return work


def paced(samples_ms: Sequence[float], paces_ms: Sequence[float]) -> float:
    """The median of samples over the paces that were taken in turns with them. `ValueError` for other numbers."""
    return median([sample / pace for sample, pace in zip(samples_ms, paces_ms, strict=True)])
