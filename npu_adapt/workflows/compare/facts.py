"""The facts that a comparison records beside its verdict's terms: every id, by kind.

`report/phrases/compare` has the words of each, and a test holds the two lists together.
"""

from __future__ import annotations

from typing import Literal

from npu_adapt.records import Fact, Value

# Why a field of the comparison is null.
ReasonId = Literal[
    "no-class-scores",
    "fewer-than-five-classes",
    "fast",
    "random-model",
    "no-operator-failed",
    "rehearsal-judges-no-operators",
    "operators-not-judged",
    "rehearsal-times-no-device",
    "rehearsal-arithmetic-known",
    "fits-only-float32",
    "not-finite",
    "compared-exactly",
    "two-forwards-differ",
    "latency-too-long",
    "latency-unsteady",
    "reference-widened",
]
# What limits the judgement of operators.
NoteId = Literal[
    "random-numbers",
    "reference-nan",
    "judged-by-float32",
    "judged-by-own-result",
    "too-large-for-whole-numbers",
    "convolutions-too-large",
    "convolutions-not-told",
    "not-judged-alone",
    "another-path",
    "path-ends",
]
# What was not compared, or only with the next best truth.
LeftOutId = Literal[
    "part", "truth-in-float32", "half-type-in-float32", "own-type-only", "no-float64", "other-shapes-in-float64"
]
# What is worse than in the baseline.
RegressionId = Literal["coarser-arithmetic", "larger-error", "no-longer-finite", "other-prediction"]


def reason(id: ReasonId, **values: Value) -> Fact:
    """Why a field is null."""
    return Fact(id, values)


def note(id: NoteId, **values: Value) -> Fact:
    """What limits the judgement of operators."""
    return Fact(id, values)


def left_out(id: LeftOutId, **values: Value) -> Fact:
    """What was not compared, or only with the next best truth."""
    return Fact(id, values)


def regression(id: RegressionId, **values: Value) -> Fact:
    """What is worse than in the baseline."""
    return Fact(id, values)
