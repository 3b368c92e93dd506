"""Figures that follow from two times or from a time and a length: speed-ups, real-time factors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations

from npu_adapt.claims.claim import Claim
from npu_adapt.claims.conditions import ADAPTED, REFERENCES, condition
from npu_adapt.claims.contradictions import is_changed, wider
from npu_adapt.claims.finding import Found
from npu_adapt.claims.numbers import Number, numbers
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
    quotients = [(a, b) for a, b in combinations(few, 2) if a.metric == b.metric and _may_be_compared(a, b)]
    for claim in [each for each in report.claims if each.metric == "speed-up"][:MOST_SPEED_UPS]:
        if not claim.is_measured or claim.number.is_approximate or is_changed(claim):
            continue
        if claim.facets.get("device") == "cpu" and claim.value == 1:
            continue
        beside = rows.get((claim.table, claim.row), []) if claim.table is not None else []
        pairs = [*_pairs(claim, beside)] or _of_its_line(claim, [*_pairs(claim, few)])
        if pairs and not any(_is_quotient(claim.number, slow, fast) for slow, fast in pairs):
            yield from _wrong(claim, pairs, quotients)


def _of_its_line(claim: Claim, pairs: list[tuple[Claim, Claim]]) -> list[tuple[Claim, Claim]]:
    """The pairs of the speed-up's own line, where both times stand in it; else all."""
    here = [pair for pair in pairs if all(each.table is None and each.line == claim.line for each in pair)]
    return here or pairs


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


def _may_be_compared(one: Claim, other: Claim) -> bool:
    """Whether two times can make a speed-up: not two of the reference, and not a first run and a later one."""
    devices = {condition(each, "device") for each in (one, other)}
    return not (len(devices) == 1 and devices < {*REFERENCES}) and one.facets.get("phase") == other.facets.get("phase")


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


_CLIP = re.compile(
    r"(?:音频|语音|录音|片段|时长|audio|clip|recording|utterance|speech)"
    r"(?:(?!took|take|need|transcri|process|耗时|用时|合成|推理|识别|处理)[^\d。；;|]){0,16}?(?P<behind>\d+(?:\.\d+)?)"
    r"\s*(?:s|secs?|seconds?|秒)(?![A-Za-z/])"
    r"|(?P<before>\d+(?:\.\d+)?)\s*(?:s|sec|seconds?|秒)(?:\s?of|的|长的?)?\s*[- ]?(?:音频|语音|录音|audio|clip|speech"
    r"|recording|utterance)",
    re.IGNORECASE,
)


def real_time_factors(report: ReportText) -> Iterator[Found]:
    """A real-time factor that is no time of its line over the length of the sound that is named there."""
    for line, text in report.prose:
        factors = [each for each in report.claims if each.line == line and each.metric == "rtf" and each.is_measured]
        lengths = {float(each["behind"] or each["before"]) for each in _CLIP.finditer(text)}
        times = [each for each in numbers(text) if each.dimension == "time" and each.value not in lengths]
        if not factors or len(lengths) != 1 or not times:
            continue
        (length,) = lengths
        if length and not any(_is_factor(factor.number, time, length) for factor in factors for time in times):
            given, time = factors[0], times[0]
            source = f"{time.text}; {length:g} s"
            values = {"given": given.quote, "derived": f"{time.value / length:.3g}", "source": source}
            yield Found("derived-figure", ((line, given.quote),), "likely", dict(values))


def _is_factor(factor: Number, time: Number, length: float) -> bool:
    low, high = wider(time).low / length, wider(time).high / length
    given = wider(factor)
    return given.low <= high * (1 + DERIVED_SLACK) and low * (1 - DERIVED_SLACK) <= given.high
