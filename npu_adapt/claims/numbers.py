"""Numbers in a line of text: value, unit, and how far off it may be by its own rounding.

Digits of names, versions, dates, shapes, paths and addresses are no numbers.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

Dimension = Literal["time", "rate", "size", "percent", "ratio", "plain", "other"]
Bound = Literal["", "<", ">"]

# Unit, its dimension, and how many base units (s, 1/s, bytes, 1) it is. The longest spelling is tried first.
UNITS: dict[str, tuple[Dimension, float]] = {
    **dict.fromkeys(("ns", "纳秒"), ("time", 1e-9)),
    **dict.fromkeys(("us", "微秒", "usec", "microseconds"), ("time", 1e-6)),
    **dict.fromkeys(("ms", "毫秒", "msec", "milliseconds", "millisecond"), ("time", 1e-3)),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "秒", "秒钟"), ("time", 1.0)),
    **dict.fromkeys(("min", "mins", "minutes", "分钟"), ("time", 60.0)),
    **dict.fromkeys(("h", "hours", "小时"), ("time", 3600.0)),
    **dict.fromkeys(("b", "bytes", "字节"), ("size", 1.0)),
    **dict.fromkeys(("kb",), ("size", 1e3)),
    **dict.fromkeys(("kib",), ("size", 1024.0)),
    **dict.fromkeys(("mb", "m"), ("size", 1e6)),
    **dict.fromkeys(("mib",), ("size", 2.0**20)),
    **dict.fromkeys(("gb", "g"), ("size", 1e9)),
    **dict.fromkeys(("gib",), ("size", 2.0**30)),
    **dict.fromkeys(("tb",), ("size", 1e12)),
    "%": ("percent", 0.01),
    "‰": ("percent", 0.001),
    "‱": ("percent", 0.0001),
    **dict.fromkeys(("x", "×", "倍", "times", "-fold", "fold"), ("ratio", 1.0)),
    **dict.fromkeys(
        ("db", "w", "°c", "℃", "khz", "hz", "mhz", "ghz", "tflops", "gflops", "flops", "tops"), ("other", 1.0)
    ),
}
_THINGS = (
    r"(?:tokens?|tok|images?|imgs?|samples?|frames?|sentences?|texts?|pairs?|req(?:uests?)?|iter(?:ation)?s?|it|"
    r"pictures?|clips?|items?|queries|docs?|steps?|inferences?|words?|chars?|张(?:图)?|帧|句|条|个|次|图|样本|字|词)"
)
RATE = (
    rf"(?:{_THINGS}\s*/\s*(?:s(?:ec(?:ond)?)?|秒)(?![A-Za-z])|{_THINGS} (?:per|a) second|fps|qps"
    rf"|ips|(?<![A-Za-z])/\s*(?:s|秒)(?![A-Za-z]))"
)
PER_ITEM = rf"\s*/\s*(?:{_THINGS}|batch|call|run|step|forward|次推理|图像)(?![A-Za-z])"
_NAMES = "|".join(re.escape(name) for name in sorted(UNITS, key=len, reverse=True))
UNIT = rf"(?:(?P<rate>{RATE})|(?P<unit>{_NAMES})(?![A-Za-z])(?P<per>{PER_ITEM})?)"

_NUMBER = re.compile(
    r"(?P<mark>(?:<=|>=|<|>|≤|≥|≦|≧|≈|~|±|小于等于|大于等于|不超过|不大于|不低于|不高于|小于"
    r"|低于|大于|高于|超过|约为|大约|约|近"
    r"|less than|more than|at most|at least|up to|below|under|above|over|about|around"
    r"|approximately|approx\.?|roughly|circa|nearly)\s*)?"
    r"(?P<sign>[+-])?"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"(?P<exponent>[eE][+-]?\d+|\s*[x×*]\s*10\s*(?:\^|\*\*)?\s*\{?(?P<power>[-⁻]?[\d⁰¹²³⁴⁵⁶⁷⁸⁹]+)\}?(?![\d.]))?"
    r"(?:\s*(?:\+/-|±)\s*\d+(?:\.\d+)?)?"
    rf"\s*(?P<suffix>{UNIT})?",
    re.IGNORECASE,
)
_RANGE = re.compile(r"\s*(?:-|~|至|到|to)\s*")
_SUPERSCRIPT = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
LESS = (
    "<",
    "<=",
    "≤",
    "≦",
    "小于",
    "小于等于",
    "低于",
    "不超过",
    "不大于",
    "不高于",
    "less than",
    "at most",
    "up to",
    "below",
    "under",
)
MORE = (">", ">=", "≥", "≧", "大于", "大于等于", "高于", "超过", "不低于", "more than", "at least", "above", "over")
ABOUT = 0.05  # what "about" allows, as a share of the value

# What holds digits and is no number. Each match is blanked, letter for letter, before numbers are looked for.
NOT_NUMBERS = re.compile(
    r"https?://\S+"
    r"|\b(?:sha256|md5)[:=]?\s*[0-9a-f]{6,}"
    r"|(?<!\d\.)\b[0-9a-f]{12,}\b(?<![\d])"  # but no digits of a figure before its exponent
    r"|\d{4}[-/年.]\d{1,2}[-/月.]\d{1,2}日?(?:[T ]\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d+)?Z?)?"
    r"|\b\d{1,2}:\d{2}(?::\d{2})(?:[.,]\d+)?"
    r"|(?<![\w.])v?\d+\.\d+\.\w[\w.+-]*"  # a version
    r"|(?<![\w.])v?\d+\.\d+\.?(?:rc|post|dev|alpha|beta)\d*[\w.+-]*"
    r"|\[\s*\d+(?:\s*,\s*\d+)*,?\s*\]|\(\s*\d+(?:\s*,\s*\d+)+,?\s*\)"  # a shape
    r"|\b\d+(?:\s?[x×*]\s?\d+)+\b(?!\s*\^)"
    r"|(?<![\w.])~?/[\w.@+-]+(?:/[\w.@+-]+)+"  # a path
    rf"|(?<![\w.])(?!{RATE}|(?:ms|us|s|sec|秒)/)[A-Za-z_][\w.-]*(?:/[\w.-]+)+"
    r"|(?<![\w.×*])(?<![×*x] )10\s*(?:\^|\*\*)\s*-?\d+"
    r"|(?<![A-Za-z])(?:top|Top|TOP)[-_ ]?\d\b"
    r"|(?<![A-Za-z])[PpRr]\d{2}(?:\.\d)?(?!\d)"
    r"|(?<![A-Za-z])[Ll](?:1|2|_2|∞|inf)(?![\w])"
    r"|(?:npu|cuda|gpu|cpu|xpu):\d+"
    r"|(?<![A-Za-z0-9_.])[A-Za-z_]\w{0,60}?(?:[-.@#]?[A-Za-z_]{0,40}\d\w*)+"  # an identifier: fp16, cat-2.jpg
    r"|(?<![\w.])\d+[A-Za-z]+\d[\w-]*"  # 910B4
    rf"|(?<![\w.])(?:310|910)(?!\s*(?:{RATE}|(?:ms|us|毫秒|微秒|%|倍|x|×)(?![A-Za-z])))[A-Za-z]?\w*(?![\w.%])"
    r"|^\s*\d+[.)、]\s",
)


@dataclass(frozen=True)
class Number:
    """`value` in base units; `low` to `high` is what the printed digits may stand for."""

    value: float
    low: float
    high: float
    dimension: Dimension
    bound: Bound
    start: int
    end: int
    text: str
    is_approximate: bool = False
    is_exact_zero: bool = False

    def agrees(self, other: Number, slack: float = 0.0) -> bool:
        """Whether both may stand for one value; bounds hold it on one side."""
        reach = slack * max(abs(self.value), abs(other.value))
        if self.bound or other.bound:
            return _within(self, other, reach) and _within(other, self, reach)
        return self.low - reach <= other.high and other.low - reach <= self.high


def _within(bound: Number, other: Number, reach: float) -> bool:
    if bound.bound == "<":
        return other.low <= bound.high + reach
    if bound.bound == ">":
        return other.high >= bound.low - reach
    return True


def blanked(text: str) -> str:
    """`text` with everything blanked that holds digits and is no number."""
    return NOT_NUMBERS.sub(lambda match: " " * len(match[0]), text)


def numbers(text: str, default: tuple[Dimension, float] | None = None) -> list[Number]:
    """Every number of a line. `default` is the unit of numbers that have none: a column's."""
    clean = blanked(text)
    found: list[Number] = []
    for match in _NUMBER.finditer(clean):
        number = _number(match, default)
        if number is None:
            continue
        if found and _RANGE.fullmatch(clean[found[-1].end : match.start("digits")]):
            number = _range(found.pop(), number, clean)
        found.append(number)
    return found


