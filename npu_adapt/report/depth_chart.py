"""Error over depth drawn with letters: what each operator adds alone, what accumulates, and their floors."""

from __future__ import annotations

import math
from collections.abc import Sequence

from npu_adapt.records import Depth

WIDTH = 60  # columns of the chart; many operators share one, and the largest value of each series is drawn
EXACT = 1e-18  # drawn for an error of zero, which has no logarithm
FEWEST_DECADES = 3

# Drawn one over the other, the last on top.
SERIES = (
    ("accumulated_floor", "-"),
    ("isolated_floor", "."),
    ("accumulated", "A"),
    ("isolated", "o"),
)


def chart(depth: Depth, width: int = WIDTH) -> str:
    """The chart on a logarithmic scale, one line a decade, the first operators on the left.

    `o` is an operator alone, `A` what has accumulated, `.` and `-` their floors. Empty where every error is zero.
    """
    columns = min(width, len(depth.index))
    series = {name: _by_column(getattr(depth, name), columns) for name, _ in SERIES}
    drawn = [value for values in series.values() for value in values if value > EXACT]
    if not drawn:
        return ""
    top = math.floor(math.log10(max(drawn)))
    bottom = min(math.floor(math.log10(min(drawn))), top - FEWEST_DECADES + 1)
    grid = {decade: [" "] * columns for decade in range(bottom, top + 1)}
    for name, letter in SERIES:
        for column, value in enumerate(series[name]):
            if value > EXACT:
                grid[math.floor(math.log10(value))][column] = letter
    lines = [f"1e{decade:+03d} |{''.join(grid[decade]).rstrip()}" for decade in range(top, bottom - 1, -1)]
    first, last = f"{depth.index[0]} {depth.module[0]}", f"{depth.module[-1]} {depth.index[-1]}"
    axis = f"{first}{' ' * max(1, columns - len(first) - len(last))}{last}"
    return "\n".join((*lines, f"{'':5} +{'-' * columns}", f"{'':7}{axis}"))


def _by_column(values: Sequence[float] | None, columns: int) -> list[float]:
    """The largest value of the operators that share each column; none for a series that was not measured."""
    if values is None:
        return []
    count = len(values)
    return [max(values[column * count // columns : (column + 1) * count // columns]) for column in range(columns)]
