"""Findings as records: of texts, and of fields of our own records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from npu_adapt.claims.finding import NATURES, Found
from npu_adapt.consistency import Contradiction
from npu_adapt.records.audit import AuditFinding, Certainty, Place

LONGEST = 80  # letters of a quoted value

OwnId = Literal[
    "derived-figure",
    "edited-copy",
    "history-chain",
    "log-differs",
    "command-differs",
    "report-differs",
    "report-of-another",
    "weights-changed",
    "weights-not-hubs",
    "outputs-differ",
    "results-differ",
    "bundle-differs",
]  # all of them contradictions


def of_text(found: Iterable[Found], file: str) -> Iterator[AuditFinding]:
    """What was found in a text, as records."""
    for each in found:
        places = tuple(Place(file=file, line=line, quote=quote) for line, quote in each.places)
        yield AuditFinding(
            id=each.id, nature=NATURES[each.id], certainty=each.certainty, places=places, values=each.values
        )


def of_field(
    name: OwnId, file: str, field: str, recorded: object, derived: object, source: str, certainty: Certainty = "certain"
) -> AuditFinding:
    """A field of a record that is not what another place says."""
    given = f"{field} = {short(recorded)}"
    values = {
        "field": field,
        "recorded": short(recorded),
        "given": given,
        "derived": short(derived),
        "source": source,
    }
    place = Place(file=file, field=field, quote=short(recorded))
    return AuditFinding(id=name, nature="contradiction", certainty=certainty, places=(place,), values=dict(values))


def of_contradictions(name: OwnId, file: Path, found: Iterable[Contradiction]) -> Iterator[AuditFinding]:
    for each in found:
        yield of_field(name, str(file), each.field, each.recorded, each.derived, each.source)


def short(value: object) -> str:
    """A value as it is quoted."""
    if isinstance(value, bool) or value is None:
        text = {True: "true", False: "false", None: "null"}[value]
    else:
        text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
