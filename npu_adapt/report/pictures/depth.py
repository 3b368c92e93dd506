"""Error over depth: what each operator adds alone, what accumulates, their floors, and what failed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from npu_adapt.records import Depth
from npu_adapt.report.depth_chart import EXACT
from npu_adapt.report.figures import Figures
from npu_adapt.report.pictures.plot import Guide, Plot, Point, Series, Style, between, decades
from npu_adapt.rounding import error

MOST_POINTS = 240  # of a series; more operators than that share points, and the largest value of each is drawn
MOST_GUIDES = 3  # failed operators with a line of their own
SERIES: tuple[tuple[str, int, Style], ...] = (
    ("accumulated_floor", 2, "dashed"),
    ("isolated_floor", 1, "dashed"),
    ("accumulated", 2, "line"),
    ("isolated", 1, "line"),
)


def depth(figures: Figures) -> Iterator[Plot]:
    """The plot of the comparison's depth; nothing where no operator was judged, or where no error is above zero."""
    compare = figures.summary.compare
    if compare is None or compare.depth is None:
        return
    found = compare.depth
    series = [*_series(figures, found)]
    drawn = [value for each in series for _, value in each.points if not math.isnan(value)]
    if not drawn:
        return
    failed = [each for each in compare.operators if each.sample == found.sample]
    if compare.first_suspect is not None and compare.first_suspect.sample == found.sample:
        failed = [compare.first_suspect, *(each for each in failed if each != compare.first_suspect)]
    inside = [each for each in failed if found.index[0] <= each.index <= found.index[-1]]
    yield Plot(
        title=figures.say("plot-depth"),
        says=figures.say(
            "plot-depth-says",
            count=figures.write("count", len(found.index)),
            first=found.module[0],
            last=found.module[-1],
            isolated=error(max(found.isolated)),
        ),
        x_title=figures.say("plot-depth-x"),
        y_title=figures.say("plot-depth-y"),
        x=between(found.index[0], found.index[-1]),
        y=decades(drawn),
        series=tuple(series),
        guides=tuple(
            Guide(figures.say("plot-failed", module=each.module, operator=each.operator), each.index, "x", "bad")
            for each in inside[:MOST_GUIDES]
        ),
    )


def _series(figures: Figures, found: Depth) -> Iterator[Series]:
    for name, colour, style in SERIES:
        values = getattr(found, name)
        if values is not None:
            yield Series(figures.say(f"plot-{name.replace('_', '-')}"), _points(found.index, values), colour, style)


def _points(index: Sequence[int], values: Sequence[float]) -> tuple[Point, ...]:
    """Each value over its operator's position, the largest of those that share a point; no height for zero."""
    count = len(index)
    points = min(count, MOST_POINTS)
    bounds = [at * count // points for at in range(points + 1)]
    largest = [(index[begin], max(values[begin:end])) for begin, end in pairwise(bounds)]
    return tuple((float(x), y if y > EXACT else math.nan) for x, y in largest)
