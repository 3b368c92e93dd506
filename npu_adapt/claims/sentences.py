"""The figures of a line of prose, a list item or a log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

from npu_adapt.claims.claim import THRESHOLD, Claim, fits
from npu_adapt.claims.description import Description, describe, merged, words
from npu_adapt.claims.numbers import PER_ITEM, Dimension, Number, blanked, numbers
from npu_adapt.claims.vocabulary import BATCH, METRIC, TIMES, Metric

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
_THAN = re.compile(r"^(?:[相]?[比较]|than|so)$", re.IGNORECASE)
BEHIND = re.compile(  # the device or the statistic of the number before it: "3 ms on the NPU", "9 ms at P99"
    r"^\s*(?:(?:on|@|\(|（|in|for)\s*(?:the\s+|an?\s+)?(?P<device>cpu|npu|gpu|ascend|昇腾)"
    r"|(?:at|\(|（|on|(?=\w))\s*(?:the\s+)?(?P<statistic>p\d\d|median|mean|average|minimum|maximum|中位数|平均)\b"
    r"(?!\s*[:=]?\s*(?:of\s*)?\d))",
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

    def kept_by(self, metric: Metric) -> dict[str, str]:
        """The conditions that another metric keeps: "[CPU] time: 3.12 s  RTF: 0.562", "batch 8: 3 ms, throughput …"."""
        names = ("device", "batch") if metric.id == "throughput" else ("device",)
        return {name: self.facets[name] for name in names if name in self.facets}


def _of_sentence(sentence: str, line: int) -> Iterator[Claim]:
    batches = [match.span() for match in BATCH.finditer(sentence)]
    found = [
        each
        for each in _with_units_behind(numbers(sentence), sentence)
        if not any(first <= each.start and each.end <= end for first, end in batches)  # a condition, no figure
    ]
    carried = _Carried()
    subject, first = _subject(sentence), None
    before = claimed = 0
    for at, number in enumerate(found):
        words_before = sentence[before : number.start]
        following = sentence[number.end : found[at + 1].start if at + 1 < len(found) else len(sentence)]
        behind = BEHIND.match(following)
        before = number.end + (behind.end() if behind and behind["statistic"] else 0)
        if number.dimension in ("time", "plain") and _ATTRIBUTE.match(following):
            continue
        skipped = (
            sentence[claimed : number.start - len(words_before)] if claimed < number.start - len(words_before) else ""
        )
        around = _around_brackets(sentence, claimed, number.start - len(words_before), number.start)
        if around:
            words_before, skipped = around[0], ""
        claim = _claim(words_before, number, following, carried, sentence, line)
        if claim is not None and around:
            claim = replace(claim, facets=merged([claim.facets, around[1]]))
        if claim is not None and behind:
            said = describe(behind["device"] or behind["statistic"]).facets
            claim = replace(claim, facets={**claim.facets, **said})
        if claim is not None:
            claimed = before
            first = claim.rest if first is None and claim.metric == "latency" else first or frozenset()
            own = claim.rest or first  # "Image encoder on the NPU 3 ms, on the CPU 9 ms, speed-up 3": all of one thing
            rest = own | subject.rest | words(_METRICLESS.sub(" ", blanked(skipped)))
            yield replace(claim, facets=merged([claim.facets, subject.facets]), rest=rest)


_OF_BRACKETS = ("batch", "dtype")  # the conditions that brackets before a figure set; "100 runs" in them is none


def _around_brackets(sentence: str, claimed: int, before: int, start: int) -> tuple[str, dict[str, str]] | None:
    """The words before a figure without the bracketed conditions among them, and what those set: "Latency (batch 1,
    100 runs): 3 ms". None: no bracket closes here that opens behind the last claim.
    """
    depth = 0
    for closing in range(before, start):
        depth += {"(": 1, ")": -1}.get(sentence[closing], 0)
        if depth < 0:
            opening = sentence.rfind("(", claimed, closing)
            if opening < 0:
                return None
            within = describe(sentence[opening + 1 : closing]).facets
            label = f"{sentence[claimed:opening]} {sentence[closing + 1 : start]}"
            return label, {name: within[name] for name in _OF_BRACKETS if name in within}
    return None


def _with_units_behind(found: list[Number], sentence: str) -> list[Number]:
    """The numbers, those before a unit that they share in its unit: "A is 6.9 and B 19.5 times as fast", "p50 6.1,
    p90 6.3 ms".
    """
    shared = list(found)
    for at in range(len(found) - 2, -1, -1):
        one, other = shared[at], shared[at + 1]
        between = sentence[one.end : other.start]
        if one.dimension != "plain":
            continue
        if other.dimension == "ratio" and _LIKE_THE_NEXT.match(between):
            shared[at] = replace(one, dimension="ratio")
        elif other.dimension == "time" and _OF_STATISTICS.fullmatch(between) and other.value:
            shared[at] = _with_unit(one, ("time", other.value / _printed(other)))
    return shared


_OF_STATISTICS = re.compile(
    r"\s*[,，、/]\s*(?:p\d\d|median|mean|average|min|max|中位数|平均值?|最小值?|最大值?)\s*[:=]?\s*", re.IGNORECASE
)


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
    number = _largest(number, metric, label)
    facets = dict(described.facets)
    if metric is not None:
        facets = merged([facets, carried.kept_by(metric)])
        carried.metric, carried.rest = metric, described.rest
        carried.facets = {k: v for k, v in facets.items() if "+" not in v}
        rest = described.rest
    elif number.dimension == "ratio" and _FASTER.search(sentence):
        rest = frozenset(word for word in described.rest if not (_FASTER.search(word) or _THAN.match(word)))
        metric, rest = METRIC["speed-up"], rest if len(rest) < 3 else frozenset()
    elif carried.metric is not None and fits(carried.metric, number) and _continues(described, label, number):
        metric = carried.metric
        if turned := _OTHER_STATISTIC.get((metric.id, facets.get("statistic", ""))):
            metric, facets = METRIC[turned], {k: v for k, v in facets.items() if k != "statistic"}
        if _AFTERWARDS.search(label) or _FORWARD.search(label):
            carried.facets = {k: v for k, v in carried.facets.items() if k not in ("phase", "statistic")}
        carried.facets = merged([{k: v for k, v in facets.items() if "+" not in v}, carried.facets])
        facets, rest = carried.facets, carried.rest | described.rest
    elif (implied := _by_its_unit(number, label, described, following)) is not None:
        metric, rest = implied
        if number.dimension == "time" and facets.keys() & _OF_A_TIME:
            carried.metric, carried.rest, carried.facets = metric, rest, facets
        facets = merged([facets, {k: v for k, v in carried.facets.items() if k == "batch"}])
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


_AFTERWARDS = re.compile(r"[之随此]后|后续|稳定|\bthen\b|afterwards?|subsequent|later|thereafter", re.IGNORECASE)
_FORWARD = re.compile(r"推理|\b(?:inference|forward|model)\b", re.IGNORECASE)
_OF_A_TIME = frozenset(("statistic", "device", "phase", "batch"))
_EACH_BEFORE = re.compile(
    r"(?:每|单)[张句条次帧批个图]|\b(?:per|each) (?:image|sample|batch|sentence|frame|call)\b", re.IGNORECASE
)


_OTHER_STATISTIC = {
    ("max-abs", "mean"): "mean-abs",
    ("mean-abs", "max"): "max-abs",
}  # "differs by 3 at most, 4 on average"


def _largest(number: Number, metric: Metric | None, label: str) -> Number:
    """The number; no bound, but the largest itself, in "differ by at most 3"."""
    is_one = metric is not None and metric.id == "max-abs" and number.bound == "<" and "differ" in label
    return replace(number, bound="") if is_one else number


def _by_its_unit(
    number: Number, label: str, described: Description, following: str
) -> tuple[Metric, frozenset[str]] | None:
    """The metric of a figure whose label names none, as its unit tells it, and what else is said of it. None: none."""
    if number.dimension == "rate":
        return METRIC["throughput"], described.rest if len(described.rest) <= 2 else frozenset()
    if number.dimension != "time":
        return None
    if (described.facets.keys() & _OF_A_TIME or _EACH_BEFORE.search(label)) and len(described.rest) <= 2:
        return METRIC["latency"], described.rest
    if each := _EACH.match(following):
        of_tokens = each[1].lower() in ("token", "词元")
        return METRIC["per-token" if of_tokens else "latency"], describe(each[1]).rest - {"token"}
    return (METRIC["latency"], described.rest) if _OF_ONE.search(number.text) else None


_METRICLESS = re.compile(r"\d[\d.,]*\s*(?:%|毫秒|微秒|秒|[A-Za-z/]{1,3}\b)?")
_EACH = re.compile(r"^\s*(?:per|an?|each|/|每)\s*((?![cgn]pu\b)[A-Za-z]+|[张句条次帧]|词元)", re.IGNORECASE)
_OF_ONE = re.compile(PER_ITEM, re.IGNORECASE)
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
