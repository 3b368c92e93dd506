"""Whether two figures are about the same thing."""

from __future__ import annotations

from difflib import SequenceMatcher

from npu_adapt.claims.blocks import Heading
from npu_adapt.claims.claim import Claim
from npu_adapt.claims.description import describe

OF_DATA_SETS = frozenset({"top-1", "top-5", "map"})  # accuracies on a data set
# Metrics that each device has a value of; an error is between two.
PERFORMANCE = frozenset({"latency", "first-token", "per-token", "throughput", "memory", "rtf"}) | OF_DATA_SETS
ADAPTED = "npu"  # the side that a report is about: a figure without a device is its
REFERENCES = ("cpu", "gpu")
ALIKE = 0.5  # how alike two headings are that differ in one word: "Image encoder", "Text encoder"


def condition(claim: Claim, facet: str) -> str | None:
    """What a figure holds for: as its own words say, else as the headings do. None: nobody says."""
    own = claim.facets.get(facet)
    if facet == "device":
        if claim.metric not in PERFORMANCE:
            return _of_error(claim)
        if own is None or own == "cpu+npu":
            own = claim.context.get(facet, ADAPTED)
        return own
    if facet == "statistic" and own == "total":
        return None
    if own is None and facet == "batch" and claim.context.get("batch"):
        return claim.context["batch"]
    return own if own is not None else claim.context.get(facet)


def _of_error(claim: Claim) -> str | None:
    """An error is between two sides; only a column of the CPU's own is not about the other."""
    own = claim.facets.get("device")
    return own if own in REFERENCES and claim.table is not None else ADAPTED


def compatible(one: Claim, other: Claim) -> bool:
    """Whether both may be the same quantity: no condition that both name differs, and no word of one is foreign."""
    if not may_hold(one, other):
        return False
    if one.metric == "memory" and one.label.lower() != other.label.lower():
        return False
    return _same_words(one.metric, one.rest, other.rest) and not _are_siblings(one.section, other.section)


def may_hold(one: Claim, other: Claim) -> bool:
    """Whether both are of one metric, and no condition that both name differs, whatever their words say."""
    if one.metric != other.metric:
        return False
    for facet in ("device", "dtype", "mode"):
        mine, theirs = condition(one, facet), condition(other, facet)
        if mine is not None and theirs is not None and mine != theirs:
            return False
    if (one.facets.get("phase") or "") != (other.facets.get("phase") or ""):
        return False
    if not _same_batch(condition(one, "batch"), condition(other, "batch")):
        return False
    return _same_statistic(condition(one, "statistic"), condition(other, "statistic"))


def _same_batch(one: str | None, other: str | None) -> bool:
    return one == other or {one, other} == {None, "1"}


def _same_statistic(one: str | None, other: str | None) -> bool:
    return one == other or {one, other} in ({None, "mean"}, {None, "p50"})


def _same_words(metric: str, one: frozenset[str], other: frozenset[str]) -> bool:
    less, more = sorted((one, other), key=len)
    if metric in OF_DATA_SETS:  # a sentence leaves out the data set that the table names
        return less <= more and not any(map(_has_digit, more - less))
    if any(map(_has_digit, more - less)):
        return False
    return less <= more and len(more - less) <= 1


def _has_digit(word: str) -> bool:
    return any(letter.isdecimal() for letter in word)


def exactly(one: Claim, other: Claim) -> bool:
    """Whether their own words say the same of both, nothing left open."""
    facets = ("dtype", "mode", "batch", "statistic")
    return one.rest == other.rest and all(condition(one, each) == condition(other, each) for each in facets)


def _are_siblings(one: tuple[Heading, ...], other: tuple[Heading, ...]) -> bool:
    """Whether two sections are instances of one kind: their headings share words and differ in one."""
    for mine, theirs in zip(one, other, strict=False):
        if mine == theirs:
            continue
        if mine.level != theirs.level:
            return False
        here, there = _named(mine), _named(theirs)
        if not here or not there or here == there:
            return False
        return bool(here & there) or SequenceMatcher(None, mine.text, theirs.text).ratio() >= ALIKE
    return False


def _named(heading: Heading) -> frozenset[str]:
    described = describe(heading.text)
    return described.rest | {f"{k}={v}" for k, v in described.facets.items() if k not in ("device", "statistic")}


def together(one: Claim, other: Claim) -> bool:
    """Whether they stand in one row, line or table, or in one section."""
    if one.table is not None and one.table == other.table:
        return True
    return one.line == other.line or one.section == other.section
