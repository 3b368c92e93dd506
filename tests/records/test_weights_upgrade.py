"""The weights section of a summary of schema 1 in the present schema."""

from __future__ import annotations

from pathlib import Path

from npu_adapt import records
from npu_adapt.records import Fact
from npu_adapt.records.upgrade import upgraded
from npu_adapt.report.phrases.facts import words

OLD_SUMMARY = Path(__file__).parents[1] / "data" / "summary-v1.json"


def test_sentences_of_the_weights_become_facts_that_still_read_the_same() -> None:
    weights = records.decode(OLD_SUMMARY.read_bytes(), origin=OLD_SUMMARY.name).weights
    assert weights is not None
    assert weights.conversions == (Fact("text", {"text": "cast float16 to float32"}),)
    assert weights.left_out == (Fact("text", {"text": "pooler"}),)
    assert weights.doubts == ()
    assert words("conversion", weights.conversions[0], "zh") == "cast float16 to float32"


def test_fields_that_schema_1_left_out_stay_out() -> None:
    old = {"weights": {"pretrained_used": True, "doubts": ["looks untrained"]}}
    assert upgraded(old, 1)["weights"] == {
        "pretrained_used": True,
        "doubts": [{"id": "text", "values": {"text": "looks untrained"}}],
    }
