"""From an older schema to the present one: plain JSON values in, plain JSON values out.

Sentences of schema 1 become facts of the id "text": nothing of ours parses them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from npu_adapt.records.base import TEXT

Json = dict[str, Any]


def upgraded(summary: Json, version: int) -> Json:
    """The JSON of a summary of schema `version`, in the present schema's form."""
    for step in STEPS[version - 1 :]:
        summary = step(summary)
    return summary


def text_fact(text: str) -> Json:
    """A sentence of an older schema as a fact."""
    return {"id": TEXT, "values": {"text": text}}


def _from_1_to_2(summary: Json) -> Json:
    """Schema 2 holds facts where schema 1 held sentences."""
    sections: dict[str, Callable[[Json], Json]] = {"weights": _weights_from_1_to_2}
    changed = {name: step(summary[name]) for name, step in sections.items() if summary.get(name) is not None}
    reasons = {path: text_fact(text) for path, text in summary.get("reasons", {}).items()}
    return {**summary, **changed, "reasons": reasons, "schema_version": 2}


def _weights_from_1_to_2(weights: Json) -> Json:
    sentences = {name: weights[name] for name in ("conversions", "left_out", "doubts") if name in weights}
    return {**weights, **{name: [text_fact(text) for text in texts] for name, texts in sentences.items()}}


STEPS: tuple[Callable[[Json], Json], ...] = (_from_1_to_2,)  # the step from schema n stands at n - 1
