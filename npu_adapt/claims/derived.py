"""Figures that follow from others: a speed-up from two times, a throughput from batch and latency."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from npu_adapt.claims.claim import Claim
from npu_adapt.claims.conditions import ADAPTED, REFERENCES, condition
from npu_adapt.claims.contradictions import is_changed, wider
from npu_adapt.claims.finding import Found
from npu_adapt.claims.numbers import Number
from npu_adapt.claims.report import ReportText

DERIVED_SLACK = 0.02
RATES = ("throughput",)
TIMED = ("latency", "first-token", "per-token", "throughput", "rtf")
MOST_TIMES = 80  # that a speed-up without times in its row is held against
MOST_SPEED_UPS = 300


def speed_ups(report: ReportText) -> Iterator[Found]:
    """A speed-up that is not the quotient of the two times it is given beside."""
    times = [each for each in report.claims if each.metric in TIMED and each.number.value > 0 and not each.is_threshold]
    few = times[:MOST_TIMES]
    rows: dict[tuple[int | None, int], list[Claim]] = {}
    for each in times:
        rows.setdefault((each.table, each.row), []).append(each)
    quotients = [(a, b) for a, b in combinations(few, 2) if a.metric == b.metric]
    for claim in [each for each in report.claims if each.metric == "speed-up"][:MOST_SPEED_UPS]:
        if not claim.is_measured or claim.number.is_approximate or is_changed(claim):
            continue
        if claim.facets.get("device") == "cpu" and claim.value == 1:
            continue
        beside = rows.get((claim.table, claim.row), []) if claim.table is not None else []
        pairs = [*_pairs(claim, beside)] or [*_pairs(claim, few)]
        if pairs and not any(_is_quotient(claim.number, slow, fast) for slow, fast in pairs):
            yield from _wrong(claim, pairs, quotients)


def _wrong(
    claim: Claim, pairs: Sequence[tuple[Claim, Claim]], quotients: Sequence[tuple[Claim, Claim]]
) -> Iterator[Found]:
    """The finding, unless other times of the report give the speed-up, or too many could be meant."""
    means = [pair for pair in pairs if all(each.facets.get("statistic") == "mean" for each in pair)]
    pairs = means or pairs  # single runs beside their mean are not what a speed-up is made of
    in_table = [pair for pair in pairs if pair[0].table == claim.table is not None]
    if not in_table:
        given = (_is_quotient(claim.number, *sorted(pair, key=_slowness)) for pair in quotients)
        if len(pairs) > 2 or any(given):
            return
    slow, fast = in_table[0] if in_table else pairs[0]
    ratio = slow.value / fast.value if slow.metric not in RATES else fast.value / slow.value
    places = tuple((each.line, each.quote) for each in (claim, slow, fast))
    values = {"given": claim.quote, "derived": f"{ratio:.4g}", "source": f"{slow.quote}; {fast.quote}"}
    yield Found("derived-figure", places, "certain" if in_table or len(pairs) == 1 else "likely", dict(values))


def _slowness(claim: Claim) -> float:
    return -claim.value if claim.metric not in RATES else claim.value


def _pairs(claim: Claim, times: Sequence[Claim]) -> Iterator[tuple[Claim, Claim]]:
    """A time of the reference and one of the device, of the same thing: in the row or column of the speed-up, else of
    the same conditions.
    """
    references = [each for each in times if condition(each, "device") in REFERENCES]
    adapted = [each for each in times if condition(each, "device") == ADAPTED]
    for slow, fast in ((a, b) for a in references for b in adapted if a.metric == b.metric):
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
    one, other = wider(slow.number), wider(fast.number)
    if slow.metric in RATES:
        one, other = other, one
    if other.low <= 0 or one.low <= 0:
        return True
    given = wider(number)
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
                values = {"given": rate.quote, "derived": f"{derived:.4g}", "source": latency.quote}
                yield Found("derived-figure", places, "likely", dict(values))


def _near(rate: Number, batch: float, latency: Number) -> bool:
    low, high = batch / wider(latency).high, batch / max(wider(latency).low, 1e-12)
    given = wider(rate)
    return given.low <= high * 1.05 and low * 0.95 <= given.high
