"""The language that a person reads in: as asked, else the variable's, else the locale's."""

from __future__ import annotations

import os
from collections.abc import Mapping

from npu_adapt.records import Fact
from npu_adapt.report.phrases import Language

VARIABLE = "NPU_ADAPT_LANG"
LOCALE_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")  # the first that is set decides, as POSIX has it


def language_of(asked: str | None, environment: Mapping[str, str] = os.environ) -> Language:
    """ "zh" or "en": `asked` (`--lang`), else `NPU_ADAPT_LANG`, else Chinese for a Chinese locale, else English."""
    chosen = asked or environment.get(VARIABLE, "")
    if not chosen:
        chosen = next((value for name in LOCALE_VARIABLES if (value := environment.get(name))), "")
    return "zh" if chosen.lower().startswith("zh") else "en"


def spoken(said: str | Fact, language: Language) -> str:
    """What is said while a person waits: a fact by the phrase "progress-ID", a text as it is."""
    if isinstance(said, str):
        return said
    from npu_adapt.report.phrases.facts import words

    return words("progress", said, language)
