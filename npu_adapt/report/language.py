"""The language that a person reads in: as asked, else the variable's, else the locale's."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from npu_adapt.errors import Sentence
from npu_adapt.records import Fact, Said
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


def recorded(text: str, said: Said | None, language: Language) -> str:
    """A text of a record in that language; as it was recorded where its template is not known here."""
    sentence = None if said is None else sentence_of(said)
    return in_language(text if sentence is None else sentence, language)


def sentence_of(said: Said) -> Sentence | None:
    """The sentence that a record keeps. None: a template is not known here, or does not take these values."""
    from npu_adapt.report.phrases.messages import CHINESE

    if said.id not in CHINESE and not _JOINED.fullmatch(said.id):
        return None
    values = {name: sentence_of(value) if isinstance(value, Said) else value for name, value in said.values.items()}
    if any(value is None and said.values[name] is not None for name, value in values.items()):
        return None
    try:
        return Sentence(said.id, **values)
    except (KeyError, IndexError, ValueError, TypeError):
        return None


_JOINED = re.compile(r"(\{\w+\}[;:, ]*)+")  # a template that only puts sentences together


def _marked(template: str) -> str:
    """A template that only puts texts together, with the marks that Chinese has."""
    return template.replace("; ", "；").replace("}: ", "}：")


def _value(value: Any, language: Language) -> Any:
    return in_language(value, language) if isinstance(value, str) else value
