"""The language that a person reads in: as asked, else the variable's, else the locale's."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from npu_adapt.errors import Sentence
from npu_adapt.records import Fact, Failure
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
    """What is said while a person waits: a fact by the phrase "progress-ID", a text as `in_language` has it."""
    if isinstance(said, str):
        return in_language(said, language)
    from npu_adapt.report.phrases.facts import words

    return words(
        "progress", Fact(said.id, {name: _value(value, language) for name, value in said.values.items()}), language
    )


def in_language(text: str, language: Language) -> str:
    """A message or a hint in that language; other people's text, which has no words here, stays as it is."""
    if language == "en":
        return str(text)
    from npu_adapt.report.phrases.messages import CHINESE

    if not isinstance(text, Sentence):
        return CHINESE.get(text, text)
    values = {name: _value(value, language) for name, value in text.values.items()}
    template = CHINESE.get(text.template) or _marked(text.template)
    return template.format(**values)


def message_of(failure: Failure, language: Language) -> str:
    """What a failed run's record says, in that language; as it was recorded where its template is not known here."""
    from npu_adapt.report.phrases.messages import CHINESE

    if failure.said is None or failure.said.id not in CHINESE:
        return in_language(failure.message, language)
    return in_language(Sentence(failure.said.id, **failure.said.values), language)


def _marked(template: str) -> str:
    """A template that only puts texts together, with the marks that Chinese has."""
    return template.replace("; ", "；").replace("}: ", "}：")


def _value(value: Any, language: Language) -> Any:
    return in_language(value, language) if isinstance(value, str) else value
