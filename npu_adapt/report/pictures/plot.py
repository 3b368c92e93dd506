"""A plot as plain geometry: scales with round ticks, series as SVG paths, lines across with their labels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from npu_adapt.rounding import significant

WIDTH, HEIGHT = 440, 290  # of the drawing, in its own units; a page scales it
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 14, 46  # margins, which hold ticks and titles
MOST_TICKS = 6
FEWEST_DECADES = 3

Style = Literal["line", "dashed", "dots"]
Point = tuple[float, float]


@dataclass(frozen=True)
class Tick:
    value: float
    text: str


@dataclass(frozen=True)
class Scale:
    """From `low` to `high`, both inside the drawing."""

    low: float
    high: float
    ticks: tuple[Tick, ...]
    logarithmic: bool = False

    def share(self, value: float) -> float:
        """How far along the axis, 0 to 1, `value` stands."""
        if self.logarithmic:
            return (math.log10(value) - math.log10(self.low)) / (math.log10(self.high) - math.log10(self.low))
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class Series:
    """Values under one name. A gap in a line is a NaN."""

    name: str
    points: tuple[Point, ...]
    colour: int  # of the page's series, from 1
    style: Style = "line"
    labels: tuple[str, ...] = ()  # beside the points; empty: none


@dataclass(frozen=True)
class Guide:
    """A line across the whole drawing: at a height, or where something failed."""

    name: str
    value: float
    axis: Literal["x", "y"]
    kind: Literal["plain", "good", "bad", "limit"] = "plain"


@dataclass(frozen=True)
class Plot:
    title: str
    says: str  # the same in a sentence, for those who cannot see it
    x_title: str
    y_title: str
    x: Scale
    y: Scale
    series: tuple[Series, ...]
    guides: tuple[Guide, ...] = ()

    width: int = WIDTH
    height: int = HEIGHT

    def at_x(self, value: float) -> float:
        return round(LEFT + self.x.share(value) * (WIDTH - LEFT - RIGHT), 1)

    def at_y(self, value: float) -> float:
        return round(HEIGHT - BOTTOM - self.y.share(value) * (HEIGHT - TOP - BOTTOM), 1)

    @property
    def frame(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of where the values are."""
        return LEFT, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM

    def path(self, series: Series) -> str:
        """The SVG path: a line with gaps, or a stroke of no length for each dot, which a round cap makes visible."""
        if series.style == "dots":
            return "".join(f"M{self.at_x(x)} {self.at_y(y)}h0" for x, y in series.points if not math.isnan(y))
        parts, drawing = [], False
        for x, y in series.points:
            if math.isnan(y):
                drawing = False
                continue
            parts.append(f"{'L' if drawing else 'M'}{self.at_x(x)} {self.at_y(y)}")
            drawing = True
        return "".join(parts)


def linear(values: Iterable[float], *, whole: bool = False) -> Scale:
    """From zero to a round number above all values, which are none below zero."""
    most = max(values, default=0.0) or 1.0
    step = _step(most / (MOST_TICKS - 1))
    if whole:
        step = max(1.0, step)
    count = math.ceil(most / step - 1e-9)
    ticks = tuple(Tick(at * step, _plain(at * step, step)) for at in range(count + 1))
    return Scale(0.0, count * step, ticks)


def between(low: int, high: int) -> Scale:
    """Whole numbers from `low` to `high`."""
    step = max(1, round(_step((high - low) / (MOST_TICKS - 1) or 1.0)))
    ticks = tuple(Tick(value, str(value)) for value in range(-(-low // step) * step, high + 1, step))
    return Scale(low, max(high, low + 1), ticks)


def decades(values: Sequence[float]) -> Scale:
    """Whole powers of ten around the values, all of which are above zero."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    low = min(low, high - FEWEST_DECADES)
    step = max(1, -(-(high - low) // (MOST_TICKS - 1)))
    ticks = tuple(Tick(10.0**power, f"1e{power:+03d}") for power in range(high, low - 1, -step))
    return Scale(10.0**low, 10.0**high, ticks, logarithmic=True)


def _step(least: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that is at least `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= least * (1 - 1e-9))


def _plain(value: float, step: float) -> str:
    """A tick's number, with the decimals that its step needs."""
    decimals = max(0, -math.floor(math.log10(step)))
    return f"{value:.{decimals}f}" if value < 1e6 else significant(value)
