"""Which row is the fastest and which is the result."""

from __future__ import annotations

import pytest

from npu_adapt.records import BenchRow
from npu_adapt.workflows.bench.choice import best_row, result_row


def rows(*each: tuple[int, float | None, str]) -> tuple[BenchRow, ...]:
    """Rows by (batch size, throughput, status)."""
    return tuple(
        BenchRow(
            dtype="float32",
            attention="sdpa",
            mode="eager",
            threads=1,
            batch_size=batch,
            status=status,
            throughput_per_s=throughput,
        )
        for batch, throughput, status in each
    )


MEASURED, WRONG, FAILED = "measured", "wrong", "failed"


@pytest.mark.parametrize(
    ("found", "best", "result"),
    [
        (rows((8, 90.0, MEASURED), (1, 40.0, MEASURED)), 0, 1),  # the latency of one input, not of eight
        (rows((1, 40.0, MEASURED), (1, 80.0, MEASURED)), 1, 0),  # the mode that was asked for first
        (rows((8, 90.0, MEASURED), (4, 95.0, MEASURED)), 1, 0),  # the user chose: the first batch
        (rows((1, None, FAILED), (8, 90.0, MEASURED)), 1, 1),
        (rows((1, 99.0, WRONG), (8, 90.0, MEASURED)), 1, 1),  # a wrong row is never the result beside a right one
        (rows((1, None, FAILED), (8, 90.0, WRONG), (1, 95.0, WRONG)), 1, 1),
    ],
)
def test_the_fastest_row_and_the_result(found: tuple[BenchRow, ...], best: int, result: int) -> None:
    assert (best_row(found), result_row(found)) == (best, result)
