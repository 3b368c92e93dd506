"""What the record of forwards under load derives from: the places where bits changed, and the verdict's term."""

from __future__ import annotations

from collections.abc import Iterator

from npu_adapt.consistency.contradiction import Contradiction, held
from npu_adapt.numerics.rules import soak_terms
from npu_adapt.records import Compare


def of_soak(compare: Compare) -> Iterator[Contradiction]:
    """The contradictions of `compare.soak`."""
    found = compare.soak
    recorded = tuple(term for term in compare.verdict.terms if term.id == "soak")
    derived = soak_terms(found)
    if found is not None:
        changed = sum(place.forwards for place in found.places)
        yield from held("compare.soak.changed", found.changed, changed, "compare.soak.places")
        if found.changed >= found.forwards:
            yield Contradiction("compare.soak.changed", found.changed, found.forwards, "compare.soak.forwards")
    for each in (*recorded, *(each for each in derived if not each.holds)):
        if each not in recorded or each not in derived:
            yield Contradiction("compare.verdict.terms", recorded, derived, "compare.soak")
