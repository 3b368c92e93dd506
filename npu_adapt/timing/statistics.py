"""What a set of latencies says, and how sure it is. Pure functions of numbers.

Sources of the formulas
    percentiles             Hyndman and Fan, "Sample quantiles in statistical packages" (1996), definition 7
    interval of the median  order statistics and the binomial distribution: David and Nagaraja, "Order Statistics",
                            3rd edition, section 7.1; no assumption about the distribution, samples independent
    ratio of two groups     Hodges-Lehmann estimate and the Mann-Whitney interval on logarithms: Hollander, Wolfe and
                            Chicken, "Nonparametric Statistical Methods", 3rd edition, sections 4.2 and 4.3
    far-out samples         Tukey, "Exploratory Data Analysis" (1977): beyond a quartile by three interquartile ranges
    two clusters            Otsu, "A threshold selection method from gray-level histograms" (1979)
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from npu_adapt import records

CONFIDENCE = 0.95

# Below 1 / (1 - q) samples no sample is expected beyond the q-quantile, and the figure would be the maximum again.
MINIMUM_SAMPLES = {0.90: 10, 0.99: 100}

DRIFT_MINIMUM_SAMPLES = 30
DRIFT_LEVEL = 0.03
OUTLIER_MINIMUM_SAMPLES = 10
OUTLIER_SHARE = 0.01
OUTLIER_DISTANCE = 0.10  # of the median: device clocks tick coarsely, and then the interquartile range is next to zero
CLUSTER_MINIMUM_SAMPLES = 30
CLUSTER_EXPLAINED = (
    0.85  # share of the variance between the clusters: 0.64 for a normal, 0.75 for a uniform distribution
)
CLUSTER_SHARE = 0.10
CLUSTER_DISTANCE = 0.05
RESOLUTION_SHARE = 0.01


@dataclass(frozen=True)
class Interval:
    """A confidence interval in the unit of its samples."""

    low: float
    high: float
    confidence: float

    def relative_half_width(self, centre: float) -> float:
        """Half the width as a share of `centre`; infinite around zero."""
        return (self.high - self.low) / 2 / centre if centre > 0 else math.inf


def median(samples: Sequence[float]) -> float:
    """The middle sample, or the mean of the middle two. `ValueError` without samples."""
    return percentile(samples, 0.5)


def percentile(samples: Sequence[float], q: float) -> float:
    """The `q`-quantile, 0 <= q <= 1, interpolated linearly between samples. `ValueError` without samples."""
    if not samples:
        raise ValueError("no samples")
    return _percentile_of_sorted(sorted(samples), q)


def _percentile_of_sorted(ordered: Sequence[float], q: float) -> float:
    position = (len(ordered) - 1) * q
    below = math.floor(position)
    above = math.ceil(position)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def latency(samples_ms: Sequence[float]) -> records.Latency:
    """All figures of `samples_ms`, in milliseconds; a percentile with too few samples behind it is None.

    `std` is the sample standard deviation, 0.0 for a single sample. `ValueError` without samples.
    """
    if not samples_ms:
        raise ValueError("no samples")
    ordered = sorted(samples_ms)
    count = len(ordered)
    mean = math.fsum(ordered) / count
    tails = {
        q: _percentile_of_sorted(ordered, q) if count >= minimum else None for q, minimum in MINIMUM_SAMPLES.items()
    }
    return records.Latency(
        mean=mean,
        median=_percentile_of_sorted(ordered, 0.5),
        p90=tails[0.90],
        p99=tails[0.99],
        std=math.sqrt(math.fsum((x - mean) ** 2 for x in ordered) / (count - 1)) if count > 1 else 0.0,
        min=ordered[0],
        max=ordered[-1],
    )


def median_interval(samples: Sequence[float], confidence: float = CONFIDENCE) -> Interval | None:
    """The interval that holds the median with at least `confidence`; None below six samples (at 95 %)."""
    return interval_of_sorted(sorted(samples), confidence)


def interval_of_sorted(ordered: Sequence[float], confidence: float = CONFIDENCE) -> Interval | None:
    """`median_interval` of samples that are in ascending order already."""
    rank = median_rank(len(ordered), confidence)
    if rank is None:
        return None
    return Interval(ordered[rank - 1], ordered[len(ordered) - rank], confidence)


@functools.lru_cache(maxsize=4096)
def median_rank(count: int, confidence: float = CONFIDENCE) -> int | None:
    """The rank r, from 1: the median lies between the r-th smallest and the r-th largest of `count` samples.

    It is the largest r with P(B < r) <= (1 - confidence) / 2 for B binomial(count, 1/2); None where even r = 1 is not
    wide enough.
    """
    allowed = (1 - confidence) / 2
    log_half = -count * math.log(2)
    # Far below the mean the probabilities no longer count; start there and add up.
    start = max(0, math.floor(count / 2 - 10 * math.sqrt(count) / 2))
    total = 0.0
    for successes in range(start, count // 2 + 1):
        log_ways = math.lgamma(count + 1) - math.lgamma(successes + 1) - math.lgamma(count - successes + 1)
        total += math.exp(log_ways + log_half)
        if total > allowed:
            return successes or None
    return None


@dataclass(frozen=True)
class Ratio:
    """How many times as large one group is as another: the estimate and its interval."""

    estimate: float
    low: float
    high: float
    confidence: float


def paired_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Ratio | None:
    """The median of sample-by-sample ratios of two sides measured alternately; None with fewer than six pairs."""
    ratios = [a / b for a, b in zip(numerators, denominators, strict=True)]
    interval = median_interval(ratios)
    if interval is None:
        return None
    return Ratio(median(ratios), interval.low, interval.high, interval.confidence)


def group_ratio(candidate: Sequence[float], reference: Sequence[float], confidence: float = CONFIDENCE) -> Ratio | None:
    """candidate / reference for two independent groups of positive figures; robust against one odd member.

    The median of all pairwise ratios, and the ratios at the Mann-Whitney rank from either end. None where the groups
    are too small for `confidence` (three against three, at 95 %).
    """
    ratios = sorted(a / b for a in candidate for b in reference)
    rank = mann_whitney_rank(len(candidate), len(reference), confidence)
    if rank is None:
        return None
    return Ratio(_percentile_of_sorted(ratios, 0.5), ratios[rank - 1], ratios[-rank], confidence)


@functools.lru_cache(maxsize=256)
def mann_whitney_rank(first: int, second: int, confidence: float = CONFIDENCE) -> int | None:
    """The largest r with P(U < r) <= (1 - confidence) / 2 under equal groups; None where there is none."""
    ways = _mann_whitney_counts(first, second)
    limit = math.comb(first + second, first) * (1 - confidence) / 2
    rank = sum(1 for total in accumulate(ways) if total <= limit)
    return rank or None


def _mann_whitney_counts(first: int, second: int) -> list[int]:
    """How many of the orderings have U = 0, 1, … first * second: the coefficients of the Gaussian binomial."""
    size = first * second + 1
    ways = [1] + [0] * (size - 1)
    for step in range(1, first + 1):
        for u in range(size - 1, second + step - 1, -1):
            ways[u] -= ways[u - second - step]
        for u in range(step, size):
            ways[u] += ways[u - step]
    return ways


def drift(samples: Sequence[float]) -> float | None:
    """The relative change from the first third's median to the last third's; None when it may be chance.

    Said only where it exceeds `DRIFT_LEVEL` and the 99 % intervals of the two medians do not overlap.
    """
    if len(samples) < DRIFT_MINIMUM_SAMPLES:
        return None
    third = len(samples) // 3
    early, late = sorted(samples[:third]), sorted(samples[-third:])
    before, after = interval_of_sorted(early, 0.99), interval_of_sorted(late, 0.99)
    if before is None or after is None or (before.low <= after.high and after.low <= before.high):
        return None
    change = median(late) / median(early) - 1
    return change if abs(change) > DRIFT_LEVEL else None


def outliers(samples: Sequence[float]) -> tuple[float, ...]:
    """The samples far outside the rest, in order of time; empty when they are under 1 % of all."""
    if len(samples) < OUTLIER_MINIMUM_SAMPLES:
        return ()
    ordered = sorted(samples)
    lower, middle, upper = (_percentile_of_sorted(ordered, q) for q in (0.25, 0.5, 0.75))
    reach = 3 * (upper - lower)
    found = tuple(
        x for x in samples if not lower - reach <= x <= upper + reach and abs(x - middle) > OUTLIER_DISTANCE * middle
    )
    return found if len(found) >= OUTLIER_SHARE * len(samples) else ()


@dataclass(frozen=True)
class TwoClusters:
    """Two separate levels: their means and the share of the samples in the upper one."""

    low: float
    high: float
    upper_share: float


def two_clusters(samples: Sequence[float]) -> TwoClusters | None:
    """The two levels that the samples jump between, or None for a single one.

    Far-out samples are set aside first, so that a few hiccups are not called a second level.
    """
    far = set(outliers(samples))
    ordered = sorted(x for x in samples if x not in far)
    count = len(ordered)
    if count < CLUSTER_MINIMUM_SAMPLES:
        return None
    mean = math.fsum(ordered) / count
    variance = math.fsum((x - mean) ** 2 for x in ordered) / count
    sums = list(accumulate(ordered))
    split = max(range(1, count), key=lambda k: (sums[k - 1] - k * mean) ** 2 / (k * (count - k)))
    low, high = sums[split - 1] / split, (sums[-1] - sums[split - 1]) / (count - split)
    share = (count - split) / count
    explained = share * (1 - share) * (high - low) ** 2 / variance if variance > 0 else 0.0
    separate = explained >= CLUSTER_EXPLAINED and high - low >= CLUSTER_DISTANCE * mean
    return TwoClusters(low, high, share) if separate and CLUSTER_SHARE <= share <= 1 - CLUSTER_SHARE else None


def warnings_of(samples_ms: Sequence[float], *, resolution_ms: float) -> tuple[records.Fact, ...]:
    """What the samples say against themselves: drift, outliers, two levels, a coarse clock."""
    middle = median(samples_ms)
    found: list[records.Fact] = []
    if (change := drift(samples_ms)) is not None:
        found.append(records.Fact("drift", {"change": change}))
    if far := outliers(samples_ms):
        furthest = max(far, key=lambda x: abs(x - middle))
        counts: dict[str, records.Value] = {"outliers": len(far), "samples": len(samples_ms), "furthest_ms": furthest}
        found.append(records.Fact("outliers", counts))
    if levels := two_clusters(samples_ms):
        found.append(
            records.Fact("bimodal", {"low_ms": levels.low, "high_ms": levels.high, "upper_share": levels.upper_share})
        )
    if resolution_ms > RESOLUTION_SHARE * middle:
        found.append(
            records.Fact(
                "clock-resolution",
                {"resolution_ms": resolution_ms, "median_ms": middle, "allowed_share": RESOLUTION_SHARE},
            )
        )
    return tuple(found)
