"""Every reason and note that a run may record has words in both languages."""

from __future__ import annotations

import re
from string import Formatter
from typing import get_args

import pytest

from npu_adapt.report.explanations import known_ids
from npu_adapt.report.phrases import PHRASES
from npu_adapt.report.phrases.run import PHRASES as RUN
from npu_adapt.workflows.run.facts import NoteId, ReasonId

KEPT = re.compile("Python|CPU")


def test_every_id_has_a_phrase_and_every_phrase_an_id() -> None:
    notes = {f"run-note-{each}" for each in get_args(NoteId)}
    assert {f"reason-{each}" for each in get_args(ReasonId)} | notes == RUN.keys()
    assert set(get_args(NoteId)) <= set(known_ids())
    assert RUN.keys() <= PHRASES.keys()


@pytest.mark.parametrize("key", RUN)
def test_chinese_words_hold_no_english_but_names(key: str) -> None:
    text = "".join(literal for literal, *_ in Formatter().parse(RUN[key].zh))
    assert re.search(r"[A-Za-z]{2,}", KEPT.sub("", text)) is None
