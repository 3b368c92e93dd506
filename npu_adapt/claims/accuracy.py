"""Errors and cosines that cannot belong to the same two vectors.

For two vectors at an angle a: relative L2 >= sin(a) = sqrt(1 - cosine^2), with equality only where the norms fit; for
small errors of equal norms relative L2^2 is about 2 (1 - cosine). The mean of absolute differences is at most their
root mean square, and that at most their maximum.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from npu_adapt.claims.claim import MOST_CLAIMS, Claim
from npu_adapt.claims.conditions import condition, together
from npu_adapt.claims.finding import Found
from npu_adapt.claims.report import ReportText

PERCENT_ERRORS = ("error", "relative", "mean-relative", "max-relative", "relative-l2")
ALLOWED = 0.97  # of that least error: figures of the same outputs, each rounded or averaged in its own way
WIDEST = 0.7  # of what 1 - cosine may be, as a share of it: with fewer digits the match would say nothing
_FORMULA = re.compile(
    r"\(?\s*1(?:\.0)?\s*[-−–]\s*(?:平均)?(?:余弦(?:相似度)?|cos(?:ine)?(?:[-_ ]?sim(?:ilarity)?)?)\s*\)?\s*[×x*]\s*100",
    re.IGNORECASE,
)


def cosine_above_one(report: ReportText) -> Iterator[Found]:
    """A cosine is at most 1; more is what sums of float32 make of it."""
    for claim in report.claims:
        if claim.metric == "cosine" and claim.is_measured and claim.number.low >= 1 and 1 < claim.value < 2:
            yield Found("cosine-above-one", ((claim.line, claim.quote),), "certain", {"given": claim.quote})


def one_minus_cosine(report: ReportText) -> Iterator[Found]:
    """(1 - cosine) x 100 that is called an error in percent."""
    formula = next(report.search(_FORMULA, code=True), None)
    cosines = [each for each in report.claims if each.metric == "cosine" and each.is_measured and each.value < 1]
    found = False
    for claim in report.claims:
        if claim.metric not in PERCENT_ERRORS or claim.number.dimension != "percent" or not claim.is_measured:
            continue
        cosine = next(
            (each for each in cosines if claim.value > 0 and _is_complement(claim, each, stated=bool(formula))), None
        )
        if cosine is None:
            continue
        found = True
        least = math.sqrt(max(0.0, 1 - cosine.value**2))
        values = {"given": claim.quote, "cosine": cosine.quote, "least": f"{100 * least:.3g} %"}
        places = ((claim.line, claim.quote), (cosine.line, cosine.quote))
        yield Found("one-minus-cosine", places, "certain", dict(values))
    if formula is not None and not found:
        yield Found("one-minus-cosine", (formula,), "likely", {"given": formula[1], "cosine": "", "least": ""})


def _is_complement(claim: Claim, cosine: Claim, *, stated: bool) -> bool:
    low, high = 1 - cosine.number.high, 1 - cosine.number.low
    spread = (high - low) / max(1 - cosine.value, 1e-12)
    if spread > WIDEST and not stated:
        return False
    return claim.number.low <= high and low <= claim.number.high


def error_below_cosine(report: ReportText) -> Iterator[Found]:
    """A relative L2 that is less than the cosine beside it allows."""
    cosines = [each for each in report.claims if each.metric == "cosine" and each.is_measured and each.value <= 1]
    for claim in report.claims:
        if claim.metric != "relative-l2" or not claim.is_measured:
            continue
        pairs = [each for each in cosines if _same_pair(claim, each, len(cosines))]
        if any(claim.number.high >= _least(each) * ALLOWED for each in pairs):
            continue
        for cosine in pairs[:1]:
            places = ((claim.line, claim.quote), (cosine.line, cosine.quote))
            values = {"given": claim.quote, "cosine": cosine.quote, "least": f"{100 * _least(cosine):.3g} %"}
            yield Found("error-below-cosine", places, "certain", dict(values))


def _least(cosine: Claim) -> float:
    """The least relative L2 that two vectors of such a cosine have; for the largest cosine that the digits allow."""
    return math.sqrt(max(0.0, 1 - min(1.0, cosine.number.high) ** 2))


def _same_pair(one: Claim, other: Claim, candidates: int) -> bool:
    """Whether two figures are of the same two vectors: the same words and conditions, or no other to choose."""
    facets = ("dtype", "mode", "batch")
    if any(condition(one, each) != condition(other, each) for each in facets):
        return False
    if one.facets.get("device") != other.facets.get("device") and one.table is not None and one.table == other.table:
        return False
    same = one.rest == other.rest or (candidates == 1 and (not one.rest or not other.rest))
    return same and (together(one, other) or candidates == 1)


def max_below_mean(report: ReportText) -> Iterator[Found]:
    """A maximum below its own mean."""
    means = [each for each in report.claims if each.metric == "mean-abs" and each.is_measured][:MOST_CLAIMS]
    largest = [each for each in report.claims if each.metric == "max-abs" and each.is_measured][:MOST_CLAIMS]
    alone = len(largest) == 1
    for claim in largest:
        if claim.facets.get("statistic") == "mean":
            continue
        near = [each for each in means if together(claim, each)]
        for mean in near or (means if alone else []):
            if _same_pair(claim, mean, len(means)) and claim.number.high < mean.number.low:
                places = ((claim.line, claim.quote), (mean.line, mean.quote))
                yield Found("max-below-mean", places, "certain", {"first": claim.quote, "second": mean.quote})
                break
