"""The processor's pace: how long a fixed piece of work takes right now.

Whoever shares a core's units or its way to memory, as another virtual machine does, slows a process down without using
any of its processor time. Nothing counts that, and a benchmark of now against one of then mistakes it for its subject's
own. The work is what a model does, half of it products whose weights stay in the caches, half of it reading what does
not, in numpy, so that it changes with neither torch nor the model. Taken in turns with MiniLM for two minutes, medians
of 20 latencies spread by 4.4 % (standard deviation), over the time of such products alone by 3.3 %, of such reading
alone by 3.2 %, and of both by 2.3 %.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import cycle

import numpy as np

from npu_adapt.timing.statistics import median

ROWS, WIDTH, COLUMNS = 16, 64, 256  # OpenBLAS runs a product this small in the thread that asks for it
WEIGHTS = 64  # of WIDTH x COLUMNS: 4 MiB
READ, READINGS = 10 << 18, 4  # numbers that a call reads, 10 MiB, and how many calls read others: 40 MiB


def fixed_work() -> Callable[[], None]:
    """Each call does as much: one or two milliseconds of one core of today, about half of it in reading."""
    draw = np.random.default_rng(0)
    rows = draw.random((ROWS, WIDTH), dtype=np.float32)
    weights = draw.random((WEIGHTS, WIDTH, COLUMNS), dtype=np.float32)
    result = np.empty((ROWS, COLUMNS), dtype=np.float32)
    parts = cycle(np.ones((READINGS, READ), dtype=np.float32))

    def work() -> None:
        for weight in weights:
            np.matmul(rows, weight, out=result)
        next(parts).sum()

    return work


def paced(samples_ms: Sequence[float], paces_ms: Sequence[float]) -> float:
    """The median of samples over the paces that were taken in turns with them. `ValueError` for other numbers."""
    return median([sample / pace for sample, pace in zip(samples_ms, paces_ms, strict=True)])
