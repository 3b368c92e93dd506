"""What a phrase is."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Language: TypeAlias = Literal["en", "zh"]


class Phrase(NamedTuple):
    """One text in both languages; `{…}` are places that the caller fills, the same in both."""

    en: str
    zh: str
