"""What all records have in common, and the two shapes of everything that a person is told: a fact and a term.

Records hold no sentence. A reason, a warning or a doubt is the id of what was found, with the values that its words
need; `report/phrases` has the words, in English and Chinese.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

Value: TypeAlias = bool | int | float | str | tuple[bool | int | float | str, ...] | None


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all records: immutable, and strict about what it decodes."""


class Fact(Record, frozen=True):
    """Something found, by its id, with the values that its words need."""

    id: str
    values: dict[str, Value] = msgspec.field(default_factory=dict)


class Said(Record, frozen=True):
    """A sentence of ours for a person, by its English template, with the values in it: names, or sentences too."""

    id: str
    values: dict[str, bool | int | float | str | Said | None] = msgspec.field(default_factory=dict)


class Term(Record, frozen=True, kw_only=True):
    """One thing that a rule looks at, and whether it holds."""

    id: str
    holds: bool
    place: str = ""  # the output, operator class or module that it is about; empty: the whole
    value: Value = None  # what was measured; None: there is none, or it is not finite
    limit: Value = None  # what it was held to; None: the term has no limit
    values: dict[str, Value] = msgspec.field(default_factory=dict)  # what else its words need


TEXT = "text"  # the id of a fact that an older schema kept as a sentence; its one value is the text
