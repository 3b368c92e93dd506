"""What a report concludes, against its own figures."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from npu_adapt.claims.blocks import Table
from npu_adapt.claims.claim import PERFORMANCE_WORDS, THRESHOLD, Claim
from npu_adapt.claims.conditions import compatible
from npu_adapt.claims.finding import Found
from npu_adapt.claims.report import ReportText

PASSED = re.compile(
    r"✅|✔|√|\bpass(?:ed|es)?\b|(?<![未不没])通过|达标|(?<!不)满足|(?<!不)符合|(?<!不)合格"
    r"|within (?:the (?:required |limit of )?)?1 ?%|\bsuccess\b"
    r"|within[\w ]{0,12}\W{1,6}(?:true|yes)\b|(?<!不)完全一致|精度一致|\bagrees?\b"
    r"|误差[^，。；|]{0,10}(?:<|小于|低于|≤|不超过|未超过|不大于|没有超过)\s*1\s*%"
    r"|误差[^，。；|]{0,10}1\s*%\s*(?:以内|之内|以下|范围内|内)|适配成功"
    r"|error (?:is )?(?:below|under|less than|<) ?1 ?%"
    r"|match within 1 ?% ?\| ?(?:yes|true)",
    re.IGNORECASE,
)
FAILED = re.compile(
    r"❌|✗|\bfail(?:ed|s|ure)?\b|未通过|不通过|未达标|不达标|不满足|不符合|不合格|超出"
    r"|超过.{0,6}(?:阈值|1 ?%|要求)|略超"
    r"|not within|outside|exceeds?|does not (?:pass|meet)|not met|not satisfied|未满足|未达到"
    r"|没有达到|没有满足|没有通过|\bnot pass",
    re.IGNORECASE,
)
ACCURACY = re.compile(
    r"精度|误差|一致|accuracy|precision|error|match|agree|verdict|结论|结果|result|conclusion|overall|within|满足|达标",
    re.IGNORECASE,
)
ACCURACY_HEADING = re.compile(r"精度|误差|一致性|accuracy|precision|agreement|correctness", re.IGNORECASE)
STRICT = re.compile(r"1 ?%|1e-0?2|0\.01\b|百分之一", re.IGNORECASE)
ERRORS = ("relative-l2", "relative", "mean-relative", "error")
ACCURATE: frozenset[str] = frozenset((
    "cosine", "max-abs", "mean-abs", "relative-l2", "relative", "mean-relative", "max-relative", "mse", "rmse",
    "psnr", "error", "accuracy", "wer", "cer", "iou", "map", "top-1", "top-5", "top-1-match", "top-5-match",
))  # fmt: skip
SAY_ERROR = ACCURATE - {"mse", "rmse", "psnr", "accuracy", "map", "iou"}  # what an error of 1 % can be read from
DEFAULT_LIMIT = 0.01  # what the field's reports are held to
_TOP_1 = re.compile(r"top[- _]?1", re.IGNORECASE)
_MISMATCH = re.compile(
    r"top[- _]?1[^。；;|,，]{0,14}?(?:[:：=|]\s*(?:否|不一致|不同|no\b(?!\s+\w)|false\b|❌|✗)|不一致|不同|differs?\b"
    r"|mismatch)",
    re.IGNORECASE,
)
_TOP_OF_SIDE = re.compile(
    r"top[- _]?1[^.;。；|:=]{0,16}\b(cpu|npu)\b[^.;。；|:=]{0,6}[:=]\s*[\"'“]?([^\d.;。；|,，(\"'”]+)", re.IGNORECASE
)
_CLASS_OF_SIDE = re.compile(
    r"(?<![a-z])(cpu|npu)(?![a-z])[^.;。；|:=,，]{0,8}?[:=]?\s*"
    r"(?:第\s*(\d+)\s*类|(?:class|类别)(?: id| index)?\s*#?(\d+))",
    re.IGNORECASE,
)
_PART_EQUAL = re.compile(
    r"(?:token|词|字符?|class|类别|样本|sample|图片|picture|output|输出)[^|:：=]{0,16}(?:equal"
    r"|identical|match\w*|一致|相同|same)"
    r"\W{1,5}(\d+)\s*(?:/|of|中)\s*(\d+)",
    re.IGNORECASE,
)
_ALL_EQUAL = re.compile(
    r"all (?:\w+ ){0,2}(?:are |were )?(?:identical|equal|the same|match)|(?:完全|全部|均"
    r"|都)(?:一致|相同)|word for word",
    re.IGNORECASE,
)
_MATCH_FALSE = re.compile(r"match_within_1_percent\W{1,6}(?:false|否|no\b|❌)", re.IGNORECASE)


def verdict_lines(report: ReportText) -> list[tuple[int, str]]:
    """Lines that say of the accuracy that it passed."""
    return [
        (line, text)
        for line, text in report.sentences
        if PASSED.search(text) and not FAILED.search(text) and ACCURACY.search(text) and not _is_requirement(text)
    ]


def _is_requirement(text: str) -> bool:
    """Whether a line asks for a result and does not give one."""
    return bool(
        re.search(r"^(?:[^:|]*)(?:必需|要求|目标|required|must|should|需要)[^|:]*(?:[:|]|$)", text, re.IGNORECASE)
    ) and not re.search(r"✅|pass|通过|达标|是否满足|\| *是", text, re.IGNORECASE)


def _is_of_speed(text: str) -> bool:
    """Whether what passed is how fast it is."""
    return bool(PERFORMANCE_WORDS.search(text)) and not ACCURACY_HEADING.search(text)


def against_numbers(report: ReportText) -> Iterator[Found]:
    """A verdict "passed" beside a figure that does not pass."""
    passed = verdict_lines(report)
    if not passed:
        return
    measured = [each for each in report.claims if each.is_measured and each.metric in ACCURATE]
    if not _says_failed(report):
        yield from _errors_above(report, measured, passed)
        yield from _criteria_missed(report, measured, passed)
        yield from _classes_differ(report, passed)


def _says_failed(report: ReportText) -> bool:
    return any(ACCURACY.search(text) and not _is_condition(text) for _, text in report.search(FAILED))


def _is_condition(text: str) -> bool:
    """Whether a line speaks of what would be a failure, or of something else that failed."""
    return bool(re.search(r"如果|若|\bif\b|when\b|时会|下载|安装|install|download|import", text, re.IGNORECASE))


def _limit(report: ReportText) -> float:
    """The largest error that the report itself calls allowed; 1 % where it says none."""
    stated = [
        claim.number.high if claim.is_threshold and not claim.number.bound else claim.value
        for claim in report.claims
        if claim.metric in (*ERRORS, "mean-relative")
        and claim.number.dimension == "percent"
        and (claim.number.bound == "<" or claim.is_threshold)
        and 0 < claim.value <= 0.2
    ]
    return max([DEFAULT_LIMIT, *stated]) if stated else DEFAULT_LIMIT


def _errors_above(report: ReportText, measured: list[Claim], passed: list[tuple[int, str]]) -> Iterator[Found]:
    """Relative errors above the limit; a cosine that means such an error where the report claims less than 1 %."""
    limit = _limit(report)
    within = [each for each in passed if STRICT.search(each[1])] or [
        each for each in passed if any(STRICT.search(text) for _, text in report.prose if THRESHOLD.search(text))
    ]
    told = False
    for claim in measured:
        if (
            claim.metric in ERRORS
            and claim.number.low > limit
            and claim.value < 1
            and claim.number.dimension in ("percent", "plain")
        ):
            if claim.metric == "error" and claim.number.dimension == "plain":
                continue
            told = True
            line, text = _nearest(within or passed, claim.line)
            values = {"given": claim.quote, "limit": f"{100 * limit:g} %", "verdict": _short(text)}
            yield Found(
                "verdict-against-numbers", ((claim.line, claim.quote), (line, _short(text))), "certain", dict(values)
            )
    if told or not within:
        return
    relative = [each for each in measured if each.metric in ERRORS and each.number.dimension == "percent"]
    for claim in measured:
        least = math.sqrt(max(0.0, 1 - min(1.0, claim.number.high) ** 2)) if claim.metric == "cosine" else 0.0
        if 0 < claim.value < 1 and least > max(limit, 0.02) and not relative:
            line, text = _nearest(within, claim.line)
            values = {
                "given": f"{claim.quote} (>= {100 * least:.2g} %)",
                "limit": f"{100 * limit:g} %",
                "verdict": _short(text),
            }
            yield Found(
                "verdict-against-numbers", ((claim.line, claim.quote), (line, _short(text))), "likely", dict(values)
            )
            return


def _criteria_missed(report: ReportText, measured: list[Claim], passed: list[tuple[int, str]]) -> Iterator[Found]:
    """A criterion that the report names and its own figure does not meet."""
    criteria = [
        each for each in report.claims if each.number.bound and each.metric in ACCURATE and each.metric not in ERRORS
    ]
    seen: set[str] = set()
    for criterion in criteria:
        for claim in measured:
            if claim.metric != criterion.metric or claim.metric in seen or not _may_be_held_to(claim, criterion):
                continue
            missed = (
                claim.number.low > criterion.value
                if criterion.number.bound == "<"
                else claim.number.high < criterion.value
            )
            if missed and claim.metric != "accuracy":
                seen.add(claim.metric)
                text = _nearest(passed, claim.line)[1]
                values = {"given": claim.quote, "limit": criterion.number.text, "verdict": _short(text)}
                places = ((claim.line, claim.quote), (criterion.line, criterion.quote))
                yield Found("verdict-against-numbers", places, "certain", dict(values))


def _may_be_held_to(claim: Claim, criterion: Claim) -> bool:
    return compatible(claim, criterion) or not criterion.rest


def _classes_differ(report: ReportText, passed: list[tuple[int, str]]) -> Iterator[Found]:
    """Classes that are not the same on both sides, where the verdict says so or passes."""
    for line, quote in _mismatches(report):
        verdicts = [each for each in passed if each[0] != line or not _MISMATCH.search(each[1])]
        if verdicts:
            at, text = _nearest(verdicts, line)
            values = {"given": quote, "limit": "top-1", "verdict": _short(text)}
            yield Found("verdict-against-numbers", ((line, quote), (at, _short(text))), "certain", dict(values))
            return


def _mismatches(report: ReportText) -> Iterator[tuple[int, str]]:
    best: dict[str, str] = {}
    for line, text in report.sentences:
        for side, name in _TOP_OF_SIDE.findall(text):
            best.setdefault(side.lower(), name.strip().lower())
            if len(set(best.values())) > 1:
                yield line, _short(text)
                best = {}
        classes = {side.lower(): one or other for side, one, other in _CLASS_OF_SIDE.findall(text)}
        if len(set(classes.values())) > 1:
            yield line, _short(text)
        if _MISMATCH.search(text) or _MATCH_FALSE.search(text):
            yield line, _short(text)
        part = _PART_EQUAL.search(text)
        if part and int(part[1]) < int(part[2]) and any(_ALL_EQUAL.search(said) for _, said in report.sentences):
            yield line, _short(text)
    for table in (block for block in report.blocks if isinstance(block, Table)):
        sides = [
            at
            for at, head in enumerate(table.header)
            if re.search(r"(?<![a-z])(?:cpu|npu|gpu)(?![a-z])", head, re.IGNORECASE)
        ]
        for row in table.rows:
            cells = [row.cells[at].strip() for at in sides if at < len(row.cells)]
            is_class = (
                bool(row.cells)
                and bool(_TOP_1.search(row.cells[0]))
                and not re.search(r"acc|精度|准确率|%|概率|score|置信|prob", " ".join(row.cells), re.IGNORECASE)
            )
            if is_class and len(cells) > 1 and len(set(cells)) > 1 and all(cells) and "-" not in cells:
                yield row.line, " | ".join(row.cells)


def without_results(report: ReportText) -> Iterator[Found]:
    """A verdict with no figure behind it."""
    if any(claim.metric in ACCURATE and not claim.is_threshold for claim in report.claims):
        return
    if re.search(
        r"\d+\s*(?:/|of|中)\s*\d+|逐位相同|bit[- ]?(?:identical|exact|equal)|same bits|逐字(?:相同|一致)"
        r"|word for word|max_abs_diff",
        report.everything,
        re.IGNORECASE,
    ):
        return
    about = re.compile(r"cpu|npu|精度|误差|accuracy|precision|agree|match", re.IGNORECASE)
    for line, text in report.sentences:
        if not PASSED.search(text) or FAILED.search(text) or _is_requirement(text) or _is_of_speed(text):
            continue
        if (ACCURACY.search(text) and about.search(text)) or ACCURACY_HEADING.search(report.heading_above(line)):
            yield Found("pass-without-results", ((line, _short(text)),), "likely", {"verdict": _short(text)})
            return


def bounds_only(report: ReportText) -> Iterator[Found]:
    """Bounds where a report owes values: nothing was measured of the same metric."""
    measured = {claim.metric for claim in report.claims if claim.is_measured}
    for claim in report.claims:
        if not claim.number.bound or claim.is_threshold or claim.metric not in OWED:
            continue
        if (
            claim.metric in measured
            or (claim.metric in ("error", "relative") and measured & SAY_ERROR)
            or _compared(report, claim)
        ):
            continue
        line = [each for each in report.claims if each.line == claim.line and each.number.bound and each.metric in OWED]
        if line[0] is claim:
            yield Found("bound-instead-of-value", ((claim.line, claim.quote),), "certain", {"given": claim.quote})


OWED = frozenset(
    {
        "cosine",
        "max-abs",
        "mean-abs",
        "relative-l2",
        "relative",
        "mean-relative",
        "error",
        "latency",
        "throughput",
        "speed-up",
        "mse",
    }
)


def _compared(report: ReportText, claim: Claim) -> bool:
    """Whether the bound is the limit that a value beside it is held to: "0.31 % < 1 %"."""
    return any(
        other is not claim and other.line == claim.line and other.is_measured
        for other in report.claims
        if other.metric in ACCURATE
    )


def _nearest(lines: list[tuple[int, str]], line: int) -> tuple[int, str]:
    return min(lines, key=lambda each: (abs(each[0] - line), each[0]))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 70 else f"{text[:70]}…"
