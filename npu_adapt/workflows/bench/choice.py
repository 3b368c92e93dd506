"""Which row of a benchmark is the fastest, and which is its result."""

from __future__ import annotations

from npu_adapt.records import BenchRow


def best_row(rows: tuple[BenchRow, ...]) -> int:
    """The right row of the highest throughput; where all that ran are wrong, the first of those."""
    return max(_comparable(rows), key=lambda index: rows[index].throughput_per_s or 0.0)


def result_row(rows: tuple[BenchRow, ...]) -> int:
    """The row whose latency is the model's: the first right one of batch size 1, else the first right one.

    A larger batch raises throughput and latency alike, so the fastest row says little about one input. Rows stand in
    the order in which the settings were asked for. Where all that ran are wrong, it is the first of those.
    """
    return min(_comparable(rows), key=lambda index: (rows[index].batch_size != 1, index))


def _comparable(rows: tuple[BenchRow, ...]) -> list[int]:
    right = [index for index, row in enumerate(rows) if row.status == "measured"]
    return right or [next(index for index, row in enumerate(rows) if row.status == "wrong")]
