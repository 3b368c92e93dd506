"""The figures of a line of prose, a list item or a log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

from npu_adapt.claims.claim import THRESHOLD, Claim, fits
from npu_adapt.claims.description import Description, describe, merged, words
from npu_adapt.claims.numbers import Dimension, Number, blanked, numbers
from npu_adapt.claims.vocabulary import METRIC, TIMES, Metric

LONGEST_LABEL = 90  # letters between a metric's name and its number

_SENTENCE = re.compile(r"[。；;]|(?<=[^\d])\.(?=\s|$)|(?<=\d)\.(?=\s+[A-Z\u4e00-\u9fff]|$)|\t| \| ")
_ATTRIBUTE = re.compile(
    r"^\s?-?(?![\w.-]+\s*[=:])(?!on\b|for\b|per\b|in\b|at\b|with\b|and\b|to\b|vs\b|versus\b|against\b|while\b"
    r"|after\b|from\b|a\b|an\b|each\b|by\b|as\b|or\b|over\b|under\b"
    r"|when\b|is\b|are\b|was\b|which\b|that\b|so\b|but\b|faster\b|slower\b|mean\b|median\b"
    r"|min\b|max\b|std\b|npu\b|cpu\b|gpu\b|latency\b|x\b|of\b|p\d\d)[a-z]{3,}"
    r"|^\s?(?:次|轮|步|层|维|个|条|张|类|核|线程|元素|样本|位|组)"
    r"|^\s?(?:的)?(?:音频|语音|录音|合成|真实|片段|视频|静音)",
    re.IGNORECASE,
)
_FASTER = re.compile(r"faster|as fast|as long|slower|speed|快|加速|提速|提升", re.IGNORECASE)
_BEHIND = re.compile(  # the device or the statistic of the number before it: "3 ms on the NPU", "9 ms at P99"
    r"^\s*(?:(?:on|@|\(|（|in|for)\s*(?:the\s+|an?\s+)?(?P<device>cpu|npu|gpu|ascend|昇腾)"
    r"|(?:at|\(|（)\s*(?:the\s+)?(?P<statistic>p\d\d|median|mean|average|minimum|maximum|中位数|平均)\b)",
    re.IGNORECASE,
)
_LIKE_THE_NEXT = re.compile(r"^\s*(?:and|or|和|与|或|/|、)\s*(?:the\s+)?[\w-]*\s*$", re.IGNORECASE)


def claims_of_line(text: str, line: int) -> Iterator[Claim]:
    """The figures of a line of prose, a list item or a log, each with the words before it."""
    for at, sentence in enumerate(_sentences(text)):
        yield from (replace(claim, sentence=at) for claim in _of_sentence(sentence, line))


def _sentences(text: str) -> list[str]:
    clean = blanked(text)
    cuts = [0, *(match.end() for match in _SENTENCE.finditer(clean)), len(text)]
    return [text[a:b] for a, b in pairwise(cuts) if text[a:b].strip()]


@dataclass
class _Carried:
    """What earlier words of a sentence still say of the next figure."""

    metric: Metric | None = None
    facets: dict[str, str] = field(default_factory=dict)
    rest: frozenset[str] = frozenset()
    unit: tuple[Dimension, float] | None = None  # of the last figure


def _of_sentence(sentence: str, line: int) -> Iterator[Claim]:
    found = _with_units_behind(numbers(sentence), sentence)
    carried = _Carried()
    subject, first = _subject(sentence), None
    before = claimed = 0
    for at, number in enumerate(found):
        words_before = sentence[before : number.start]
        following = sentence[number.end : found[at + 1].start if at + 1 < len(found) else len(sentence)]
        behind = _BEHIND.match(following)
        before = number.end + (behind.end() if behind and behind["statistic"] else 0)
        if number.dimension in ("time", "plain") and _ATTRIBUTE.match(following):
            continue
        skipped = (
            sentence[claimed : number.start - len(words_before)] if claimed < number.start - len(words_before) else ""
        )
        claim = _claim(words_before, number, following, carried, sentence, line)
        if claim is not None and behind:
            said = describe(behind["device"] or behind["statistic"]).facets
            claim = replace(claim, facets={**claim.facets, **said})
        if claim is not None:
            claimed = before
            first = claim.rest if first is None and claim.metric == "latency" else first or frozenset()
            own = claim.rest or first  # "Image encoder on the NPU 3 ms, on the CPU 9 ms, speed-up 3": all of one thing
            rest = own | subject.rest | words(_METRICLESS.sub(" ", blanked(skipped)))
            yield replace(claim, facets=merged([claim.facets, subject.facets]), rest=rest)


def _with_units_behind(found: list[Number], sentence: str) -> list[Number]:
    """The numbers; one that shares the "times" of the next is a ratio: "A is 6.9 and B 19.5 times as fast"."""
    ratios = {
        at
        for at, (one, other) in enumerate(pairwise(found))
        if one.dimension == "plain"
        and other.dimension == "ratio"
        and _LIKE_THE_NEXT.match(sentence[one.end : other.start])
    }
    return [replace(each, dimension="ratio") if at in ratios else each for at, each in enumerate(found)]


_NOTHING = Description(())


def _subject(sentence: str) -> Description:
    """What stands before the colon that begins a sentence, and holds for all of it: "Image encoder: mean 3 ms, …"."""
    match = re.match(r"^\s*(?:[-*·•]\s*)?([^:=|,，.]{1,40}):", sentence)
    described = describe(match[1]) if match else _NOTHING
    if match is None or described.metrics or not described.rest | described.facets.keys():
        return _NOTHING
    counted = re.search(r"\d", blanked(match[1])) and "batch" not in described.facets  # "16 clients: …"
    return replace(described, rest=described.rest | {" ".join(match[1].lower().split())}) if counted else described


def _claim(before: str, number: Number, following: str, carried: _Carried, sentence: str, line: int) -> Claim | None:
    near = before[-LONGEST_LABEL:]
    label = _last_clause(near)
    described = describe(label)
    if not described.metrics and label != near:
        wide = describe(near)
        if wide.metrics and _is_connected(near):
            described, label = wide, near
    unit = described.unit or (carried.unit if described.facets and not described.metrics else None)
    if number.dimension == "plain" and unit is not None:
        number = _with_unit(number, unit)
    metric = _last_named(described, label, number)
    facets = dict(described.facets)
    if metric is not None:
        if "device" not in facets and "device" in carried.facets:
            facets["device"] = carried.facets["device"]  # "[CPU] time: 3.12 s  RTF: 0.562"
        carried.metric, carried.rest = metric, described.rest
        carried.facets = {k: v for k, v in facets.items() if "+" not in v}
        rest = described.rest
    elif number.dimension == "ratio" and _FASTER.search(sentence):
        metric, rest = METRIC["speed-up"], described.rest if len(described.rest) < 3 else frozenset()
    elif carried.metric is not None and fits(carried.metric, number) and _continues(described, label, number):
        metric = carried.metric
        carried.facets = merged([{k: v for k, v in facets.items() if "+" not in v}, carried.facets])
        facets, rest = carried.facets, carried.rest | described.rest
    elif number.dimension == "time" and ("statistic" in facets or "device" in facets) and len(described.rest) <= 2:
        metric, rest = METRIC["latency"], described.rest
        carried.metric, carried.rest, carried.facets = metric, rest, facets
    elif number.dimension == "time" and (each := _EACH.match(following)):
        metric, rest = METRIC["latency"], describe(each[1]).rest
    owes_unit = metric is not None and (metric.dimensions == TIMES or metric.id == "speed-up")
    if metric is None or (owes_unit and number.dimension == "plain" and not _SEPARATED.search(label)):
        return None
    if number.dimension == "time":
        carried.unit = ("time", number.value / (_printed(number) or 1.0))
    threshold = bool(THRESHOLD.search(label)) or bool(
        re.match(r"\s*(?:的)?(?:阈值|要求|标准|threshold|以内的要求|limit)", following)
    )
    shown = f"{label.strip()[-60:]} {number.text}".strip(" ,，、(（")
    return Claim(metric.id, number, line, shown, facets, rest=rest, is_threshold=threshold, label=label.strip())


_METRICLESS = re.compile(r"\d[\d.,]*\s*(?:%|[A-Za-z/]{1,3}\b)?")
_EACH = re.compile(r"^\s*(?:per|an?|each|/|每)\s*((?![cgn]pu\b)[A-Za-z]+|[张句条次帧])", re.IGNORECASE)
_SEPARATED = re.compile(r"[:=]\s*$")


def _printed(number: Number) -> float:
    """The digits as they are printed, before their unit."""
    found = re.search(r"\d[\d,]*(?:\.\d+)?", number.text)
    return float(found[0].replace(",", "")) if found else 0.0


_CLAUSE = re.compile(r"[，,、/]\s*|(?:\s[-–—>→]+\s)")


def _last_clause(text: str) -> str:
    """The words behind the last comma."""
    parts = _CLAUSE.split(text)
    last = parts[-1]
    return last if last.strip() or len(parts) == 1 else parts[-2]


def _is_connected(text: str) -> bool:
    """Whether a metric's name before a comma still governs: only devices, statistics and short words stand between."""
    return len(describe(_last_clause(text)).rest) <= 1


def _last_named(described: Description, label: str, number: Number) -> Metric | None:
    """Of the metrics that a label names the one whose name stands nearest to the number, among those that fit it."""
    fitting = [metric for metric in described.metrics if fits(metric, number)]
    if not fitting:
        return None
    where = {metric.id: max((m.start() for m in metric.pattern.finditer(label)), default=-1) for metric in fitting}
    return max(fitting, key=lambda metric: where[metric.id])


def _continues(described: Description, label: str, number: Number) -> bool:
    """Whether words between two figures leave the metric as it is."""
    if described.metrics:
        return False
    if number.dimension == "plain":
        return bool(described.facets) and not described.rest
    return bool(described.facets) or not described.rest


def _with_unit(number: Number, unit: tuple[Dimension, float]) -> Number:
    dimension, scale = unit
    return replace(
        number, dimension=dimension, value=number.value * scale, low=number.low * scale, high=number.high * scale
    )
