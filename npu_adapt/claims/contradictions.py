"""Figures that cannot all be true: two values for one quantity, and figures that do not follow from one another."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from npu_adapt.claims.blocks import Table
from npu_adapt.claims.claim import MOST_CLAIMS, Claim
from npu_adapt.claims.conditions import (
    OF_DATA_SETS,
    PERFORMANCE,
    compatible,
    condition,
    exactly,
    may_hold,
    together,
)
from npu_adapt.claims.finding import Found
from npu_adapt.claims.numbers import Number
from npu_adapt.claims.report import ReportText
from npu_adapt.records.audit import Certainty

# Metrics of which one run has one value.
UNIQUE: frozenset[str] = frozenset((
    "latency", "first-token", "per-token", "throughput", "memory", "rtf", "speed-up", "cosine", "max-abs",
    "mean-abs", "top-1", "top-5", "map", "relative-l2", "relative", "mean-relative", "max-relative", "mse", "rmse",
    "psnr", "iou", "wer", "cer",
))  # fmt: skip
ROUNDED = 0.5  # cut off instead of rounded: as much again as half a unit of the last digit
NEAR = 3.0
NEAR_ACCURACY = 1.02
MOST_VALUES = 4  # of what is called the same: more are a series whose names are not understood
ORDER = ("min", "p50", "p90", "p95", "p99", "max")
CHANGED = re.compile(
    r"优化[前后]|before|after|修改[前后]|调优|旧|改进|历史|此前|原始(?:模型|论文|报告)|官方"
    r"|paper|published|original|预期|projected|理论|估计|estimated",
    re.IGNORECASE,
)


OF_LIKENESS = ("iou", "cosine")
_WORST = re.compile(r"worst|最差", re.IGNORECASE)


def two_values(report: ReportText) -> Iterator[Found]:
    """One quantity with two values: the conditions that both name are the same, and the digits are not."""
    claims = _without_the_only_batch(
        [each for each in report.claims if each.metric in UNIQUE and each.is_measured and not is_changed(each)]
    )
    parallel = _parallel_tables(report)
    for metric in dict.fromkeys(each.metric for each in claims):
        among = _without_series([each for each in claims if each.metric == metric])[:MOST_CLAIMS]
        seen: set[frozenset[str]] = set()
        for one, other in combinations(among, 2):
            values = frozenset((one.number.text, other.number.text))
            if values in seen or not _differ(one, other, among, parallel):
                continue
            seen.add(values)
            places = ((one.line, one.quote), (other.line, other.quote))
            certainty: Certainty = "certain" if exactly(one, other) else "likely"
            yield Found("two-values", places, certainty, {"first": one.quote, "second": other.quote})


def _without_series(claims: Sequence[Claim]) -> list[Claim]:
    """The claims but for those with so many values under one description that it must be of many things."""
    values: dict[object, set[str]] = {}
    for claim in claims:
        values.setdefault(_description(claim), set()).add(claim.number.text)
    return [claim for claim in claims if len(values[_description(claim)]) <= MOST_VALUES]


def _description(claim: Claim) -> object:
    facets = ("device", "statistic", "dtype", "mode", "batch", "phase")
    return claim.rest, tuple(condition(claim, each) for each in facets)


def _differ(one: Claim, other: Claim, among: Sequence[Claim], parallel: set[tuple[int | None, int | None]]) -> bool:
    """Whether two figures are of one quantity and not the same, and no other figure says why."""
    if _side_by_side(one, other) or (one.table, other.table) in parallel or agree(one, other):
        return False
    if not compatible(one, other) or not (exactly(one, other) or are_near(one, other)):
        return False
    return not _is_explained(one, other, among) and not _is_explained(other, one, among)


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


def is_changed(claim: Claim) -> bool:
    return bool(CHANGED.search(claim.label) or CHANGED.search(claim.quote))


def agree(one: Claim, other: Claim) -> bool:
    return wider(one.number).agrees(wider(other.number))


def wider(number: Number) -> Number:
    """The same with room for digits that were cut off."""
    half = (number.high - number.low) * ROUNDED
    return replace(number, low=number.low - half, high=number.high + half)


def _side_by_side(one: Claim, other: Claim) -> bool:
    """Whether they stand beside each other on purpose: columns of a row, rows of a column, figures of a sentence."""
    if one.line == other.line:
        return one.sentence == other.sentence or one.metric not in PERFORMANCE or not exactly(one, other)
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
        if agree(claim, third) and exactly(claim, third) and may_hold(claim, third) and not exactly(claim, against):
            return True
        if _are_twins(claim, third) and agree(third, against):
            return True
        if compatible(claim, third):
            values.append(third)
    if exactly(claim, against):
        return False
    return any(not compatible(third, against) and not agree(third, against) for third in values)


def _are_twins(one: Claim, other: Claim) -> bool:
    """Whether a sentence gives both for one thing, as of a device that is compared with itself."""
    in_one = one.table is None and (one.line, one.sentence) == (other.line, other.sentence)
    return in_one and may_hold(one, other) and exactly(one, other)


def order_of_statistics(report: ReportText) -> Iterator[Found]:
    """A minimum above the mean, a p50 above the p99, a p99 above the maximum."""
    claims = [
        each
        for each in report.claims
        if each.metric in ("latency", "first-token", "per-token", *OF_LIKENESS)
        and each.is_measured
        and each.facets.get("statistic") in (*ORDER, "mean")
    ]
    for one, other in combinations(claims[:MOST_CLAIMS], 2):
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
    if claim.metric in OF_LIKENESS and _WORST.search(claim.label):
        return -1.0  # of a likeness the worst is the least
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
