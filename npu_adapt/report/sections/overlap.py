"""Boxes and masks as people see them: how many of the reference's the device sees at the same place."""

from __future__ import annotations

from collections.abc import Iterator

from npu_adapt.records import Overlap
from npu_adapt.report.document import Block, Inline
from npu_adapt.report.figures import Figures
from npu_adapt.report.sections.blocks import table

FIGURES = ("reference_objects", "candidate_objects", "matched", "least_iou", "mean_iou")
COLUMNS = ("sample", "kind", *(name.replace("_", "-") for name in FIGURES))


def overlaps(figures: Figures) -> tuple[Block, ...]:
    """A table of one row a sample; nothing for tasks without boxes and masks."""
    compare = figures.summary.compare
    if compare is None or not compare.overlaps:
        return ()
    rows: list[tuple[Inline, ...]] = []
    for at, overlap in enumerate(compare.overlaps):
        path = f"compare.overlaps.{at}"
        shown = (figures.short(f"{path}.{name}") for name in FIGURES)
        rows.append((figures(f"{path}.sample"), figures.say(f"overlap-{overlap.kind}"), *shown))
    return (table(figures, "overlap", COLUMNS, rows, frozenset(COLUMNS) - {"kind"}),)


def worst(overlaps: tuple[Overlap, ...]) -> int:
    """The sample whose objects agree the least, by its place."""
    return min(range(len(overlaps)), key=lambda at: (share(overlaps[at]), overlaps[at].least_iou or 0.0))


def share(overlap: Overlap) -> float:
    """The share of all objects, of either side, that are in a pair."""
    most = max(overlap.reference_objects, overlap.candidate_objects)
    return overlap.matched / most if most else 1.0


def said(figures: Figures) -> Iterator[str]:
    """What the first screen says of the worst sample; nothing for tasks without boxes and masks."""
    compare = figures.summary.compare
    assert compare is not None
    if not compare.overlaps:
        return
    at = worst(compare.overlaps)
    overlap, path = compare.overlaps[at], f"compare.overlaps.{at}"
    yield figures.say(
        "overlap-matched",
        matched=figures(f"{path}.matched"),
        reference=figures(f"{path}.reference_objects"),
        kind=figures.say(f"overlap-{overlap.kind}"),
    )
    if overlap.candidate_objects != overlap.reference_objects:
        yield figures.say("overlap-more", candidate=figures(f"{path}.candidate_objects"))
    if overlap.least_iou is not None:
        yield figures.say("overlap-least", least=figures(f"{path}.least_iou"))
