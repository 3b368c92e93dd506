"""Why an operator that failed has no script, or a script that did not run; `report/phrases/repro` has the words."""

from __future__ import annotations

from typing import Literal

from npu_adapt.records import Fact, Value

ReasonId = Literal[
    "right-alone", "not-written-in-torch", "another-path", "captured-graph", "script-failed", "script-too-slow"
]


def reason(id: ReasonId, **values: Value) -> Fact:
    """Why there is no script, or no answer of it."""
    return Fact(id, values)
