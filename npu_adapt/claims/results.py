"""Figures of result files: what a JSON file beside a report says, and where the report says another value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from npu_adapt.claims.claim import Claim, fits
from npu_adapt.claims.conditions import compatible, exactly, may_hold
from npu_adapt.claims.contradictions import UNIQUE, agree, are_near
from npu_adapt.claims.description import describe
from npu_adapt.claims.numbers import numbers
from npu_adapt.claims.vocabulary import TIMES

DEEPEST = 8
_IN_WORDS = re.compile(r"[_.\-\s]+")


@dataclass(frozen=True)
class Differing:
    """A figure of a report, and that of a result file which it should be."""

    said: Claim
    recorded: Claim  # its label is the dotted path in the file
    is_certain: bool


def claims_of_json(value: object, path: tuple[str, ...] = ()) -> Iterator[Claim]:
    """The figures of a decoded JSON file; lists are left out, since a report tells of them as a whole."""
    if isinstance(value, dict) and len(path) < DEEPEST:
        for name, each in value.items():
            yield from claims_of_json(each, (*path, str(name)))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        claim = _claim(value, path)
        if claim is not None:
            yield claim


def _claim(value: float, path: tuple[str, ...]) -> Claim | None:
    """A figure by the names that lead to it. None: they name no metric, or a time without a unit."""
    own = describe(path[-1]) if path else describe("")
    whole = describe(" ".join(_IN_WORDS.sub(" ", name) for name in path))
    number = next(iter(numbers(repr(value), own.unit)), None)
    metric = next((each for each in (*own.metrics, *whole.metrics) if number is not None and fits(each, number)), None)
    if number is None or metric is None or (metric.dimensions == TIMES and own.unit is None):
        return None
    label = ".".join(path)
    return Claim(metric.id, number, 0, f"{label}: {value!r}", whole.facets, rest=whole.rest, label=label)


def differing(said: Sequence[Claim], recorded: Sequence[Claim]) -> Iterator[Differing]:
    """Figures that both have and that are not the same.

    Only where neither side has the other's value of that metric anywhere else: that would be another condition, which
    the words did not tell.
    """
    report = [each for each in said if each.metric in UNIQUE and each.is_measured]
    files = [each for each in recorded if each.metric in UNIQUE]
    for other in files:
        for one in report:
            if not compatible(one, other) or agree(one, other):
                continue
            if not exactly(one, other) and not are_near(one, other):
                continue
            if any(may_hold(one, each) and agree(one, each) for each in files):
                continue
            if any(may_hold(other, each) and agree(other, each) for each in report):
                continue
            yield Differing(one, other, exactly(one, other))
            break
