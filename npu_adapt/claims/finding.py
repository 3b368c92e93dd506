"""What the rules find: an id, its places as lines with quotes, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from npu_adapt.records.audit import Certainty, Nature
from npu_adapt.records.base import Value

# What each id is: two things that cannot both be true, something that is not there, or something to ask about.
NATURES: dict[str, Nature] = {
    "two-values": "contradiction",
    "derived-figure": "contradiction",
    "verdict-against-numbers": "contradiction",
    "one-minus-cosine": "contradiction",
    "cosine-above-one": "contradiction",
    "error-below-cosine": "contradiction",
    "max-below-mean": "contradiction",
    "statistics-order": "contradiction",
    "driver-as-cann": "contradiction",
    "torch-pair": "contradiction",
    "other-weights": "contradiction",
    "below-device-limit": "contradiction",
    "hidden-state-compared": "contradiction",
    "task-metric": "contradiction",
    "empty-cell": "gap",
    "placeholder": "gap",
    "bound-instead-of-value": "gap",
    "pass-without-results": "gap",
    "version-missing": "gap",
    "weights-without-source": "gap",
    "command-missing": "gap",
    "cann-pair": "doubt",
    "random-input": "doubt",
    "random-head": "doubt",
    "cold-baseline": "doubt",
    "cold-timing": "doubt",
    "loose-tolerance": "doubt",
    "part-compared": "doubt",
    "stage-on-cpu": "doubt",
}
FindingId = Literal[
    "two-values", "derived-figure", "verdict-against-numbers", "one-minus-cosine", "cosine-above-one",
    "error-below-cosine", "max-below-mean", "statistics-order", "driver-as-cann", "torch-pair", "other-weights",
    "below-device-limit", "hidden-state-compared", "task-metric", "empty-cell", "placeholder",
    "bound-instead-of-value", "pass-without-results", "version-missing", "weights-without-source", "command-missing",
    "cann-pair", "random-input", "random-head", "cold-baseline", "cold-timing", "loose-tolerance", "part-compared",
    "stage-on-cpu",
]  # fmt: skip


@dataclass(frozen=True)
class Found:
    """One finding in one text."""

    id: FindingId
    places: tuple[tuple[int, str], ...]  # line and quote
    certainty: Certainty = "certain"
    values: dict[str, Value] = field(default_factory=dict)
