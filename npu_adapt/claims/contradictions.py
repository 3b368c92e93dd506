"""Figures that cannot all be true: two values for one quantity, and figures that do not follow from one another."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from npu_adapt.claims.blocks import Table
from npu_adapt.claims.claim import Claim
from npu_adapt.claims.conditions import (
    ADAPTED,
    OF_DATA_SETS,
    REFERENCES,
    compatible,
    condition,
    exactly,
    may_hold,
    together,
)
from npu_adapt.claims.finding import Found
from npu_adapt.claims.numbers import Number
from npu_adapt.claims.report import ReportText

# Metrics of which one run has one value.
UNIQUE: frozenset[str] = frozenset((
    "latency", "first-token", "per-token", "throughput", "memory", "rtf", "speed-up", "cosine", "max-abs",
    "mean-abs", "top-1", "top-5", "map", "relative-l2", "relative", "mean-relative", "max-relative", "mse", "rmse",
    "psnr", "iou", "wer", "cer",
))  # fmt: skip
ROUNDED = 0.5  # cut off instead of rounded: as much again as half a unit of the last digit
NEAR = 3.0
NEAR_ACCURACY = 1.02
DERIVED_SLACK = 0.02
ORDER = ("min", "p50", "p90", "p95", "p99", "max")
CHANGED = re.compile(
    r"优化[前后]|before|after|修改[前后]|调优|旧|改进|历史|此前|原始(?:模型|论文|报告)|官方"
    r"|paper|published|original|预期|projected|理论|估计|estimated",
    re.IGNORECASE,
)


def two_values(report: ReportText) -> Iterator[Found]:
    """One quantity with two values: the conditions that both name are the same, and the digits are not."""
    claims = _without_the_only_batch(
        [each for each in report.claims if each.metric in UNIQUE and each.is_measured and not _is_changed(each)]
    )
    parallel = _parallel_tables(report)
    seen: set[tuple[str, str, str]] = set()
    for one, other in combinations(claims, 2):
        if not compatible(one, other) or agree(one, other) or _side_by_side(one, other):
            continue
        if not exactly(one, other) and not are_near(one, other):
            continue
        if (one.table, other.table) in parallel:
            continue
        if _is_explained(one, other, claims) or _is_explained(other, one, claims):
            continue
        key = (one.metric, one.number.text, other.number.text)
        if key in seen or (one.metric, other.number.text, one.number.text) in seen:
            continue
        seen.add(key)
        certain = exactly(one, other)
        places = ((one.line, one.quote), (other.line, other.quote))
        values = {"first": one.quote, "second": other.quote}
        yield Found("two-values", places, "certain" if certain else "likely", dict(values))


def _parallel_tables(report: ReportText) -> set[tuple[int | None, int | None]]:
    """Pairs of tables with the same names and other values: the same measurements of two things."""
    tables = [block for block in report.blocks if isinstance(block, Table) and len(block.rows) > 1]
    found: set[tuple[int | None, int | None]] = set()
    for one, other in combinations(tables, 2):
        if one.header != other.header or _names_of(one) != _names_of(other):
            continue
        cells = [
            (a, b)
            for x, y in zip(one.rows, other.rows, strict=True)
            for a, b in zip(x.cells[1:], y.cells[1:], strict=False)
        ]
        if 2 * sum(a == b for a, b in cells) < len(cells):
            found |= {(one.line, other.line), (other.line, one.line)}
    return found


def _names_of(table: Table) -> list[str]:
    return [row.cells[0] for row in table.rows if row.cells]


def _without_the_only_batch(claims: Sequence[Claim]) -> list[Claim]:
    """The claims without a batch size where a report names one only: what does not name it means it."""
    named = {batch for claim in claims if (batch := condition(claim, "batch"))}
    if len(named) > 1:
        return list(claims)
    return [
        replace(
            claim,
            facets={k: v for k, v in claim.facets.items() if k != "batch"},
            context={k: v for k, v in claim.context.items() if k != "batch"},
        )
        for claim in claims
    ]


def are_near(one: Claim, other: Claim) -> bool:
    """Whether two values may be of one quantity that is described in two ways: much else that is alike is far apart."""
    low, high = sorted((abs(one.value), abs(other.value)))
    return low > 0 and high / low <= (NEAR_ACCURACY if one.metric in OF_DATA_SETS else NEAR)


def _is_changed(claim: Claim) -> bool:
    return bool(CHANGED.search(claim.label) or CHANGED.search(claim.quote))


def agree(one: Claim, other: Claim) -> bool:
    return _wider(one.number).agrees(_wider(other.number))


def _wider(number: Number) -> Number:
    """The same with room for digits that were cut off."""
    half = (number.high - number.low) * ROUNDED
    return replace(number, low=number.low - half, high=number.high + half)


def _side_by_side(one: Claim, other: Claim) -> bool:
    """Whether they stand beside each other on purpose: columns of a row, rows of a column, figures of a sentence."""
    if one.line == other.line:
        return True
    if one.table is None or one.table != other.table:
        return False
    return not one.label or not other.label or one.rest != other.rest or _first_cells_alike(one, other)


def _first_cells_alike(one: Claim, other: Claim) -> bool:
    """Whether two rows have their metric from the header, so that the rows are what tells them apart."""
    return (
        one.label.split(" ")[-1:] == other.label.split(" ")[-1:] and one.label.split(" ")[0] != one.label.split(" ")[-1]
    )


def _is_explained(claim: Claim, against: Claim, claims: Sequence[Claim]) -> bool:
    """Whether a third figure is what `claim` repeats, or several others differ, so that it may be of any of them."""
    values = []
    for third in claims:
        if third is claim or third is against or third.metric != claim.metric:
            continue
        if agree(claim, third) and not compatible(third, against) and may_hold(claim, third):
            return True
        if compatible(claim, third):
            values.append(third)
    if exactly(claim, against):
        return False
    return any(not compatible(third, against) and not agree(third, against) for third in values)


def speed_ups(report: ReportText) -> Iterator[Found]:
    """A speed-up that is not the quotient of the two times it is given beside."""
    times = [each for each in report.claims if each.metric in TIMED and each.number.value > 0 and not each.is_threshold]
    for claim in report.claims:
        if claim.metric != "speed-up" or not claim.is_measured or claim.number.is_approximate or _is_changed(claim):
            continue
        if claim.facets.get("device") == "cpu" and claim.value == 1:
            continue
        pairs = [*_pairs(claim, times)]
        if not pairs or any(_is_quotient(claim.number, slow, fast) for slow, fast in pairs):
            continue
        anywhere = [(a, b) for a, b in combinations(times, 2) if a.metric == b.metric]
        in_row = [pair for pair in pairs if pair[0].table == claim.table is not None]
        if not in_row and any(_is_quotient(claim.number, *sorted(p, key=_slowness)) for p in map(list, anywhere)):
            continue
        slow, fast = in_row[0] if in_row else pairs[0]
        ratio = slow.value / fast.value if slow.metric not in RATES else fast.value / slow.value
        if len(pairs) > 2 and not in_row:
            continue
        places = tuple((each.line, each.quote) for each in (claim, slow, fast))
        values = {"given": claim.quote, "derived": f"{ratio:.4g}", "sources": f"{slow.quote}; {fast.quote}"}
        yield Found("derived-figure", places, "certain" if in_row or len(pairs) == 1 else "likely", dict(values))


RATES = ("throughput",)
TIMED = ("latency", "first-token", "per-token", "throughput", "rtf")


def _slowness(claim: Claim) -> float:
    return -claim.value if claim.metric not in RATES else claim.value


def _pairs(claim: Claim, times: Sequence[Claim]) -> Iterator[tuple[Claim, Claim]]:
    """A time of the reference and one of the device, of the same thing: in the row or column of the speed-up, else of
    the same conditions.
    """
    for slow, fast in ((a, b) for a in times for b in times if a.metric == b.metric and a is not b):
        if condition(slow, "device") not in REFERENCES or condition(fast, "device") != ADAPTED:
            continue
        if slow.facets.get("statistic") != fast.facets.get("statistic") and slow.table != fast.table:
            continue
        if (slow.facets.get("phase") or "") != (fast.facets.get("phase") or "") or slow.rest != fast.rest:
            continue
        dtype = claim.facets.get("dtype")
        if dtype and fast.facets.get("dtype") not in (None, dtype):
            continue
        batch = condition(claim, "batch")
        if batch and condition(fast, "batch") not in (None, batch):
            continue
        if claim.table is not None and slow.table == fast.table == claim.table:
            if claim.rest and claim.rest != fast.rest:
                continue
            yield slow, fast
        elif claim.rest <= fast.rest and (not fast.rest or claim.rest):
            yield slow, fast


def _is_quotient(number: Number, slow: Claim, fast: Claim) -> bool:
    one, other = _wider(slow.number), _wider(fast.number)
    if slow.metric in RATES:
        one, other = other, one
    if other.low <= 0 or one.low <= 0:
        return True
    given = _wider(number)
    low, high = one.low / other.high * (1 - DERIVED_SLACK), one.high / other.low * (1 + DERIVED_SLACK)
    return given.low <= high and low <= given.high


def throughputs(report: ReportText) -> Iterator[Found]:
    """Throughput that is not the batch over the latency of its row, where it is in the other rows of the table."""
    rows: dict[tuple[int, int], list[Claim]] = {}
    for claim in report.claims:
        if (
            claim.table is not None
            and claim.metric in ("latency", "throughput")
            and claim.is_measured
            and claim.value > 0
        ):
            rows.setdefault((claim.table, claim.row), []).append(claim)
    verdicts: dict[int, list[tuple[bool, Claim, float, Claim]]] = {}
    for (table, _), claims in rows.items():
        for rate in (each for each in claims if each.metric == "throughput"):
            batch = float(condition(rate, "batch") or 1)
            near = [c for c in claims if c.metric == "latency" and condition(c, "statistic") in (None, "mean", "p50")]
            near = [
                c
                for c in near
                if condition(c, "device") == condition(rate, "device")
                and c.facets.get("dtype") == rate.facets.get("dtype")
            ]
            if not near:
                continue
            fits = any(_near(rate.number, batch, c.number) for c in near)
            verdicts.setdefault(table, []).append((fits, rate, batch / near[0].value, near[0]))
    for found in verdicts.values():
        right = sum(fits for fits, *_ in found)
        if not right or right * 2 < len(found):
            continue
        for fits, rate, derived, latency in found:
            if not fits:
                places = ((rate.line, rate.quote), (latency.line, latency.quote))
                values = {"given": rate.quote, "derived": f"{derived:.4g}", "sources": latency.quote}
                yield Found("derived-figure", places, "likely", dict(values))


def _near(rate: Number, batch: float, latency: Number) -> bool:
    low, high = batch / _wider(latency).high, batch / max(_wider(latency).low, 1e-12)
    given = _wider(rate)
    return given.low <= high * 1.05 and low * 0.95 <= given.high


def order_of_statistics(report: ReportText) -> Iterator[Found]:
    """A minimum above the mean, a p50 above the p99, a p99 above the maximum."""
    claims = [
        each
        for each in report.claims
        if each.metric in ("latency", "first-token", "per-token")
        and each.is_measured
        and each.facets.get("statistic") in (*ORDER, "mean")
    ]
    for one, other in combinations(claims, 2):
        if one.facets["statistic"] == other.facets["statistic"] or not _same_distribution(one, other):
            continue
        lower, upper = sorted((one, other), key=_rank)
        if "mean" in (lower.facets["statistic"], upper.facets["statistic"]) and not {
            lower.facets["statistic"],
            upper.facets["statistic"],
        } & {"min", "max"}:
            continue
        if lower.number.low > upper.number.high:
            places = ((lower.line, lower.quote), (upper.line, upper.quote))
            yield Found("statistics-order", places, "certain", {"first": lower.quote, "second": upper.quote})


def _rank(claim: Claim) -> float:
    statistic = claim.facets["statistic"]
    return 1.5 if statistic == "mean" else float(ORDER.index(statistic))


def _same_distribution(one: Claim, other: Claim) -> bool:
    facets = ("device", "dtype", "mode", "batch")
    return (
        one.metric == other.metric
        and one.rest == other.rest
        and all(condition(one, each) == condition(other, each) for each in facets)
        and (one.facets.get("phase") or "") == (other.facets.get("phase") or "")
        and together(one, other)
        and (
            one.table is None
            or one.table != other.table
            or one.row == other.row
            or one.label.split(" ")[-1] == other.label.split(" ")[-1]
        )
    )
