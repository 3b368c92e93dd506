"""From an older schema to the present one: plain JSON values in, plain JSON values out.

Sentences of schema 1 become facts of the id "text": nothing of ours parses them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from npu_adapt.records.base import TEXT

Json = dict[str, Any]

# What schema 1 called the sources of a benchmark's peak memory.
MEMORY_SOURCES = {
    "the device's own statistics": "device-statistics",
    "resident memory of the process during the first forward": "resident-in-first-forward",
    "resident memory of the process since it began": "resident-since-start",
}


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
    sections: dict[str, Callable[[Json], Json]] = {"bench": _bench_from_1_to_2}
    changed = {name: step(summary[name]) for name, step in sections.items() if summary.get(name) is not None}
    reasons = {path: text_fact(text) for path, text in summary.get("reasons", {}).items()}
    return {**summary, **changed, "reasons": reasons, "schema_version": 2}


def _bench_from_1_to_2(bench: Json) -> Json:
    """Warnings keep their ids, which say what they cast doubt on, and their sentences."""

    def with_facts(section: Json) -> Json:
        warnings = [{**text_fact(each["message"]), "id": each["id"]} for each in section.get("warnings", ())]
        return {**section, "warnings": warnings}

    rows = [
        {**with_facts(row), "reason": text_fact(row["reason"]) if row.get("reason") else None}
        for row in bench.get("rows", ())
    ]
    source = bench.get("memory_source", "")
    return {**with_facts(bench), "rows": rows, "memory_source": MEMORY_SOURCES.get(source, source)}


STEPS: tuple[Callable[[Json], Json], ...] = (_from_1_to_2,)  # the step from schema n stands at n - 1