def _range(first: Number, last: Number, text: str) -> Number:
    """ "10-20 ms" as one number that is anything between."""
    scale, dimension = 1.0, last.dimension
    if first.dimension == "plain" != last.dimension and last.value:
        unit = abs(last.value) / abs(float(re.findall(r"\d+(?:\.\d+)?", last.text.replace(",", ""))[0]) or 1.0)
        scale = unit
    elif last.dimension == "plain":
        dimension = first.dimension
    low, high = sorted((abs(first.low) * scale, abs(last.high)))
    shown = text[first.start : last.end].strip()
    return Number((low + high) / 2, low, high, dimension, "", first.start, last.end, shown, is_approximate=True)


def _number(match: re.Match[str], default: tuple[Dimension, float] | None) -> Number | None:
    text, start = match.string, match.start("digits")
    before = text[start - 1] if start else " "
    mark = (match["mark"] or "").strip().lower()
    if mark == "±":  # the spread of the number before it
        return None
    if (before.isalpha() and before.isascii()) or before in "_.":
        return None
    digits, exponent = match["digits"].replace(",", ""), _exponent(match)
    sign = -1.0 if match["sign"] == "-" else 1.0
    try:
        value = sign * float(digits) * 10.0**exponent
    except OverflowError:
        return None
    decimals = len(digits.partition(".")[2])
    half = 0.5 * 10.0 ** (exponent - decimals)
    dimension, scale = unit_of(match) or default or ("plain", 1.0)
    approximate = mark not in ("", "±", *LESS, *MORE)
    reach = half + (ABOUT * abs(value) if approximate else 0.0)
    bound: Bound = "<" if mark in LESS else ">" if mark in MORE else ""
    shown = text[match.start() : match.end()].strip()
    if not math.isfinite(value * scale):
        return None
    low, high = (value - reach) * scale, (value + reach) * scale
    end = match.start() + len(match[0].rstrip())  # blanked words behind it are none of it
    return Number(value * scale, low, high, dimension, bound, match.start(), end, shown, approximate, value == 0)


