"""A comparison of schema 1: its sentences are facts and terms of the id "text" now."""

from __future__ import annotations

import json
from pathlib import Path

from npu_adapt.records import Fact, RuleOutcome, Summary, Term, Verdict, WorstOutput, decode
from npu_adapt.report.figures import Figures
from npu_adapt.report.sections.comparison import baseline, basis, terms

OLD = Path(__file__).parents[1] / "data" / "summary-v1.json"


def told(text: str, *, holds: bool = True) -> Term:
    return Term(id="text", holds=holds, values={"text": text})


def old(**fields: object) -> Summary:
    content = json.loads(OLD.read_text())
    content["compare"] |= fields
    return decode(json.dumps(content).encode(), origin="old")


def test_the_sentences_of_a_verdict_are_terms() -> None:
    compare = old().compare
    assert compare is not None
    assert compare.match_basis == (told("relative L2 2.711e-03 <= 1.000e-02; top-1 equal; top-5 equal"),)
    assert compare.worst_outputs["max_abs_diff"] == WorstOutput(output="logits", sample=0)
    field = told("cosine > 0.99 and mean_abs_diff < 0.005")
    assert compare.verdict == Verdict(
        passed=True,
        rule="noise-floor",
        terms=(told("logits: error 1.348 floors, at most 3"),),
        others=(RuleOutcome(rule="field", passed=True, terms=(field,)),),
    )


def test_notes_parts_left_out_and_the_baseline_are_facts_and_read_as_before() -> None:
    summary = old(
        operator_notes=["the reference itself has a NaN"],
        left_out=["pooler"],
        baseline={"path": "b.json", "created_at": "then", "regressions": ["worse"], "changes": ["cann: 1 -> 2"]},
    )
    compare = summary.compare
    assert compare is not None and compare.baseline is not None
    assert compare.operator_notes == (Fact("text", {"text": "the reference itself has a NaN"}),)
    assert compare.left_out == (Fact("text", {"text": "pooler"}),)
    assert compare.baseline.regressions == (Fact("text", {"text": "worse"}),)
    figures = Figures(summary)
    shown = str((*baseline(figures), basis(figures), *terms(figures)))
    for text in ("worse", "cann: 1 -> 2", "top-1 equal", "error 1.348 floors"):
        assert text in shown
