"""From an older schema to the present one: plain JSON values in, plain JSON values out.

Sentences of schema 1 become facts of the id "text": nothing of ours parses them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from npu_adapt.records.base import TEXT

Json = dict[str, Any]
PROBLEM_PARTS = ("found", "wanted", "why", "fix")  # what schema 1 said of a problem

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
    sections: dict[str, Callable[[Json], Json]] = {
        "weights": _weights_from_1_to_2,
        "compare": _compare_from_1_to_2,
        "bench": _bench_from_1_to_2,
        "environment": _environment_from_1_to_2,
        "changes": _changes_from_1_to_2,
    }
    changed = {name: step(summary[name]) for name, step in sections.items() if summary.get(name) is not None}
    reasons = {path: text_fact(text) for path, text in summary.get("reasons", {}).items()}
    return {**summary, **changed, "reasons": reasons, "schema_version": 2}


def _compare_from_1_to_2(compare: Json) -> Json:
    """Sentences become facts and terms of the id "text"; a term holds as the rule that it belongs to does."""
    verdict, baseline = compare["verdict"], compare.get("baseline")
    changed = {
        "match_basis": [_text_term(compare["match_basis"], compare["match_within_1_percent"])],
        "worst_outputs": {metric: _worst_output(text) for metric, text in compare["worst_outputs"].items()},
        "verdict": {
            "passed": verdict["passed"],
            "rule": verdict["rule"],
            "terms": [_text_term(text, verdict["passed"]) for text in verdict["reasons"]],
            "others": [_outcome_from_1_to_2(outcome) for outcome in verdict.get("others", ())],
        },
        "operator_notes": [text_fact(text) for text in compare.get("operator_notes", ())],
        "left_out": [text_fact(text) for text in compare.get("left_out", ())],
    }
    if baseline is not None:
        lists = {name: [text_fact(text) for text in baseline[name]] for name in ("regressions", "changes")}
        changed["baseline"] = {**baseline, **lists}
    return {**compare, **changed}


def _text_term(text: str, holds: bool) -> Json:
    return {"id": TEXT, "holds": holds, "values": {"text": text}}


def _outcome_from_1_to_2(outcome: Json) -> Json:
    terms = [_text_term(outcome["detail"], outcome["passed"])]
    return {"rule": outcome["rule"], "passed": outcome["passed"], "terms": terms}


def _worst_output(text: str) -> Json:
    """From "logits, sample 2"."""
    output, _, sample = text.rpartition(", sample ")
    return {"output": output, "sample": int(sample) if sample.isdecimal() else sample}


def _weights_from_1_to_2(weights: Json) -> Json:
    sentences = {name: weights[name] for name in ("conversions", "left_out", "doubts") if name in weights}
    return {**weights, **{name: [text_fact(text) for text in texts] for name, texts in sentences.items()}}


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
    return {
        **with_facts(bench),
        "rows": rows,
        "memory_source": MEMORY_SOURCES.get(source, source),
        "result_row": bench.get("best_row", 0),
    }


def _environment_from_1_to_2(environment: Json) -> Json:
    """Problems keep their ids, which name them, and their four sentences."""
    problems = [
        {
            "id": problem["id"],
            "severity": problem["severity"],
            "values": {f"{TEXT}_{part}": problem.get(part, "") for part in PROBLEM_PARTS},
        }
        for problem in environment.get("problems", ())
    ]
    return {**environment, "problems": problems}


def _changes_from_1_to_2(changes: Json) -> Json:
    return {**changes, "changes": [text_fact(text) for text in changes["changes"]]}


STEPS: tuple[Callable[[Json], Json], ...] = (_from_1_to_2,)  # the step from schema n stands at n - 1
