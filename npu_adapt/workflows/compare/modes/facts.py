"""The facts that are recorded of a mode; `report/phrases/modes` has the words of each."""

from __future__ import annotations

from typing import Literal

from npu_adapt.records import Fact, Value

# Why a mode did not run.
ReasonId = Literal["no-graphs", "mode-failed-to-run", "nothing-compiled", "random-model"]
# Which of its forwards could not be made or judged.
LeftOutId = Literal["input-not-taken", "no-other-values", "truth-not-finite", "parts-not-judged", "replays-not-watched"]


def reason(id: ReasonId, **values: Value) -> Fact:
    """Why a mode did not run."""
    return Fact(id, values)


def left_out(id: LeftOutId, **values: Value) -> Fact:
    """What of a mode was not judged."""
    return Fact(id, values)
