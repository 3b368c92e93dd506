"""The environment of schema 1 in the present one, and what is said of it."""

from __future__ import annotations

import json
from pathlib import Path

from npu_adapt.records import Fact, Problem, decode, encode
from npu_adapt.report.figures import Figures
from npu_adapt.report.phrases.facts import finding_words
from npu_adapt.report.sections.subject import problems

OLD = Path(__file__).parents[1] / "data" / "summary-v1.json"
PAIR = {
    "id": "cann-too-old",
    "severity": "error",
    "found": "CANN 8.1.RC1 with torch_npu 2.9.0",
    "wanted": "CANN 8.5.0 for this torch_npu",
    "fix": "install that CANN",
}


def test_problems_and_changes_of_schema_1_keep_their_sentences() -> None:
    old = json.loads(OLD.read_text())
    old["environment"]["problems"] = [PAIR, {**PAIR, "id": "of-then", "why": "it lacks functions"}]
    old["changes"] = {"since": "a.json", "created_at": "2026-01-01", "changes": ["cann: 8.3.RC1 -> 8.5.1"]}
    summary = decode(json.dumps(old).encode(), origin="old")
    assert decode(encode(summary), origin="new") == summary
    assert summary.environment is not None and summary.changes is not None
    pair, other = summary.environment.problems
    values = {"text_found": PAIR["found"], "text_wanted": PAIR["wanted"], "text_why": "", "text_fix": PAIR["fix"]}
    assert pair == Problem(id="cann-too-old", severity="error", values=values)
    said = {name: PAIR[name] for name in ("found", "wanted", "fix")}
    for language in ("en", "zh"):
        assert finding_words(pair, language) == said
        assert finding_words(other, language) == {**said, "why": "it lacks functions"}
        assert problems(Figures(summary, language))
    assert summary.changes.changes == (Fact("text", {"text": "cann: 8.3.RC1 -> 8.5.1"}),)
    assert Figures(summary).tell("change", summary.changes.changes[0]) == "cann: 8.3.RC1 -> 8.5.1"
