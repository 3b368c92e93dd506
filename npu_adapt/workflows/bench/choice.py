"""Which row of a benchmark is its result."""

from __future__ import annotations

from npu_adapt.records import BenchRow


def best_row(rows: tuple[BenchRow, ...]) -> int:
    """The right row of the highest throughput; where all that ran are wrong, the first of those."""
    right = [index for index, row in enumerate(rows) if row.status == "measured"]
    if right:
        return max(right, key=lambda index: rows[index].throughput_per_s or 0.0)
    return next(index for index, row in enumerate(rows) if row.status == "wrong")
