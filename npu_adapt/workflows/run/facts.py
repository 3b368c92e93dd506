"""The facts that every run records: why a field of `run`, or a whole section, is null.

`report/phrases/run` has the words of each, and a test holds the two lists together.
"""

from __future__ import annotations

from typing import Literal

from npu_adapt.records import Fact, Value

ReasonId = Literal[
    "not-loaded",
    "device-failed-before",
    "failed-in-stage",
    "made-in-python",
    "scores-not-finite",
    "predicts-nothing",
    "no-memory-statistics",
    "fallbacks-not-told",
    "one-forward",
]


def reason(id: ReasonId, **values: Value) -> Fact:
    """Why a field is null."""
    return Fact(id, values)
