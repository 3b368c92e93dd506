"""The words and figures of a sweep's rows, the same in every form."""

from __future__ import annotations

from npu_adapt import rounding
from npu_adapt.records import Fact
from npu_adapt.records.sweep import Cause, CauseGroup, ModelFigures, SweepRow
from npu_adapt.report.phrases import PHRASES, Language, say
from npu_adapt.report.phrases.facts import told

NONE = ""  # a figure that was not asked for, or that the commands did not come to; `why not` says it


def cause_words(cause: Cause | CauseGroup, language: Language) -> str:
    """What went wrong, by its class and what it is about."""
    plain = f"{cause.id}-plain"
    id = plain if not cause.subject and f"cause-{plain}" in PHRASES else cause.id
    return told("cause", Fact(id, {"subject": cause.subject}), language)


def why(row: SweepRow, language: Language) -> str:
    return NONE if row.cause is None else cause_words(row.cause, language)


def yes_or_no(value: bool | None, language: Language) -> str:
    return NONE if value is None else say("sweep-yes" if value else "sweep-no", language)


def right(figures: ModelFigures, language: Language) -> str:
    """The verdict, marked where the candidate was emulated."""
    said = yes_or_no(figures.right, language)
    return f"{said} ({say('sweep-rehearsed', language)})" if said and figures.rehearsed else said


def parameters(figures: ModelFigures) -> str:
    return NONE if figures.parameters is None else rounding.scaled(figures.parameters)


def floors(figures: ModelFigures) -> str:
    return NONE if figures.floors is None else rounding.ratio(figures.floors)


def latency(figures: ModelFigures) -> str:
    return NONE if figures.latency_ms is None else rounding.milliseconds(figures.latency_ms)


def of_limit(figures: ModelFigures) -> str:
    return NONE if figures.of_limit is None else f"{100 * figures.of_limit:.3g} %"


def memory(figures: ModelFigures) -> str:
    return NONE if figures.memory_bytes is None else rounding.size(figures.memory_bytes)
