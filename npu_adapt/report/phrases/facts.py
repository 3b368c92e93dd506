"""The words of a fact: its phrase by kind and id, with its values written as figures are written everywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from string import Formatter
from typing import Any

from npu_adapt import rounding
from npu_adapt.records import TEXT, Fact, Problem, Term
from npu_adapt.report.phrases import PHRASES, Language

# What may stand behind the colon of a place in a phrase: `{value:error}`; `{value:word}` is the phrase "word-VALUE".
WRITERS: dict[str, Callable[[Any], str]] = {
    "error": rounding.error,
    "ratio": rounding.ratio,
    "cosine": rounding.cosine,
    "ms": rounding.milliseconds,
    "size": rounding.size,
    "count": rounding.count,
    "number": rounding.significant,
    "percent": lambda share: f"{100 * share:.3g} %",
}
# Places that are filled with other phrases, which take the same values; with nothing for an empty value:
# `{hint:say:hint}` is the phrase "hint-VALUE",
# `{said:if:quoted}` the phrase "quoted",
# `{npus:each:chip}` the phrase "chip" once for each item, with the items at its position in the places of other lists.
WORD = "word"  # `{what:word}` is the phrase "word-VALUE"
JOINED = {"en": ", ", "zh": "、"}
BETWEEN = {"en": "; ", "zh": "；"}  # clauses


class _Writer(Formatter):
    """Fills the places of a phrase."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._values: Mapping[str, Any] = {}
        self._other_phrases = {"say": self._named, "if": self._given, "each": self._each}

    def vformat(self, format_string: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        self._values = kwargs
        return super().vformat(format_string, args, kwargs)

    def format_field(self, value: Any, format_spec: str) -> str:
        kind, colon, key = format_spec.partition(":")
        if colon and kind in self._other_phrases:
            return self._other_phrases[kind](key, value) if value else ""
        if isinstance(value, (tuple, list)):
            return JOINED[self._language].join(self.format_field(each, format_spec) for each in value)
        if value is None:
            return self._phrase("none")
        if isinstance(value, bool):
            return "true" if value else "false"  # as in the record, in every language
        if format_spec == WORD:
            return self._phrase(f"word-{value}")
        return WRITERS[format_spec](value) if format_spec in WRITERS else str(format(value, format_spec))

    def _named(self, kind: str, value: Any) -> str:
        """The phrase "KIND-VALUE" with the same values in its places; the value in brackets where there is none."""
        key = f"{kind}-{value}"
        return super().vformat(self._phrase(key), (), self._values) if key in PHRASES else f" ({value})"

    def _given(self, key: str, _: Any) -> str:
        return super().vformat(self._phrase(key), (), self._values)

    def _each(self, key: str, items: Sequence[Any]) -> str:
        """The phrase once for each item; a place whose value is a list of the same length takes its item."""
        values = self._values

        def at(position: int) -> dict[str, Any]:
            lists = {name: value for name, value in values.items() if isinstance(value, (tuple, list))}
            items_here = {name: value[position] for name, value in lists.items() if len(value) == len(items)}
            return {**values, **items_here}

        told = [_Writer(self._language).vformat(self._phrase(key), (), at(position)) for position in range(len(items))]
        return BETWEEN[self._language].join(told)

    def _phrase(self, key: str) -> str:
        return PHRASES[key].zh if self._language == "zh" else PHRASES[key].en


def words(kind: str, fact: Fact | Term, language: Language) -> str:
    """The words of `fact`, by the phrase "KIND-ID". Raises `KeyError` for an id without a phrase.

    A term's `place`, `value` and `limit` fill the places of those names. A term that does not hold takes the phrase
    "KIND-ID-not" where there is one. A fact of an older schema may have a known id and only a text.
    """
    values: dict[str, Any] = dict(fact.values)
    key = f"{kind}-{TEXT if TEXT in values else fact.id}"
    if isinstance(fact, Term):
        values |= {"place": fact.place, "value": fact.value, "limit": fact.limit}
        if not fact.holds and f"{key}-not" in PHRASES:
            key = f"{key}-not"
    phrase = PHRASES[key]
    return _Writer(language).vformat(phrase.zh if language == "zh" else phrase.en, (), values)


def told(kind: str, fact: Fact | Term, language: Language) -> str:
    """The words of `fact`; its id and values where a record of another npu-adapt has what this one cannot tell."""
    try:
        return words(kind, fact, language)
    except (KeyError, IndexError, TypeError, ValueError):
        listed = ", ".join(f"{name}={value}" for name, value in fact.values.items())
        return f"{fact.id} ({listed})" if listed else fact.id


FINDING_PARTS = ("found", "wanted", "why", "fix")


def finding_words(problem: Problem, language: Language) -> dict[str, str]:
    """What was found, what was wanted, why it matters, and the fix, by these names, without those that are empty.

    A problem of schema 1 has its own sentences, and one that this npu-adapt has no words for its id and values.
    """
    name = TEXT if f"{TEXT}_found" in problem.values else problem.id
    try:
        said = {part: words("finding", Fact(f"{name}-{part}", problem.values), language) for part in FINDING_PARTS}
    except (KeyError, IndexError, TypeError, ValueError):
        said = {"found": told("finding", Fact(problem.id, problem.values), language)}
    return {part: text for part, text in said.items() if text}
