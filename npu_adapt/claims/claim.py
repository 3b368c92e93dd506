"""One figure of a report, with the conditions that it holds for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from npu_adapt.claims.blocks import Heading
from npu_adapt.claims.numbers import Dimension, Number
from npu_adapt.claims.vocabulary import Metric

INHERITED = ("device", "dtype", "mode", "batch")  # what a heading says of all that stands under it
IMPLIED: dict[Dimension, str] = {"time": "latency", "rate": "throughput"}
THRESHOLD = re.compile(
    r"threshold|阈值|门槛|要求|需求|limit\b|required|requirement|criteri|判据|判定(?:依据|标准)|标准(?!差)"
    r"|tolerance|容差|容限|\b[ra]tol\b|目标|target|expected|允许|必须",
    re.IGNORECASE,
)
LEAST_SHARE = 0.5  # a cosine in percent that is worth writing down
PERFORMANCE_WORDS = re.compile(
    r"性能|时延|延迟|耗时|速度|计时|测速|实时|real[- ]time|latenc|performance|speed|benchmark|timing", re.IGNORECASE
)


MOST_CLAIMS = 300  # of one metric that are held against one another


@dataclass(frozen=True)
class Claim:
    """One figure of a report."""

    metric: str
    number: Number
    line: int
    quote: str  # as the report has it
    facets: Mapping[str, str] = field(default_factory=dict)
    context: Mapping[str, str] = field(default_factory=dict)  # conditions that the headings above set
    rest: frozenset[str] = frozenset()
    section: tuple[Heading, ...] = ()  # the headings above it, the outermost first
    is_threshold: bool = False  # what is asked for, not what was measured
    in_code: bool = False
    table: int | None = None  # the line of its table; None: it stands in none
    row: int = 0
    column: int = 0
    label: str = ""
    sentence: int = 0  # which one of its line

    @property
    def value(self) -> float:
        return self.number.value

    @property
    def is_measured(self) -> bool:
        """Whether it is a value that was found: no threshold and no bound."""
        return not self.is_threshold and not self.number.bound


def fits(metric: Metric, number: Number) -> bool:
    """Whether a metric comes in the number's dimension."""
    if number.dimension == "plain":
        return metric.unitless
    if metric.id == "cosine" and number.dimension == "percent" and number.value < LEAST_SHARE:
        return False  # of (1 - cosine) × 100
    return number.dimension in metric.dimensions or (
        number.dimension == "ratio" and "plain" in metric.dimensions and metric.id == "cosine"
    )
