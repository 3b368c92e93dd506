"""Sentences as records keep them, so that they can be said again in another language."""

from __future__ import annotations

from npu_adapt.errors import Sentence
from npu_adapt.records.base import Said


def said_of(text: str) -> Said | None:
    """The template and the values of a `Sentence`. None: a text of somebody else, or one without any."""
    if not isinstance(text, Sentence):
        return None
    return Said(text.template, {name: _kept(value) for name, value in text.values.items()})


def _kept(value: object) -> bool | int | float | str | Said | None:
    if isinstance(value, Sentence):
        return said_of(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
