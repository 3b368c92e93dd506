"""Throughputs against the latencies they stand beside: a count over a time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from npu_adapt.claims.claim import Claim
from npu_adapt.claims.conditions import condition
from npu_adapt.claims.contradictions import wider
from npu_adapt.claims.finding import Found
from npu_adapt.claims.numbers import Number, numbers
from npu_adapt.claims.report import ReportText


def throughputs(report: ReportText) -> Iterator[Found]:
    """Throughput that is not what its row or column makes of a count and a latency, where it is in the others."""
    for claims, is_row in ((_by_row(report), True), (_by_column(report), False)):
        verdicts: dict[tuple[int, str], list[_Throughput]] = {}
        for (table, _), among in claims.items():
            for rate in (each for each in among if each.metric == "throughput"):
                for name, count in _counts(rate, among, is_row=is_row):
                    verdicts.setdefault((table, name), []).extend(_derived(rate, count, among))
        for table in dict.fromkeys(table for table, _ in verdicts):
            named = [found for (line, _), found in verdicts.items() if line == table]
            yield from _wrong_rates(max(named, key=lambda found: sum(each.fits for each in found)))


class _Throughput(NamedTuple):
    """A throughput, the latency that it stands beside, and what a count over that latency is."""

    fits: bool
    rate: Claim
    latency: Claim
    derived: float


def _timed(report: ReportText) -> list[Claim]:
    metrics = ("latency", "throughput")
    return [each for each in report.claims if each.metric in metrics and each.is_measured and each.value > 0]


def _by_row(report: ReportText) -> dict[tuple[int, int], list[Claim]]:
    rows: dict[tuple[int, int], list[Claim]] = {}
    for claim in _timed(report):
        if claim.table is not None:
            rows.setdefault((claim.table, claim.row), []).append(claim)
    return rows


def _by_column(report: ReportText) -> dict[tuple[int, int], list[Claim]]:
    """Of tables whose rows are metrics: a column with one latency and one throughput."""
    columns: dict[tuple[int, int], list[Claim]] = {}
    for claim in _timed(report):
        if claim.table is not None and claim.column:
            columns.setdefault((claim.table, claim.column), []).append(claim)
    return {
        place: claims
        for place, claims in columns.items()
        if len(claims) == 2 and len({each.metric for each in claims}) == len({each.row for each in claims}) == 2
    }


def _counts(rate: Claim, among: Sequence[Claim], *, is_row: bool) -> Iterator[tuple[str, float]]:
    """What may have been done in the latency: a batch, or as many as a cell of the row says."""
    yield "batch", float(condition(rate, "batch") or 1)
    for word in sorted(rate.rest) if is_row else ():
        name, _, value = word.rpartition("=")
        if name and _COUNT.fullmatch(value):
            yield name, float(value.replace(",", ""))


_COUNT = re.compile(r"\d{1,3}(?:,\d{3})+|\d+")


def _derived(rate: Claim, count: float, among: Sequence[Claim]) -> list[_Throughput]:
    near = [
        each
        for each in among
        if each.metric == "latency"
        and condition(each, "statistic") in (None, "mean", "p50")
        and condition(each, "device") == condition(rate, "device")
        and each.facets.get("dtype") == rate.facets.get("dtype")
    ]
    if not near:
        return []
    return [_Throughput(any(_near(rate.number, count, c.number) for c in near), rate, near[0], count / near[0].value)]


def _wrong_rates(found: Sequence[_Throughput]) -> Iterator[Found]:
    right = sum(each.fits for each in found)
    if not right or right * 2 < len(found):
        return
    for each in found:
        if not each.fits:
            places = tuple((claim.line, claim.quote) for claim in (each.rate, each.latency))
            values = {"given": each.rate.quote, "derived": f"{each.derived:.4g}", "source": each.latency.quote}
            yield Found("derived-figure", places, "likely", dict(values))


def _near(rate: Number, batch: float, latency: Number, slack: float = 0.05) -> bool:
    low, high = batch / wider(latency).high, batch / max(wider(latency).low, 1e-12)
    given = wider(rate)
    return given.low <= high * (1 + slack) and low * (1 - slack) <= given.high


TIMES = ("latency", "per-token")
PROSE_SLACK = 0.1  # what may lie between a forward's time and a rate that was counted on its own
_TOKENS = re.compile(r"tok(?:en)?s?\s*(?:/|per|a second)|词元", re.IGNORECASE)
_PIPELINED = re.compile(
    r"并发|多流|多路|流水|clients?\b|concurren|stream|pipelin|workers?\b|dataloader|多进程|多线程|服务",
    re.IGNORECASE,
)


def throughputs_in_prose(report: ReportText) -> Iterator[Found]:
    """A throughput that no latency of its line gives, whatever count of the line is divided by it.

    Where the line has no latency, those of its section are asked, if the section gives one throughput.
    """
    prose = dict(report.prose)
    claims = [each for each in report.claims if each.table is None and each.is_measured and each.value > 0]
    rates = [each for each in claims if each.metric == "throughput" and not each.number.is_approximate]
    for rate in rates:
        here = _beside(rate, [each for each in claims if each.line == rate.line])
        if not here and sum(each.section == rate.section for each in rates) == 1:
            here = _beside(rate, [each for each in claims if each.section == rate.section])
        lines = {rate.line: None, **dict.fromkeys(each.line for each in here)}
        text = " ".join(prose.get(line, "") for line in lines)
        if not here or _PIPELINED.search(text):
            continue
        if any(_near(rate.number, count, time, PROSE_SLACK) for count, time in _quotients(rate, here, text)):
            continue
        batch = condition(rate, "batch")
        time = next((each for each in here if condition(each, "batch") == batch), here[0])
        places = tuple((claim.line, claim.quote) for claim in (rate, time))
        values = {"given": rate.quote, "derived": f"{float(batch or 1) / time.value:.4g}", "source": time.quote}
        yield Found("derived-figure", places, "likely", dict(values))


def _quotients(rate: Claim, here: Sequence[Claim], text: str) -> list[tuple[float, Number]]:
    """The counts and times that may make the rate: of its own batch, else any whole number and any time of the text."""
    batch = rate.facets.get("batch")
    if batch and (own := [each.number for each in here if each.facets.get("batch") == batch]):
        return [(float(batch), time) for time in own]
    said = numbers(text)
    whole = {each.value for each in said if each.dimension == "plain" and each.value >= 1 and not each.value % 1}
    counts = {1.0, float(condition(rate, "batch") or 1), *whole}
    return [(count, each) for each in said if each.dimension == "time" and each.value > 0 for count in counts]


def _beside(rate: Claim, among: Sequence[Claim]) -> list[Claim]:
    """The times of the same device and thing that a throughput may be made of."""
    of_tokens = bool(_TOKENS.search(rate.number.text) or _TOKENS.search(rate.label))
    return [
        each
        for each in among
        if each.metric in TIMES
        and (each.metric == "per-token") <= of_tokens
        and condition(each, "device") == condition(rate, "device")
        and each.facets.get("phase") in (None, rate.facets.get("phase"))
    ]
