"""The records of an audit: what contradicts itself in a report, a bundle or a logs folder, and what it lacks."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from npu_adapt.records.base import Record, Value

Certainty: TypeAlias = Literal["certain", "likely", "possible"]
Nature: TypeAlias = Literal["contradiction", "gap", "doubt"]


class Place(Record, frozen=True, kw_only=True):
    """Where a finding is seen, and what stands there."""

    file: str
    line: int | None = None  # None: of a record, whose field says it, or of the whole file
    field: str | None = None  # of a record; None: a line of text
    quote: str = ""  # the figure or the words, as they are written


class AuditFinding(Record, frozen=True, kw_only=True):
    """One thing that is wrong, missing or doubtful; its words are the phrase "audit-ID"."""

    id: str
    nature: Nature  # contradiction: two things here cannot both be true
    certainty: Certainty
    places: tuple[Place, ...]
    values: dict[str, Value] = msgspec.field(default_factory=dict)


class Audit(Record, frozen=True, kw_only=True):
    """What was read, and what was found in it, contradictions first, then by place."""

    path: str
    files: tuple[str, ...]  # all that was read, in order
    checks: int  # figures, versions and files that were held against something
    findings: tuple[AuditFinding, ...]
    notes: tuple[Note, ...] = ()
    contradicts_itself: bool


class Note(Record, frozen=True, kw_only=True):
    """What could not be checked, and why: the phrase "audit-note-ID"."""

    id: str
    values: dict[str, Value] = msgspec.field(default_factory=dict)
