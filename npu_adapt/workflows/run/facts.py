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
    "not-hashed",
    "made-in-python",
    "adapter-without-weights",
    "scores-not-finite",
    "predicts-nothing",
    "no-memory-statistics",
    "fallbacks-not-told",
    "one-forward",
]
# What a reader must know of a run.
NoteId = Literal["output-is-input", "stateful-forward", "random-forward", "noise-given", "plugin-failed"]


def note(id: NoteId, **values: Value) -> Fact:
    """What a reader must know of a run."""
    return Fact(id, values)


def reason(id: ReasonId, **values: Value) -> Fact:
    """Why a field is null."""
    return Fact(id, values)
