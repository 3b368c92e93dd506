"""What is said while a person waits: every id that the workflows say has words, and all words are of an id."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from npu_adapt.records import Fact
from npu_adapt.report.language import spoken
from npu_adapt.report.phrases.progress import DOING

WORKFLOWS = Path(__file__).parents[2] / "npu_adapt" / "workflows"
SAID = re.compile(r"\bdoing\(\s*\"([a-z-]+)\"")
VALUES = {
    "model": "org/name",
    "model_why": "summary",
    "summary": "logs/summary.json",
    "device": "npu:0",
    "device_why": "asked",
    "message": "…",
    "hint": "…",
    "files": 3,
    "number": 1,
    "rows": 2,
    "setting": "float32",
    "mode": "compile",
    "needed": 2 << 30,
    "free": 3 << 30,
    "limit": 2 << 30,
}


def test_every_id_has_words_and_all_words_are_of_an_id() -> None:
    texts = [path.read_text("utf-8") for path in WORKFLOWS.rglob("*.py")]
    assert {name for text in texts for name in SAID.findall(text)} == DOING.keys()


@pytest.mark.parametrize("name", DOING)
def test_a_chinese_line_holds_no_english_but_names(name: str) -> None:
    text = spoken(Fact(name, dict(VALUES)), "zh")
    rest = re.sub(r"org/name|logs/summary\.json|npu:0|npu-smi|torch|float32|CPU|compile|GiB", "", text)
    assert not re.search(r"[A-Za-z]{2,}", rest), text


def test_the_first_line_says_which_model_and_device_and_why() -> None:
    assert spoken(Fact("chosen", dict(VALUES)), "en") == (
        "model org/name (the model of logs/summary.json), device npu:0 (asked for)"
    )