def _exponent(match: re.Match[str]) -> int:
    if match["power"]:
        power = int(match["power"].translate(_SUPERSCRIPT))
    else:
        power = int(match["exponent"][1:]) if match["exponent"] else 0
    return max(-300, min(300, power))


def unit_of(match: re.Match[str]) -> tuple[Dimension, float] | None:
    if match["rate"]:
        return "rate", 1.0
    if match["unit"]:
        return UNITS[match["unit"].lower()]
    return None


_IN_LABEL = re.compile(rf"(?:[(\[（_/\s]|^)(?P<suffix>{UNIT})\s*(?:[)\]）]|$|(?=\s*[|,，:]))", re.IGNORECASE)
_SUFFIX = re.compile(r"[a-z]_(ms|us|s|sec|seconds|mb|gb|mib|gib)\b", re.IGNORECASE)  # latency_ms mean
_RATE_IN_LABEL = re.compile(RATE, re.IGNORECASE)
_AMBIGUOUS = ("m", "g", "b", "h", "s", "x", "times", "w")  # letters that are a unit only within brackets or behind _


def unit_in(label: str) -> tuple[Dimension, float] | None:
    """The unit that a header or a key carries: "latency (ms)", "latency_ms", "时延/毫秒". None: none."""
    if _RATE_IN_LABEL.search(label):
        return "rate", 1.0
    suffixed = _SUFFIX.search(label)
    if suffixed:
        return UNITS[suffixed[1].lower()]
    for match in _IN_LABEL.finditer(label):
        unit = (match["unit"] or "").lower()
        if unit in _AMBIGUOUS and match[0].lstrip()[:1] not in ("(", "[", "（", "_", "/"):
            continue
        return unit_of(match)
    return None
