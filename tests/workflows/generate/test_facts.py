"""Every setting that a generation records has words, and every words a setting."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from npu_adapt.report.phrases.generation import PHRASES, SETTINGS
from npu_adapt.workflows.generate.facts import SettingId

# English that the Chinese keeps: the field's words, options, and what is copied.
KEPT = re.compile(r"token|logits|float64|pip install 'npu-adapt\[texts\]'|jiwer|npu-adapt compare --generate N")


def test_every_setting_has_words() -> None:
    assert set(get_args(SettingId)) == SETTINGS.keys()


@pytest.mark.parametrize("key", PHRASES)
def test_chinese_words_hold_no_english_but_names(key: str) -> None:
    text = KEPT.sub("", re.sub(r"\{[^}]*\}", "", PHRASES[key].zh))
    assert re.search(r"[A-Za-z]{2,}", text.replace("tokens", "")) is None or text in ("L2",), text
