"""What a text says of the difference of two values, against the two values themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from npu_adapt.claims.blocks import Table
from npu_adapt.claims.contradictions import wider
from npu_adapt.claims.description import describe, words
from npu_adapt.claims.finding import Found
from npu_adapt.claims.numbers import Number, numbers
from npu_adapt.claims.report import ReportText
from npu_adapt.claims.sentences import BEHIND

SLACK = 0.05
_RELATIVE = re.compile(
    r"相对(?:误差|偏差|差异?)|relative (?:error|difference|deviation)|rel\.? ?(?:err|diff)", re.IGNORECASE
)
_DIFFERENCE = re.compile(
    r"(?:绝对|分数|得分)?(?:差异|差值|相差|之差|偏差)|(?:absolute )?(?:difference|deviation|gap)\b|\bdelta\b|Δ"
    r"|differ(?:s|ing)? by",
    re.IGNORECASE,
)
_OF_MANY = re.compile(
    r"最大|平均|均值|整体|全部|\bmax|\bmean|average|\bl2|norm\b|范数|worst|最差|逐|张量|tensor|向量|vector",
    re.IGNORECASE,
)
_SIDES = ({"cpu", "npu"}, {"gpu", "npu"})


class _Stated(NamedTuple):
    """Two values, what is said to be their difference, and how it is called."""

    one: Number
    other: Number
    stated: Number
    label: str


def stated_differences(report: ReportText) -> Iterator[Found]:
    """ "CPU 3.2 %, NPU 3.4 %, difference 0.9 %": a difference or relative error that is not that of the two values.

    Only where a sentence or a row gives one value of each side and their difference, of one number and not of a tensor.
    """
    rows = {row.line for block in report.blocks if isinstance(block, Table) for row in block.rows}
    for line, sentence in report.sentences:
        for each in _of_sentence(sentence) if line not in rows else ():
            yield from _wrong(each, line, sentence.strip())
    for table in (block for block in report.blocks if isinstance(block, Table)):
        for line, each in _of_table(table):
            yield from _wrong(each, line, f"{each.label}: {each.stated.text}")


def _of_sentence(sentence: str) -> Iterator[_Stated]:
    found = numbers(sentence)
    labels, start = [], 0
    for each in found:
        behind = BEHIND.match(sentence[each.end :])
        device = behind["device"] if behind else None
        labels.append(f"{sentence[start : each.start]} {device or ''}")  # "40.5 on the NPU" is the NPU's
        start = each.end + (behind.end() if behind and device else 0)
    for at in range(len(found) - 2):
        first, second, third = labels[at : at + 3]
        if _are_sides(first, second) and not _OF_MANY.search(first + second + third):
            one, other, stated = found[at : at + 3]
            yield _Stated(one, other, stated, third.strip(" ,，、:："))


def _of_table(table: Table) -> Iterator[tuple[int, _Stated]]:
    """Rows of a table with a column for each side and one for their difference."""
    for first, second in pairwise(range(len(table.header) - 1)):
        label = table.header[second + 1]
        if not _are_sides(table.header[first], table.header[second]) or not _is_difference(label):
            continue
        for row in table.rows:
            cells = [numbers(each) for each in row.cells[first : second + 2]]
            if [len(each) for each in cells] == [1, 1, 1] and not _OF_MANY.search(" ".join(row.cells)):
                one, other, stated = (each[0] for each in cells)
                yield row.line, _Stated(one, other, stated, label)


def _is_difference(header: str) -> bool:
    """Whether a column is the difference of the two beside it, and of nothing else: not "box difference"."""
    left = _DIFFERENCE.sub(" ", _RELATIVE.sub(" ", header))
    return left != header and not words(left) and not _OF_MANY.search(header)


def _are_sides(first: str, second: str) -> bool:
    return {describe(label).facets.get("device") for label in (first, second)} in _SIDES


def _wrong(found: _Stated, line: int, shown: str) -> Iterator[Found]:
    one, other, stated, label = found
    if one.dimension != other.dimension or any(each.bound or each.is_approximate for each in found[:3]):
        return
    is_relative = bool(_RELATIVE.search(label)) or (stated.dimension == "percent" != one.dimension)
    if not is_relative and (not _DIFFERENCE.search(label) or stated.dimension != one.dimension):
        return
    low = max(0.0, one.low - other.high, other.low - one.high)
    high = max(one.high - other.low, other.high - one.low)
    scales = [abs(each.value) for each in (one, other)] if is_relative else [1.0]
    printed = wider(stated)
    least, most = sorted((abs(printed.low), abs(printed.high)))
    if not all(scales) or any(least <= high / s * (1 + SLACK) and low / s * (1 - SLACK) <= most for s in scales):
        return
    middle = (low + high) / 2 / scales[0]
    derived = f"{100 * middle:.3g} %" if stated.dimension == "percent" else f"{middle:.3g}"
    values = {"given": f"{label} {stated.text}", "derived": derived, "source": f"{one.text}; {other.text}"}
    yield Found("derived-figure", ((line, shown[:80]),), "likely", dict(values))
