"""What a phrase is."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Language: TypeAlias = Literal["en", "zh"]


class Phrase(NamedTuple):
    """One text in both languages; `{…}` are places that the caller fills, the same in both."""

    en: str
    zh: str


class Labelled(str):
    """A text that remembers which phrase it is, so that a page can explain it."""

    key: str

    def __new__(cls, text: str, key: str) -> Labelled:
        labelled = super().__new__(cls, text)
        labelled.key = key
        return labelled
