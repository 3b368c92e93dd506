"""The words of what is said of weights: in both languages, and each explained."""

from __future__ import annotations

import re

import pytest

from npu_adapt.records import Fact
from npu_adapt.report.explanations import topics
from npu_adapt.report.phrases.facts import words
from npu_adapt.report.phrases.weights import CONVERSIONS, DOUBTS, LEFT_OUT

FACTS = {
    "conversion": (
        Fact("cast", {"from": "float16", "to": "float32", "tensors": 1200}),
        Fact("renamed", {"tensors": 3}),
        Fact("fused", {"sources": 2, "targets": 1, "tensors": 8}),
        Fact("unwrapped", {"prefixes": ("_orig_mod.", "module."), "tensors": 41}),
        Fact("prefix-removed", {"prefix": "model.", "tensors": 41}),
        Fact("prefix-added", {"prefix": "0.auto_model.", "tensors": 41}),
        Fact("nested", {"key": "state_dict"}),
        Fact("computed", {"name": "model.encoder.embed_positions.weight"}),
        Fact("tied", {"name": "lm_head.weight", "other": "embed.weight"}),
    ),
    "left-out": (Fact("part", {"name": "pooler"}),),
    "doubt": (
        Fact("untrained", {"norms": 25}),
        Fact("layers-unused", {"layers": ("model.layers.1",), "tensors": 9}),
        Fact("attached-unused", {"names": ("a.b",), "tensors": 1}),
        Fact("adapter-unused", {"files": ("adapter_config.json",)}),
        Fact("float8", {"tensors": 14}),
        Fact("field-dropped", {"field": "rope.rope_theta", "file": "5e5", "loaded": "1e4"}),
        Fact("field-unread", {"field": "norm_epsilon", "file": "0.1", "near": "rms_norm_eps", "loaded": "1e-6"}),
        Fact("overruled", {"name": "lm_head.weight", "other": "embed.weight"}),
    ),
}
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("kind", FACTS)
def test_every_fact_has_words_in_both_languages(kind: str) -> None:
    for fact in FACTS[kind]:
        assert "{" not in words(kind, fact, "en") and not CHINESE.search(words(kind, fact, "en"))
        assert "{" not in words(kind, fact, "zh") and CHINESE.search(words(kind, fact, "zh"))


def test_every_id_is_tested_and_explained() -> None:
    ids = {"conversion": CONVERSIONS, "left-out": LEFT_OUT, "doubt": DOUBTS}
    for kind, phrases in ids.items():
        assert {fact.id for fact in FACTS[kind]} == phrases.keys() - {"text"}
    (topic,) = (topic for topic in topics("en") if topic.title.startswith("Weights"))
    assert [article.id for article in topic.articles] == [fact.id for facts in FACTS.values() for fact in facts]
